"""The formats of structures: what is registered, reading and writing files, and the formats of this package."""
