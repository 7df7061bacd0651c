# The pairs of atoms of near molecules.
from genarris_fw._kernels.lattice_model cimport LatticeModel, Room

cdef bint find_near(LatticeModel model, const double *state, const int *form, Room *room) noexcept nogil
cdef bint add_pairs(LatticeModel model, const int *form, bint second, Room *room) noexcept nogil
cdef bint inside_guard(LatticeModel model, const int *form, Room *room) noexcept nogil
