"""The field as a neural network, and how far it is from a force-free field with the given boundary."""
