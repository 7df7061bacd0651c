"""How good a field is: metrics against a reference, factors by height, field lines."""
