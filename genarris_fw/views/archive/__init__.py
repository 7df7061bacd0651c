"""The archive of a run: an RO-Crate with its input, structures, properties, and who did what with which program."""
