"""Tables and pictures of calibrations."""
