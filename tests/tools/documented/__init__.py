"""What the documentation shows to be typed: pages, blocks of code, the commands in them, and how each is run."""
