"""Sorted distances from atoms of a crystal to their nearest neighbours, over all periodic images."""

from libc.math cimport M_PI, cbrt, ceil, sqrt
from libc.stdlib cimport free, realloc
from libc.string cimport memset

from genarris_fw._kernels.lattice cimport cells_within, cross, dot, invert, nearest_image, reduce_lattice
from genarris_fw._kernels.nearby cimport nearby


cdef struct Images:
    # lattice vectors whose cells may hold a neighbour, n of them; the middle one is zero
    double* x
    double* y
    double* z
    double* r2  # room for their squared distances
    Py_ssize_t n


cdef struct Space:
    # room for the neighbours of one atom, all of them inside the radius
    double* found
    double* sorted
    Py_ssize_t* starts


cdef int resize(void** block, Py_ssize_t bytes) noexcept nogil:
    cdef void* moved = realloc(block[0], bytes)
    if moved == NULL:
        return -1
    block[0] = moved
    return 0


cdef int make_room(
    const double v[3][3], const double height[3], double radius, Py_ssize_t n_atoms, Images* images, Space* space
) noexcept nogil:
    cdef double reach[3]
    cdef double i, j, k, count = 1.0
    cdef Py_ssize_t n = 0, room
    cdef int c
    for c in range(3):
        reach[c] = cells_within(radius, height[c], 0.5)
        count *= 2.0 * reach[c] + 1.0
    if not count * n_atoms <= 1e8:  # 2.4 GB; for a flat cell the count may be no number
        return -1
    room = (<Py_ssize_t>count * n_atoms + 1) * sizeof(double)
    if (
        resize(<void**>&images.x, <Py_ssize_t>count * sizeof(double))
        or resize(<void**>&images.y, <Py_ssize_t>count * sizeof(double))
        or resize(<void**>&images.z, <Py_ssize_t>count * sizeof(double))
        or resize(<void**>&images.r2, <Py_ssize_t>count * sizeof(double))
        or resize(<void**>&space.found, room)
        or resize(<void**>&space.sorted, room)
        or resize(<void**>&space.starts, room)
    ):
        return -1
    i = -reach[0]
    while i <= reach[0]:
        j = -reach[1]
        while j <= reach[1]:
            k = -reach[2]
            while k <= reach[2]:
                images.x[n] = i * v[0][0] + j * v[1][0] + k * v[2][0]
                images.y[n] = i * v[0][1] + j * v[1][1] + k * v[2][1]
                images.z[n] = i * v[0][2] + j * v[1][2] + k * v[2][2]
                n += 1
                k += 1.0
            j += 1.0
        i += 1.0
    images.n = n
    return 0


