"""Who may do what: roles, robots, tokens, and the authorizer the registry asks."""
