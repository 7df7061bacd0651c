"""Fields on a grid: reference fields, potential and linear force-free fields, magnetograms, their files."""
