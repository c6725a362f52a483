"""What the OCI specifications say, in pure Python."""
