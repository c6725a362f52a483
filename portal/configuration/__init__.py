"""What administrators configure while the system runs: a table of keys, and the values set."""
