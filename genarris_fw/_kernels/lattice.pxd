# Vectors, cells and the images of a lattice within a radius: what several kernels need of them.

from libc.math cimport ceil, fabs, floor, rint, sqrt
from libc.stdint cimport int64_t


cdef inline double dot(const double* a, const double* b) noexcept nogil:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


cdef inline void cross(const double* a, const double* b, double* out) noexcept nogil:
    out[0] = a[1] * b[2] - a[2] * b[1]
    out[1] = a[2] * b[0] - a[0] * b[2]
    out[2] = a[0] * b[1] - a[1] * b[0]


cdef inline double invert(const double* v, double* reciprocal, double* height) noexcept nogil:
    # Reciprocal vectors (without 2 pi) and heights of a cell; returns its volume, with its sign.
    cdef double volume
    cdef int c, e
    for c in range(3):
        cross(v + 3 * ((c + 1) % 3), v + 3 * ((c + 2) % 3), reciprocal + 3 * c)
    volume = dot(v, reciprocal)
    for c in range(3):
        height[c] = fabs(volume) / sqrt(dot(reciprocal + 3 * c, reciprocal + 3 * c))
        for e in range(3):
            reciprocal[3 * c + e] /= volume
    return volume


cdef inline void nearest_image(const double* v, const double* reciprocal, double* d) noexcept nogil:
    # A vector moved by lattice vectors to within half a cell of the origin.
    cdef double i = rint(dot(d, reciprocal)), j = rint(dot(d, reciprocal + 3)), k = rint(dot(d, reciprocal + 6))
    d[0] = d[0] - i * v[0] - j * v[3] - k * v[6]
    d[1] = d[1] - i * v[1] - j * v[4] - k * v[7]
    d[2] = d[2] - i * v[2] - j * v[5] - k * v[8]


cdef inline double cells_within(double radius, double height, double apart) noexcept nogil:
    # How many cells away an image can be that lies within the radius, of points that are up to `apart` cells apart:
    # half a cell once the nearest image is taken, a whole one where both lie in one cell.
    return floor(radius / height + apart)


cdef inline void span(double reach, double offset, double step, int64_t* first, int64_t* last) noexcept nogil:
    # The whole numbers n from first to last for which offset + n step (step > 0) lies within the reach: the images of
    # a point along a line, plane after plane and line after line where the lattice is lower triangular.
    first[0] = <int64_t>ceil((-reach - offset) / step)
    last[0] = <int64_t>floor((reach - offset) / step)


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
