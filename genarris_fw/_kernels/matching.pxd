# Clusters of molecules of two crystals, and first superpositions of them.
from genarris_fw._kernels.superposition cimport Motion, Sums


cdef class Packing:
    cdef const double[:, ::1] cell
    cdef const double[:, ::1] atoms
    cdef const Py_ssize_t[::1] begin
    cdef const Py_ssize_t[::1] kinds
    cdef double[:, ::1] centres
    cdef double reciprocal[9]
    cdef double height[3]
    cdef readonly double widest  # farthest atom from the centre of its molecule, Å
    cdef readonly Py_ssize_t molecules

    cdef Py_ssize_t most_images(self, double radius) noexcept nogil
    cdef Py_ssize_t images(self, Py_ssize_t middle, double radius, Py_ssize_t* index, double* shift) noexcept nogil
    cdef double contact(self, Py_ssize_t middle, Py_ssize_t other, const double* shift) noexcept nogil


cdef struct Cluster:
    # n molecules: their kinds, centres, and atoms from start[i] to start[i + 1]
    Py_ssize_t n
    Py_ssize_t* kind
    Py_ssize_t* start
    double* centres
    double* atoms


cdef struct Orders:
    # the orders of the atoms of a molecule of kind k that keep its bonds: rows from start[k], count[k] of them
    const int* rows
    const Py_ssize_t* start
    const Py_ssize_t* count


cdef struct Pairing:
    # the counterpart of every molecule: image, and row of the order of its atoms
    Py_ssize_t* image
    const int** order
    unsigned char* used


cdef struct Tried:
    Motion* motions
    Py_ssize_t n
    Py_ssize_t room


cdef int fill_cluster(
    Packing packing, const Py_ssize_t* index, const double* shift, Py_ssize_t n, double sign, Cluster* out
) noexcept nogil
cdef void empty_cluster(Cluster* cluster) noexcept nogil
cdef const int* best_order(
    const Cluster* a, Py_ssize_t i, const Cluster* b, Py_ssize_t j, const Orders* orders, const Motion* motion,
    double limit, double* moved,
) noexcept nogil
cdef Py_ssize_t nearest_free(
    const Cluster* b, const double* place, Py_ssize_t kind, const unsigned char* used, double limit
) noexcept nogil
cdef void add_molecule(
    Sums* sums, const Cluster* a, Py_ssize_t i, const Cluster* b, Py_ssize_t j, const int* order
) noexcept nogil
cdef Py_ssize_t farthest_from(const double* p, Py_ssize_t n, Py_ssize_t i) noexcept nogil
cdef bint is_straight(const double* p, Py_ssize_t n) noexcept nogil
cdef int first_motions(
    const Cluster* a, const Cluster* b, const Orders* orders, double loose, double tight, int guides, Tried* tried
) noexcept nogil
