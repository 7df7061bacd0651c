# The way down to a minimum.
from genarris_fw._kernels.lattice_model cimport LatticeModel, Room

cdef enum:  # how it ends
    CONVERGED, STEPS_USED, COLLAPSED, EVAPORATED, STUCK, NO_MEMORY

cdef int descend(LatticeModel model, double *state, const int *form, int most_steps, double tolerance, double longest,
                 Room *room, double *energy, double *norm, int *steps, int *evaluations) noexcept nogil
