"""The journal: one append-only, ordered record of who did what to what, when and from where."""
