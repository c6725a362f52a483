"""Quotas: how many bytes the content of a project may take up."""
