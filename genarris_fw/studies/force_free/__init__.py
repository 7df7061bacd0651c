"""Nonlinear force-free magnetic fields of the solar corona, found by a neural network from what is measured below."""
