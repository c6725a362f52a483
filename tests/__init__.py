"""Portolan's tests."""
