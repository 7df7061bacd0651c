"""What is tried before a run: its engines, its molecule, its cost; and the program against published numbers."""
