"""Where blobs and unfinished uploads are kept: one interface, several drivers, chosen by URL (see factory)."""
