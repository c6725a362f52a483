"""What operators see: logs, metrics, readiness, limits, the admin site, the explorer."""
