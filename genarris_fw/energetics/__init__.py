"""What energies are for: equations of state, convergence, comparisons."""
