# The draws of one site, for the kernels that go on from where a draw starts.
from libc.stdint cimport uint64_t

from genarris_fw._kernels.rigid cimport RigidCrystal, State

# Lower triangular lattice: a = (ax, 0, 0), b = (bx, by, 0), c = (cx, cy, cz).
cdef struct Cell:
    double ax, bx, by, cx, cy, cz

cdef class Sampler(RigidCrystal):
    cdef readonly int site
    cdef int system
    cdef uint64_t space_group
    cdef double reach, shortest, core2
    cdef double[:, ::1] origins, axes
    cdef double[:, :, ::1] bases
    cdef int[::1] free, freedoms, starts
    cdef float[:, ::1] cut2_trusted
    cdef float[:, :, ::1] coordinates_single

    cdef bint start(self, uint64_t seed, uint64_t draw, double mean, double std, double *offsets, Cell *cell,
                    State *state) noexcept nogil
    cdef bint fits(self, const Cell *cell, const State *state, const double *offsets, float *atoms) noexcept nogil
    cdef bint meets(self, int e, float *atoms, const double *offsets) noexcept nogil
    cdef void difference(self, int e, const Cell *cell, const double *centre, double *d) noexcept nogil
    cdef bint pair(self, const float *a, const float *b, double dx, double dy, double dz) noexcept nogil
    cdef bint any_image(self, int e, const Cell *cell, const State *state, float *atoms, bint exact) noexcept nogil
    cdef bint overlaps(self, int e, const State *state, double dx, double dy, double dz) noexcept nogil
    cdef void atom(self, int part, int i, const State *state, const double *after, double *p) noexcept nogil

cdef void report(const State *state, int parts, double *geometry, int *orientations) noexcept nogil
