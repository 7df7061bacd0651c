"""How anything that a user writes is declared: name, type, default, bounds, unit, words."""
