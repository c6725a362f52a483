"""The data plane: OCI content, its index, its store, and the `/v2/` application."""
