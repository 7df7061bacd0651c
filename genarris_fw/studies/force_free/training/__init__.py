"""Optimisers, line search, and a training from its first point to its end."""
