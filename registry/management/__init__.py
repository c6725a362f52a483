"""The operator's commands on the registry."""
