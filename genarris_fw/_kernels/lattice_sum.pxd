# Lattice energies of rigid molecules: for the kernels that add to them.
from genarris_fw._kernels.lattice_model cimport LatticeModel

cdef class LatticeSum(LatticeModel):
    pass
