"""The molecules of a crystal made whole."""

from libc.math cimport rint
from libc.stdlib cimport free, malloc

from genarris_fw._kernels.lattice cimport dot
from genarris_fw._kernels.superposition cimport invert


def make_whole(
    const double[:, ::1] lattice,
    double[:, ::1] points,
    const double[::1] radii,
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
    radii : (n,) memoryview
        Two atoms are bonded when they are closer than the sum of their radii, Å.
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
    cdef double reciprocal[9]
    cdef double height[3]
    cdef double d[3]
    cdef double image[3]
    cdef double bond, cells
    cdef int a, b, c, e
    cdef Py_ssize_t endless = -1
    if queue == NULL:
        raise MemoryError("no room for the atoms")
    with nogil:
        invert(&lattice[0, 0], reciprocal, height)
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
                    bond = (radii[i] + radii[j]) ** 2
                    for e in range(3):
                        image[e] = points[j, e] - points[i, e]
                        d[e] = image[e]
                    for c in range(3):
                        cells = rint(dot(image, reciprocal + 3 * c))
                        for e in range(3):
                            d[e] -= cells * lattice[c, e]
                    for a in range(-1, 2):
                        for b in range(-1, 2):
                            for c in range(-1, 2):
                                for e in range(3):
                                    image[e] = d[e] + a * lattice[0, e] + b * lattice[1, e] + c * lattice[2, e]
                                if not dot(image, image) < bond or (i == j and a == 0 and b == 0 and c == 0):
                                    continue
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
