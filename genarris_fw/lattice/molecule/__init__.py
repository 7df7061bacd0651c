"""The molecule by itself: its frame, its form, its wave function, whether it is rigid."""
