"""The operator's commands of the work queue."""
