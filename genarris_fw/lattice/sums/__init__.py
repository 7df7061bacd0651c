"""What the kernels of the lattice sums are told of molecules and symmetry."""
