"""GFN-xTB by the library tblite."""
