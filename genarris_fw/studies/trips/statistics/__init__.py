"""How well parameters are known, and how well they fit."""
