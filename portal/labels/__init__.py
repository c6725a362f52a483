"""Labels: words with a colour, global or of one project, that people put on artifacts."""
