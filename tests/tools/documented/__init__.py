"""What the documentation shows to be typed: its pages, their blocks of code, the commands in them, and how each is run."""
