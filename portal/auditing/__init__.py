"""What the site does with the journal: Harbor's words for it, forwarding, and purging."""
