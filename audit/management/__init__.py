"""The journal's part of manage.py."""
