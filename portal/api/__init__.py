"""The REST API, version 2.0: one module for each kind of resource, in the wire format that Harbor's clients know."""
