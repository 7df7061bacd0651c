"""From structures to documents and files, and back."""
