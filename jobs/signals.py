"""What a worker tells whoever listens in its process."""

from django.dispatch import Signal

run_ended = Signal()
"""Sent after a run's end was recorded, with `kind`, `state` (Success, Stopped, Error, or Pending for one that a shutdown
cut short) and `seconds`. An attempt that failed counts as Error, even where another will follow."""
