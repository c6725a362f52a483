"""Allowlists: vulnerabilities that do not keep anybody from pulling, of the whole registry and of projects."""
