"""Any calculator of ASE as an engine."""
