"""Replicas of several MPI ranks."""
