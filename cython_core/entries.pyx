"""Molecules related by symmetry operations, and the images of one about another.

An entry is one independent molecule (part) seen from another after one operation: with all lattice translations the
entries are all neighbours of the parts.
"""

from libc.math cimport rint, sqrt
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memset

import numpy as np

from genarris_fw._kernels.lattice cimport span

cdef int MOST = 400_000  # images; a cell that needs more is degenerate


cdef bint open_images(Images *images) noexcept nogil:
    """Allocate; False when there is no memory."""
    images.n, images.room = 0, 256
    images.at = <Image *> malloc(images.room * sizeof(Image))
    return images.at != NULL


cdef void close_images(Images *images) noexcept nogil:
    free(images.at)
    memset(images, 0, sizeof(Images))


cdef double determinant(const double *m) noexcept nogil:
    return (
        m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) + m[2] * (m[3] * m[7] - m[4] * m[6])
    )


cdef Triangle triangle(const double *lattice, double volume) noexcept nogil:
    """The shape of a lattice (rows, right-handed) whose volume is known."""
    cdef const double *a = lattice
    cdef const double *b = lattice + 3
    cdef const double *c = lattice + 6
    cdef double ex[3]
    cdef double ey[3]
    cdef Triangle shape
    cdef int i
    shape.ax = sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2])
    for i in range(3):
        ex[i] = a[i] / shape.ax
    shape.bx = b[0] * ex[0] + b[1] * ex[1] + b[2] * ex[2]
    for i in range(3):
        ey[i] = b[i] - shape.bx * ex[i]
    shape.by = sqrt(ey[0] * ey[0] + ey[1] * ey[1] + ey[2] * ey[2])
    for i in range(3):
        ey[i] /= shape.by
    shape.cx = c[0] * ex[0] + c[1] * ex[1] + c[2] * ex[2]
    shape.cy = c[0] * ey[0] + c[1] * ey[1] + c[2] * ey[2]
    shape.cz = volume / (shape.ax * shape.by)
    return shape


cdef inline Image *one_more(Images *images) noexcept nogil:
    """Room for one image more; NULL when there are too many or there is no memory."""
    cdef Image *larger
    if images.n == images.room:
        if images.room >= MOST:
            return NULL
        larger = <Image *> realloc(images.at, 2 * images.room * sizeof(Image))
        if larger == NULL:
            return NULL
        images.at = larger
        images.room *= 2
    images.n += 1
    return &images.at[images.n - 1]


cdef class Entries:
    """Which part is seen from which, and after which operation.

    Parameters
    ----------
    first, second, own : (e,) int arrays
        The second part is seen from the first one; 1 in `own` for a part's own lattice translations (the identity).
    rotations, translations, turns : (e, 3, 3), (e, 3), (e, 3, 3) arrays
        The operations: fractional, and the same rotations in Cartesian form (constant while the cell is strained).
    """

    def __init__(self, first, second, own, rotations, translations, turns):
        real = lambda x: np.ascontiguousarray(x, dtype=np.float64)
        whole = lambda x: np.ascontiguousarray(x, dtype=np.intc)
        self.first, self.second, self.own = whole(first), whole(second), whole(own)
        self.rotations, self.translations, self.turns = real(rotations), real(translations), real(turns)
        self.entries = self.first.shape[0]
        # Where an operation's inverse differs from it by lattice translations alone, its images come in pairs (+n and
        # -W n + back) with the same contacts.
        w, t = np.asarray(self.rotations), np.asarray(self.translations)
        back = -(np.einsum("eij,ej->ei", w, t) + t)
        square = np.einsum("eij,ejk->eik", w, w)
        self.involutory = whole(
            (np.abs(square - np.eye(3)).max(axis=(1, 2)) < 1e-6) & (np.abs(back - np.rint(back)).max(axis=1) < 1e-6)
            & (np.asarray(self.first) == np.asarray(self.second)) & (np.asarray(self.own) == 0)
        )
        self.back = whole(np.rint(back))
        self.signs = real(np.sign(np.linalg.det(np.asarray(self.turns))))

    cdef bint add_images(self, const double *lattice, const Triangle *shape, const double *centres, int e, double reach,
                         Images *images) noexcept nogil:
        """List an entry's images whose centre lies within reach; False where there are too many, or no memory.

        Of a part's own translations, and of images in pairs, one of each pair. The centres are fractional. The lattice
        is walked plane after plane and line after line.
        """
        cdef const double *a = lattice
        cdef const double *b = lattice + 3
        cdef const double *c = lattice + 6
        cdef double f[3]
        cdef double nearest[3]
        cdef double x, y, z, left, reach2 = reach * reach
        cdef int i, k, weight
        cdef bint own = self.own[e]
        cdef int64_t l, m, h, l0, l1, m0, m1, h0, h1
        cdef Image *image
        if reach / shape.cz * (reach / shape.by) * (reach / shape.ax) > MOST:
            return False
        for i in range(3):
            f[i] = nearest[i] = 0.0
        if not own:
            for i in range(3):
                f[i] = self.translations[e, i] - centres[3 * self.first[e] + i]
                for k in range(3):
                    f[i] += self.rotations[e, i, k] * centres[3 * self.second[e] + k]
                nearest[i] = rint(f[i])
                f[i] -= nearest[i]
        span(reach / shape.cz, f[2], 1.0, &l0, &l1)
        for l in range(0 if own else l0, l1 + 1):
            z = (f[2] + l) * shape.cz
            left = sqrt(max(reach2 - z * z, 0.0))
            y = f[1] * shape.by + (f[2] + l) * shape.cy
            span(left, y, shape.by, &m0, &m1)
            for m in range(0 if own and l == 0 else m0, m1 + 1):
                y = (f[1] + m) * shape.by + (f[2] + l) * shape.cy
                left = sqrt(max(reach2 - z * z - y * y, 0.0))
                x = f[0] * shape.ax + (f[1] + m) * shape.bx + (f[2] + l) * shape.cx
                span(left, x, shape.ax, &h0, &h1)
                for h in range(1 if own and l == 0 and m == 0 else h0, h1 + 1):
                    weight = 1
                    if self.involutory[e]:
                        weight = self.pairing(e, h - nearest[0], m - nearest[1], l - nearest[2])
                        if weight == 0:
                            continue
                    image = one_more(images)
                    if image == NULL:
                        return False
                    image.entry, image.weight = e, weight
                    for i in range(3):
                        image.d[i] = (f[0] + h) * a[i] + (f[1] + m) * b[i] + (f[2] + l) * c[i]
        return True

    cdef inline int pairing(self, int e, double x, double y, double z) noexcept nogil:
        """Compare lattice translation (x, y, z) with that of the inverse: 2 for the first of both, 0, or 1 if equal."""
        cdef int i
        cdef double n[3]
        cdef double difference
        n[0], n[1], n[2] = x, y, z
        for i in range(3):
            difference = n[i] - (self.back[e, i] - (
                self.rotations[e, i, 0] * x + self.rotations[e, i, 1] * y + self.rotations[e, i, 2] * z
            ))
            if difference > 0.5:
                return 2
            if difference < -0.5:
                return 0
        return 1
