"""The OCI distribution API as an ASGI application."""
