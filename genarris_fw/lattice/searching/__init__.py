"""The search for the lowest minima: its items and rounds, its end, and the experiment among what it found."""
