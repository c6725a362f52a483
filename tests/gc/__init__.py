"""Garbage collection and fsck, alone and beside running pushes."""
