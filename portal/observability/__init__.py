"""What operators see of a running system: logs, metrics, and whether it is ready to serve."""
