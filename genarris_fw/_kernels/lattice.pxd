# Vectors, and the shortest vectors of a lattice: what several kernels need of them.

from libc.math cimport rint


cdef inline double dot(const double* a, const double* b) noexcept nogil:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


cdef inline void cross(const double* a, const double* b, double* out) noexcept nogil:
    out[0] = a[1] * b[2] - a[2] * b[1]
    out[1] = a[2] * b[0] - a[0] * b[2]
    out[2] = a[0] * b[1] - a[1] * b[0]


cdef inline bint shorten(double* v, const double* a, double m, const double* b, double n) noexcept nogil:
    # v + m a + n b in place of v where that is shorter. The small margin keeps rounding from going round in circles.
    cdef double w[3]
    cdef int c
    for c in range(3):
        w[c] = v[c] + m * a[c] + n * b[c]
    if not dot(w, w) < dot(v, v) * (1.0 - 1e-9):
        return False
    for c in range(3):
        v[c] = w[c]
    return True


cdef inline void reduce_lattice(double v[3][3]) noexcept nogil:
    # The same lattice by its shortest vectors (Minkowski): a skewed or flat cell would need many more images.
    cdef bint changed = True
    cdef double* a
    cdef double* b
    cdef int i, j
    while changed:
        changed = False
        for i in range(3):
            a, b = v[(i + 1) % 3], v[(i + 2) % 3]
            changed |= shorten(v[i], a, -rint(dot(v[i], a) / dot(a, a)), b, 0.0)
            changed |= shorten(v[i], b, -rint(dot(v[i], b) / dot(b, b)), a, 0.0)
            for j in range(4):
                changed |= shorten(v[i], a, 1.0 - 2.0 * (j % 2), b, 1.0 - 2.0 * (j // 2))
