"""Immutable tags: rules of a project that forbid moving or deleting the tags they match."""
