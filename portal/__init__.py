"""The control plane and the site."""
