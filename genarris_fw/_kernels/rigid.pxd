# Rigid molecules in a cell, related by symmetry: what the sampler, the packer and the press share.
from genarris_fw._kernels.entries cimport Entries, Image, Images

cdef enum:
    PARTS = 2  # independent molecules at most
    VARIABLES = 18  # 6 strains and, for every independent molecule, 3 shifts and 3 turns

cdef struct State:
    double lattice[9]  # rows, Å, right-handed
    double rotation[9 * PARTS]  # turns a part's coordinates into place
    double centre[3 * PARTS]  # fractional
    int orientation[PARTS]  # which of the coordinates a part has

cdef struct Pair:
    int image
    int i, j  # atom of the first molecule, atom of the image

cdef struct Work:
    double *points  # (parts, n, 3): atoms about their centre, Å
    double *turned  # (entries, n, 3): the same after the entry's operation
    float *atoms  # (parts, 3, stride), single precision
    float *images  # (entries, 3, stride)
    Images near
    Pair *pairs
    int n_pairs, room_pairs
    double volume, length  # of the cell: Å3, and its cube root
    double matrix[VARIABLES * VARIABLES]
    double gradient[VARIABLES]
    double row[VARIABLES]

cdef bint open_work(Work *work, int parts, int entries, int n, int stride) noexcept nogil
cdef void close_work(Work *work) noexcept nogil
cdef bint solve(const Work *work, int count, double damping, double *step) noexcept nogil

cdef class RigidCrystal(Entries):
    cdef readonly int n, parts, variables
    cdef int stride, strains
    cdef double widest, size
    cdef double[:, ::1] cut
    cdef float[:, ::1] cut2_single
    cdef double[:, :, ::1] coordinates
    cdef double[::1] radii
    cdef double[:, :, ::1] strain_basis, shift_basis, turn_basis
    cdef int[::1] shifts, spins

    cdef void place(self, const State *state, Work *work) noexcept nogil
    cdef bint find_near(self, const State *state, double reach, Work *work) noexcept nogil
    cdef bint list_pairs(self, Work *work, const float *cut2, double reach) noexcept nogil
    cdef double gap(self, const Work *work, const Pair *pair) noexcept nogil
    cdef bint clear(self, const State *state, Work *work) noexcept nogil
    cdef void accumulate(self, const Work *work, const Image *image, int i, int j, double *row) noexcept nogil
    cdef void project(self, const Work *work, const Image *image, const double *force, const double *torque_i,
                      const double *torque_j, double *gradient) noexcept nogil
    cdef void move(self, const State *state, const double *step, double volume, State *moved) noexcept nogil
