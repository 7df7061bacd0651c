"""The charges of a molecule: fitted to its potential, analysed, of GFN2, or of a file."""
