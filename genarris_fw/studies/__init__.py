"""Studies of other sciences on the same farm: each a room of its own, which only its entry points register."""
