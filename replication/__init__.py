"""Copies between registries."""
