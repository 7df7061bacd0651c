"""Ways to calibrate the model, one file each, and what all of them share."""
