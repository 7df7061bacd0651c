# Molecules related by symmetry, and the images of one about another: what the kernels of rigid molecules share.

# An entry's second molecule after a lattice translation, seen from its first one. As five doubles for kernels in C.
cdef struct Image:
    double d[3]  # from centre to centre, Å
    double weight  # 2 where it also stands for its inverse
    long entry

cdef struct Images:
    Image *at
    int n, room

# A lattice turned so that a lies along x and b in the plane x y, Å.
cdef struct Triangle:
    double ax, bx, by, cx, cy, cz

cdef bint open_images(Images *images) noexcept nogil
cdef void close_images(Images *images) noexcept nogil
cdef double determinant(const double *m) noexcept nogil
cdef Triangle triangle(const double *lattice, double volume) noexcept nogil

cdef class Entries:
    cdef readonly int entries
    cdef int[::1] first, second, own, involutory
    cdef int[:, ::1] back
    cdef double[:, :, ::1] rotations, turns
    cdef double[:, ::1] translations
    cdef double[::1] signs

    cdef bint add_images(self, const double *lattice, const Triangle *shape, const double *centres, int e, double reach,
                         Images *images) noexcept nogil
    cdef int pairing(self, int e, double x, double y, double z) noexcept nogil