cdef Py_ssize_t find_neighbours(
    const double[:, ::1] points,
    Py_ssize_t centre,
    const double v[3][3],
    const double* reciprocal,
    double radius,
    const Images* images,
    double* found,
) noexcept nogil:
    # Squared distances up to the radius, of every atom and image but the centre itself.
    cdef double square = radius * radius
    cdef double d[3]
    cdef Py_ssize_t n = 0, atom
    cdef int c
    for atom in range(points.shape[0]):
        for c in range(3):
            d[c] = points[atom, c] - points[centre, c]
        nearest_image(&v[0][0], reciprocal, d)
        if atom == centre:
            # The middle image is the atom itself.
            n += nearby(images.x, images.y, images.z, images.n // 2, d[0], d[1], d[2], square, images.r2, found + n)
            c = images.n // 2 + 1
            n += nearby(
                images.x + c, images.y + c, images.z + c, images.n // 2, d[0], d[1], d[2], square, images.r2, found + n
            )
        else:
            n += nearby(images.x, images.y, images.z, images.n, d[0], d[1], d[2], square, images.r2, found + n)
    return n


cdef void sort_distances(double radius, Py_ssize_t n, Space* space) noexcept nogil:
    # Squared distances become sorted distances. Neighbours fill space evenly, so shells of one volume hold about
    # one each; what is left to insertion sort is almost in order.
    cdef double* found = space.found
    cdef double* out = space.sorted
    cdef Py_ssize_t* starts = space.starts
    cdef double scale = (n - 1e-3) / (radius * radius * radius)
    cdef double r
    cdef Py_ssize_t i, j, place, before
    memset(starts, 0, n * sizeof(Py_ssize_t))
    for i in range(n):
        found[i] = sqrt(found[i])
        starts[<Py_ssize_t>(found[i] * found[i] * found[i] * scale)] += 1
    place = 0
    for i in range(n):
        before = place
        place += starts[i]
        starts[i] = before
    for i in range(n):
        j = <Py_ssize_t>(found[i] * found[i] * found[i] * scale)
        out[starts[j]] = found[i]
        starts[j] += 1
    for i in range(1, n):
        r = out[i]
        j = i
        while j > 0 and out[j - 1] > r:
            out[j] = out[j - 1]
            j -= 1
        out[j] = r


cdef int fill(
    double v[3][3],
    const double[:, ::1] points,
    const Py_ssize_t[::1] centres,
    double[:, ::1] out,
    Images* images,
    Space* space,
) noexcept nogil:
    cdef double reciprocal[9]
    cdef double height[3]
    cdef double volume, radius, shortest
    cdef Py_ssize_t k = out.shape[1], n_atoms = points.shape[0]
    cdef Py_ssize_t i, j, n
    reduce_lattice(v)
    volume = abs(invert(&v[0][0], reciprocal, height))
    # A sphere that holds somewhat more than k atoms on average; along the shortest lattice vector alone an atom
    # meets k of its own images within the second bound, however empty the cell.
    radius = cbrt(1.2 * (k + 8) * volume / n_atoms * 0.75 / M_PI)
    shortest = sqrt(min(dot(v[0], v[0]), dot(v[1], v[1]), dot(v[2], v[2])))
    radius = min(radius, ceil(0.5 * k) * shortest * (1.0 + 1e-9))
    if make_room(v, height, radius, n_atoms, images, space):
        return -1
    for i in range(centres.shape[0]):
        n = find_neighbours(points, centres[i], v, reciprocal, radius, images, space.found)
        while n < k:
            # The k-th neighbour is certain only when it lies within the radius.
            radius *= 1.15
            if make_room(v, height, radius, n_atoms, images, space):
                return -1
            n = find_neighbours(points, centres[i], v, reciprocal, radius, images, space.found)
        sort_distances(radius, n, space)
        for j in range(k):
            out[i, j] = space.sorted[j]
    return 0


def nearest(
    const double[:, ::1] lattice,
    const double[:, ::1] points,
    const Py_ssize_t[::1] centres,
    double[:, ::1] out,
):
    """Write the sorted distances from some atoms to their nearest neighbours.

    Parameters
    ----------
    lattice : (3, 3) memoryview
        Rows are the lattice vectors in Å; any cell of the crystal will do.
    points : (n, 3) memoryview
        Cartesian positions in Å of all atoms of the cell; they need not lie in it.
    centres : (m,) memoryview of Py_ssize_t
        The atoms that are looked from.
    out : (m, k) memoryview
        Receives, for each of those atoms, the distances in Å to the nearest k of all other atoms and images.

    Raises
    ------
    ValueError
        When the shapes do not fit together or the cell has no volume.
    MemoryError
        When the images of an extreme cell have no room.
    """
    cdef double v[3][3]
    cdef double normal[3]
    cdef Images images
    cdef Space space
    cdef int i, c, failed
    if lattice.shape[0] != 3 or lattice.shape[1] != 3 or points.shape[1] != 3 or out.shape[0] != centres.shape[0]:
        raise ValueError("lattice, points, centres and the result do not fit together")
    for i in range(centres.shape[0]):
        if not 0 <= centres[i] < points.shape[0]:
            raise ValueError("a centre is none of the atoms")
    if out.shape[0] == 0 or out.shape[1] == 0:
        return
    for i in range(3):
        for c in range(3):
            v[i][c] = lattice[i, c]
    cross(v[1], v[2], normal)
    # The bound below which a structure, too, is refused its lattice.
    if not abs(dot(v[0], normal)) > 1e-6:
        raise ValueError("the cell has no volume")
    images.x = images.y = images.z = images.r2 = space.found = space.sorted = NULL
    space.starts = NULL
    with nogil:
        failed = fill(v, points, centres, out, &images, &space)
        free(images.x)
        free(images.y)
        free(images.z)
        free(images.r2)
        free(space.found)
        free(space.sorted)
        free(space.starts)
    if failed:
        raise MemoryError("the neighbours have no room: k is too large, or the cell too flat")
