"""Atom-centred radial functions of a periodic cell, summed over every neighbour inside the cutoff."""

from libc.math cimport M_PI, ceil, cos, exp, floor, sqrt
from libc.stdlib cimport free, malloc
from libc.string cimport memset


cdef struct Basis:
    # exp(-eta (r - centre)^2) times the cosine cutoff, n of them
    const double* eta
    const double* centre
    Py_ssize_t n
    double cutoff
    # distance of neighbouring centres where they are even and eta is common; 0 otherwise
    double spacing
    # exp(-eta spacing^2)
    double fall


cdef inline void add_even(const Basis* basis, double r, double smooth, double* total) noexcept nogil:
    # Neighbouring Gaussians of an even grid differ by a factor that itself grows geometrically, so two
    # exponentials serve all of them. Starting at the nearest centre keeps every factor harmless.
    cdef double eta = basis.eta[0]
    cdef double step = basis.spacing
    cdef Py_ssize_t last = basis.n - 1
    cdef double place = (r - basis.centre[0]) / step + 0.5
    cdef Py_ssize_t nearest = 0 if place < 0 else (last if place > last else <Py_ssize_t>place)
    cdef double t = r - basis.centre[nearest]
    cdef double start = smooth * exp(-eta * t * t)
    cdef double tilt = exp(2.0 * eta * step * t)
    cdef double fall = basis.fall
    cdef double bend = fall * fall
    cdef double value, factor
    cdef Py_ssize_t k
    total[nearest] += start
    value = start
    factor = tilt * fall
    for k in range(nearest + 1, basis.n):
        value *= factor
        factor *= bend
        total[k] += value
    value = start
    factor = fall / tilt
    for k in range(nearest - 1, -1, -1):
        value *= factor
        factor *= bend
        total[k] += value


cdef inline void add(const Basis* basis, double r, double* total) noexcept nogil:
    cdef double smooth = 0.5 * (cos(M_PI * r / basis.cutoff) + 1.0)
    cdef double t
    cdef Py_ssize_t k
    if basis.spacing > 0.0:
        add_even(basis, r, smooth, total)
        return
    for k in range(basis.n):
        t = r - basis.centre[k]
        total[k] += smooth * exp(-basis.eta[k] * t * t)


cdef void add_images(
    const double* lower, double dx, double dy, double dz, bint same, const Basis* basis, double* total
) noexcept nogil:
    # All images of one atom seen from another. The lattice is lower triangular, so the sphere is cut
    # into planes, the planes into lines, and only lines that meet the sphere are walked: complete for
    # any cell, however thin or oblique.
    cdef double ax = lower[0]
    cdef double bx = lower[3], by = lower[4]
    cdef double cx = lower[6], cy = lower[7], cz = lower[8]
    cdef double cutoff = basis.cutoff
    cdef double square = cutoff * cutoff
    cdef double x, y, z, left_y, left_x, start_y, start_x, in_plane, in_line, r2
    cdef double i, j, k, last_i, last_j, last_k
    k = ceil((-cutoff - dz) / cz)
    last_k = floor((cutoff - dz) / cz)
    while k <= last_k:
        z = dz + k * cz
        in_plane = square - z * z
        left_y = sqrt(in_plane) if in_plane > 0.0 else 0.0
        start_y = dy + k * cy
        j = ceil((-left_y - start_y) / by)
        last_j = floor((left_y - start_y) / by)
        while j <= last_j:
            y = start_y + j * by
            in_line = in_plane - y * y
            left_x = sqrt(in_line) if in_line > 0.0 else 0.0
            start_x = dx + k * cx + j * bx
            i = ceil((-left_x - start_x) / ax)
            last_i = floor((left_x - start_x) / ax)
            while i <= last_i:
                x = start_x + i * ax
                r2 = x * x + y * y + z * z
                if 0.0 < r2 <= square and not (same and i == 0.0 and j == 0.0 and k == 0.0):
                    add(basis, sqrt(r2), total)
                i += 1.0
            j += 1.0
        k += 1.0


cdef void fill(
    const double[:, ::1] lower,
    const double[:, ::1] points,
    const Py_ssize_t[::1] kinds,
    const Basis* basis,
    double* total,
    double[:, :, ::1] out,
) noexcept nogil:
    cdef Py_ssize_t i, j, k
    for i in range(points.shape[0]):
        for j in range(i, points.shape[0]):
            memset(total, 0, basis.n * sizeof(double))
            add_images(
                &lower[0, 0],
                points[j, 0] - points[i, 0],
                points[j, 1] - points[i, 1],
                points[j, 2] - points[i, 2],
                i == j,
                basis,
                total,
            )
            for k in range(basis.n):
                out[i, kinds[j], k] += total[k]
            if i != j:
                for k in range(basis.n):
                    out[j, kinds[i], k] += total[k]


def environments(
    const double[:, ::1] lower,
    const double[:, ::1] points,
    const Py_ssize_t[::1] kinds,
    const double[::1] eta,
    const double[::1] centres,
    double spacing,
    double cutoff,
    double[:, :, ::1] out,
):
    """Add the radial functions of every atom to ``out``.

    Parameters
    ----------
    lower : (3, 3) memoryview
        Lattice rows in Å as a lower triangle with a positive diagonal.
    points : (n, 3) memoryview
        Positions in Å in the frame of that triangle; they need not lie in the cell.
    kinds : (n,) memoryview of Py_ssize_t
        Element of each atom as an index into the second axis of ``out``.
    eta, centres : (m,) memoryviews
        Widths in 1/Å2 and centres in Å of the Gaussians.
    spacing : float
        Distance of neighbouring centres in Å when they are even and eta is common, else 0.
    cutoff : float
        Radius in Å.
    out : (n, elements, m) memoryview
        Receives for atom i and element b the sum over all neighbours of that element.

    Raises
    ------
    ValueError
        When the shapes do not fit together.
    """
    cdef Py_ssize_t n = points.shape[0]
    cdef Py_ssize_t i
    if lower.shape[0] != 3 or lower.shape[1] != 3 or points.shape[1] != 3 or kinds.shape[0] != n:
        raise ValueError("lattice, points and kinds do not fit together")
    if out.shape[0] != n or out.shape[2] != eta.shape[0] or eta.shape[0] != centres.shape[0]:
        raise ValueError("the result's shape does not fit the atoms and functions")
    for i in range(n):
        if not 0 <= kinds[i] < out.shape[1]:
            raise ValueError("an element index lies outside the result")
    if not (cutoff > 0.0 and lower[0, 0] > 0.0 and lower[1, 1] > 0.0 and lower[2, 2] > 0.0):
        raise ValueError("the cutoff and the lattice's diagonal must be positive")
    if n == 0 or eta.shape[0] == 0:
        return
    cdef Basis basis
    basis.eta = &eta[0]
    basis.centre = &centres[0]
    basis.n = eta.shape[0]
    basis.cutoff = cutoff
    basis.spacing = spacing
    basis.fall = exp(-eta[0] * spacing * spacing)
    cdef double* total = <double*>malloc(basis.n * sizeof(double))
    if total == NULL:
        raise MemoryError()
    with nogil:
        fill(lower, points, kinds, &basis, total, out)
    free(total)
