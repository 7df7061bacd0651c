"""What the procedures are made of."""
