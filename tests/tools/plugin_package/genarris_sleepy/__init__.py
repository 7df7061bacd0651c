"""A procedure, an engine, a picture, a format and a potential of another package."""
