"""A modeller's own tables, read and written."""
