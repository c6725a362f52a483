"""The verbs of the registry: each changes the index, the store and the journal in one transaction."""
