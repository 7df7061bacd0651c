"""Rockets started here, and the files that start them on a cluster."""
