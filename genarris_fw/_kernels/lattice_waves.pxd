# The waves of Ewald's sums.
from genarris_fw._kernels.lattice_model cimport LatticeModel, Room

cdef tuple own_energies(LatticeModel model)
cdef bint open_waves(LatticeModel model, Room *room) noexcept nogil
cdef bint add_waves(LatticeModel model, const double *state, const int *form, bint second, Room *room) noexcept nogil
