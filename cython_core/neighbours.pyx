"""Points around points, over all periodic images."""

from genarris_fw._kernels.lattice cimport cells_within, invert, nearest_image, reduce_lattice


def neighbours(
    const double[:, ::1] lattice,
    const double[:, ::1] points,
    const double[::1] radii,
    Py_ssize_t[::1] counts,
    Py_ssize_t[::1] owners,
    double[:, ::1] vectors,
):
    """Find the points around each point, over all periodic images, itself excluded.

    Parameters
    ----------
    lattice : (3, 3) memoryview
        Rows are the lattice vectors in Å; any cell of the crystal will do.
    points : (n, 3) memoryview
        Cartesian positions in Å of the points of one cell; they need not lie in it.
    radii : (n,) memoryview
        How far to look from each point, in Å.
    counts : (n,) memoryview of Py_ssize_t
        Receives the number of neighbours of each point.
    owners, vectors : (room,), (room, 3) memoryviews
        Receive, point after point, whose image each neighbour is and the vector to it in Å, in no order.

    Returns
    -------
    int
        The number of all neighbours; where it exceeds the room, what lies beyond was not written.

    Raises
    ------
    ValueError
        When the shapes do not fit together.
    """
    cdef double v[3][3]
    cdef double reciprocal[9]
    cdef double reach[3]
    cdef double height[3]
    cdef double d[3]
    cdef double x, y, z, square, i, j, k
    cdef Py_ssize_t n = points.shape[0], room = owners.shape[0], found = 0
    cdef Py_ssize_t a, b, before
    cdef int c, e
    if lattice.shape[0] != 3 or lattice.shape[1] != 3 or points.shape[1] != 3 or vectors.shape[1] != 3:
        raise ValueError("lattice and points do not fit together")
    if radii.shape[0] != n or counts.shape[0] != n or vectors.shape[0] != room:
        raise ValueError("points, radii and the result do not fit together")
    for c in range(3):
        for e in range(3):
            v[c][e] = lattice[c, e]
    with nogil:
        reduce_lattice(v)
        invert(&v[0][0], reciprocal, height)
        for a in range(n):
            before = found
            square = radii[a] * radii[a]
            for c in range(3):
                reach[c] = cells_within(radii[a], height[c], 0.5)
            for b in range(n):
                for c in range(3):
                    d[c] = points[b, c] - points[a, c]
                nearest_image(&v[0][0], reciprocal, d)
                i = -reach[0]
                while i <= reach[0]:
                    j = -reach[1]
                    while j <= reach[1]:
                        k = -reach[2]
                        while k <= reach[2]:
                            x = d[0] + i * v[0][0] + j * v[1][0] + k * v[2][0]
                            y = d[1] + i * v[0][1] + j * v[1][1] + k * v[2][1]
                            z = d[2] + i * v[0][2] + j * v[1][2] + k * v[2][2]
                            if x * x + y * y + z * z <= square:
                                if not (a == b and i == 0.0 and j == 0.0 and k == 0.0):
                                    if found < room:
                                        owners[found] = b
                                        vectors[found, 0] = x
                                        vectors[found, 1] = y
                                        vectors[found, 2] = z
                                    found += 1
                            k += 1.0
                        j += 1.0
                    i += 1.0
            counts[a] = found - before
    return found
