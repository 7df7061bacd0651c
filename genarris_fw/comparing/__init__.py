"""The measured crystal and those of a pool: clusters of molecules laid upon each other, and powder patterns."""
