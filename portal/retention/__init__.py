"""Retention: rules of a project that say which artifacts to keep, and the runs that delete the others."""
