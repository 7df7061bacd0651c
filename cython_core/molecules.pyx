"""The molecules of a crystal made whole."""

from libc.stdlib cimport free, malloc

from genarris_fw._kernels.lattice cimport dot, invert, nearest_image


def make_whole(
    const double[:, ::1] lattice,
    double[:, ::1] points,
    const Py_ssize_t[::1] kinds,
    const double[:, ::1] reach,
    Py_ssize_t[::1] label,
    unsigned char[:, ::1] bonded,
):
    """Move atoms by lattice vectors until every molecule is whole.

    Parameters
    ----------
    lattice : (3, 3) memoryview
        Rows are the lattice vectors in Å, reduced: bonds are sought among the images next to the nearest.
    points : (n, 3) memoryview
        Cartesian positions in Å; moved in place.
    kinds : (n,) memoryview
        The element of each atom, from 0.
    reach : (k, k) memoryview
        Two atoms are bonded when they are closer than this, for their elements, Å; symmetric.
    label : (n,) memoryview
        Receives the number of the molecule of each atom, from 0.
    bonded : (n, n) memoryview of uint8
        Receives 1 for bonded atoms; zero before.

    Returns
    -------
    int
        The number of molecules, or -1 - i where a bond of atom i makes its molecule endless.
    """
    cdef Py_ssize_t n = points.shape[0], molecules = 0, first = 0, last = 0, start, i, j
    cdef Py_ssize_t* queue = <Py_ssize_t*>malloc((n + 1) * sizeof(Py_ssize_t))
    cdef double v[9]
    cdef double reciprocal[9]
    cdef double height[3]
    cdef double d[3]
    cdef double image[3]
    cdef double bond, x, y, z
    cdef int a, b, c, e
    cdef Py_ssize_t endless = -1
    if queue == NULL:
        raise MemoryError("no room for the atoms")
    with nogil:
        for c in range(3):
            for e in range(3):
                v[3 * c + e] = lattice[c, e]
        invert(v, reciprocal, height)
        for i in range(n):
            label[i] = -1
        for start in range(n):
            if label[start] >= 0 or endless >= 0:
                continue
            label[start] = molecules
            queue[last] = start
            last += 1
            while first < last and endless < 0:
                i = queue[first]
                first += 1
                for j in range(n):
                    bond = reach[kinds[i], kinds[j]] ** 2
                    for e in range(3):
                        d[e] = points[j, e] - points[i, e]
                    nearest_image(v, reciprocal, d)
                    for a in range(-1, 2):
                        for b in range(-1, 2):
                            for c in range(-1, 2):
                                x = d[0] + a * v[0] + b * v[3] + c * v[6]
                                y = d[1] + a * v[1] + b * v[4] + c * v[7]
                                z = d[2] + a * v[2] + b * v[5] + c * v[8]
                                if not x * x + y * y + z * z < bond or (i == j and a == 0 and b == 0 and c == 0):
                                    continue
                                image[0], image[1], image[2] = x, y, z
                                bonded[i, j] = bonded[j, i] = 1
                                if label[j] < 0:
                                    label[j] = molecules
                                    queue[last] = j
                                    last += 1
                                    for e in range(3):
                                        points[j, e] = points[i, e] + image[e]
                                    continue
                                for e in range(3):
                                    image[e] += points[i, e] - points[j, e]
                                if dot(image, image) > 1e-6:
                                    endless = i
            molecules += 1
        free(queue)
    return molecules if endless < 0 else -1 - endless
