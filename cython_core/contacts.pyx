"""The closest contact between the molecules of a crystal, over all periodic images, in double precision."""

from libc.math cimport sqrt
from libc.stdint cimport int64_t

from genarris_fw._kernels.lattice cimport span


def smallest_margin(double[:, ::1] positions, double[:, ::1] lattice, int[::1] starts, int[::1] kinds,
                    double[:, ::1] cutoffs, double[:, ::1] centres, double[::1] radii, double bound):
    """Return the smallest distance minus cutoff over pairs of atoms of different molecules (or images of one).

    Parameters
    ----------
    positions : (n, 3) array
        Å, molecule after molecule, in the frame of the lattice.
    lattice : (3, 3) array
        Lower triangular rows with a positive diagonal, Å.
    starts : (m + 1,) array
        Atoms starts[i] ... starts[i + 1] - 1 are molecule i.
    kinds, cutoffs : (n,), (t, t) arrays
        What an atom counts as, and the cutoff between two kinds, Å.
    centres, radii : (m, 3), (m,) arrays
        A point of each molecule and the distance from it to the molecule's farthest atom, Å.
    bound : float
        A number that the result surely does not exceed.
    """
    cdef double best = bound, widest = 0.0, reach, left, dx, dy, dz, x, y, z, margin, u, v, w
    cdef double ax = lattice[0, 0], bx = lattice[1, 0], by = lattice[1, 1]
    cdef double cx = lattice[2, 0], cy = lattice[2, 1], cz = lattice[2, 2]
    cdef int n_molecules = centres.shape[0], p, q, i, j
    cdef int64_t l, m, h, l0, l1, m0, m1, h0, h1
    with nogil:
        for i in range(cutoffs.shape[0]):
            for j in range(cutoffs.shape[1]):
                widest = max(widest, cutoffs[i, j])
        for p in range(n_molecules):
            for q in range(p, n_molecules):
                reach = radii[p] + radii[q] + widest + best + 1e-9
                if reach < 0:
                    continue
                dx, dy, dz = centres[q, 0] - centres[p, 0], centres[q, 1] - centres[p, 1], centres[q, 2] - centres[p, 2]
                # Of a molecule's own image and its inverse one is enough.
                span(reach, dz, cz, &l0, &l1)
                for l in range(0 if p == q else l0, l1 + 1):
                    z = dz + l * cz
                    left = sqrt(max(reach * reach - z * z, 0.0))
                    y = dy + l * cy
                    span(left, y, by, &m0, &m1)
                    for m in range(0 if p == q and l == 0 else m0, m1 + 1):
                        y = dy + l * cy + m * by
                        left = sqrt(max(reach * reach - z * z - y * y, 0.0))
                        x = dx + l * cx + m * bx
                        span(left, x, ax, &h0, &h1)
                        for h in range(1 if p == q and l == 0 and m == 0 else h0, h1 + 1):
                            for i in range(starts[p], starts[p + 1]):
                                for j in range(starts[q], starts[q + 1]):
                                    u = positions[j, 0] - positions[i, 0] + h * ax + m * bx + l * cx
                                    v = positions[j, 1] - positions[i, 1] + m * by + l * cy
                                    w = positions[j, 2] - positions[i, 2] + l * cz
                                    margin = sqrt(u * u + v * v + w * w) - cutoffs[kinds[i], kinds[j]]
                                    if margin < best:
                                        best = margin
    return best
