"""The options of the study's procedures."""
