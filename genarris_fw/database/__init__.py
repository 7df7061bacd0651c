"""The database server as a thing on a disk: found, started, shared, backed up, restored."""
