"""Relaxation of crystals and molecules with any potential."""
