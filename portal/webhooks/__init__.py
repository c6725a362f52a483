"""Webhooks: a project tells addresses of its choice what happens in it."""
