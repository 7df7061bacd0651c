"""Rejection sampling of molecular crystals in one space group.

Draw number d is a function of (seed, space group, d) alone: volume, site, cell, orientation and position come from the
Philox stream of that name. A draw is accepted when no atom of the first molecule comes closer to an atom of any other
molecule, in any periodic image, than their cutoff. Overlaps are looked for in single precision first, with a margin in
favour of the draw, and what survives is decided in double precision: the outcome does not depend on vector instructions.
"""

from libc.math cimport ceil, cos, floor, rint, sin, sqrt
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport free, malloc

import numpy as np

from genarris_fw._kernels.overlap cimport too_close, turn
from genarris_fw._kernels.philox cimport philox_normal, philox_open, philox_raw, philox_stream, philox_uniform

cdef enum System:
    TRICLINIC, MONOCLINIC, ORTHORHOMBIC, TETRAGONAL, HEXAGONAL, CUBIC

cdef enum Freedom:
    ANY_ROTATION, SPIN, FIXED

cdef int SHAPE_TRIES = 64
cdef float FAR = 1e6
cdef float MARGIN = 1e-3  # Å2: squared distances in single precision are trusted to this
cdef double PI = 3.141592653589793238463

# Lower triangular lattice: a = (ax, 0, 0), b = (bx, by, 0), c = (cx, cy, cz).
cdef struct Cell:
    double ax, bx, by, cx, cy, cz


cdef inline double side(philox_stream *stream) noexcept nogil:
    """A side of the cell before scaling: Normal(1, 0.4), at least 0.1."""
    cdef double p = 1.0 + 0.4 * philox_normal(stream)
    while p < 0.1:
        p = 1.0 + 0.4 * philox_normal(stream)
    return p


cdef bint draw_cell(philox_stream *stream, int system, double volume, double shortest, Cell *cell) noexcept nogil:
    """Draw a cell of exactly this volume whose three vectors are no shorter than `shortest`; False when none is found.

    Shears span half a period (triclinic: +-a/2 and so on) or a whole one (monoclinic: c shifted by up to +-a, which with
    one setting reaches all cell choices), so every lattice of the system can be drawn, however oblique.
    """
    cdef int attempt
    cdef double p, q, r, scale
    for attempt in range(SHAPE_TRIES):
        cell.bx = cell.cx = cell.cy = 0.0
        if system == CUBIC:
            cell.ax = cell.by = cell.cz = volume ** (1.0 / 3.0)
            return cell.ax >= shortest
        p = side(stream)
        r = side(stream)
        if system == TETRAGONAL or system == HEXAGONAL:
            scale = (volume / (p * p * r * (sqrt(0.75) if system == HEXAGONAL else 1.0))) ** (1.0 / 3.0)
            cell.ax = cell.by = p * scale
            cell.cz = r * scale
            if system == HEXAGONAL:
                cell.bx = -0.5 * cell.ax
                cell.by = sqrt(0.75) * cell.ax
            if cell.ax >= shortest and cell.cz >= shortest:
                return True
            continue
        q = side(stream)
        scale = (volume / (p * q * r)) ** (1.0 / 3.0)
        cell.ax, cell.by, cell.cz = p * scale, q * scale, r * scale
        if system == MONOCLINIC:
            cell.cx = (2.0 * philox_uniform(stream) - 1.0) * cell.ax
        elif system == TRICLINIC:
            cell.bx = (philox_uniform(stream) - 0.5) * cell.ax
            cell.cx = (philox_uniform(stream) - 0.5) * cell.ax
            cell.cy = (philox_uniform(stream) - 0.5) * cell.by
        if (
            cell.ax >= shortest
            and sqrt(cell.bx * cell.bx + cell.by * cell.by) >= shortest
            and sqrt(cell.cx * cell.cx + cell.cy * cell.cy + cell.cz * cell.cz) >= shortest
        ):
            return True
    return False


cdef void any_rotation(philox_stream *stream, double *m) noexcept nogil:
    """A rotation uniform on SO(3), from a uniform unit quaternion (Shoemake, Graphics Gems III, 1992)."""
    cdef double u = philox_uniform(stream), s = 2.0 * PI * philox_uniform(stream), t = 2.0 * PI * philox_uniform(stream)
    cdef double p = sqrt(1.0 - u), q = sqrt(u)
    cdef double x = p * sin(s), y = p * cos(s), z = q * sin(t), w = q * cos(t)
    m[0], m[1], m[2] = 1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)
    m[3], m[4], m[5] = 2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)
    m[6], m[7], m[8] = 2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)


cdef void spin(double angle, const double *u, double *m) noexcept nogil:
    """The rotation by `angle` about the unit vector `u` (Rodrigues)."""
    cdef double c = cos(angle), s = sin(angle), d = 1.0 - cos(angle)
    m[0], m[1], m[2] = c + d * u[0] * u[0], d * u[0] * u[1] - s * u[2], d * u[0] * u[2] + s * u[1]
    m[3], m[4], m[5] = d * u[1] * u[0] + s * u[2], c + d * u[1] * u[1], d * u[1] * u[2] - s * u[0]
    m[6], m[7], m[8] = d * u[2] * u[0] - s * u[1], d * u[2] * u[1] + s * u[0], c + d * u[2] * u[2]


cdef class Sampler:
    """The draws of one space group.

    Parameters
    ----------
    space_group, system : int
        Number of the group (names the random stream) and its lattice system (0 triclinic ... 5 cubic; trigonal groups
        on hexagonal axes).
    cutoffs : (n, n) array
        Smallest allowed distances between atoms of different molecules, Å.
    origins, bases, free : (s, 3), (s, 3, 3), (s,) arrays
        Sites: a centre is origin + u . basis over the first `free` rows, fractional.
    freedoms, axes : (s,), (s, 3) arrays
        0: any rotation, 1: a spin about the (Cartesian, unit) axis, 2: none.
    starts : (s + 1,) array
        Which of `coordinates` are the orientations of a site.
    coordinates : (k, n, 3) array
        Molecules about their centres, oriented, Å.
    rotations, translations, turns, skip : (s, Z, 3, 3), (s, Z, 3), (s, Z, 3, 3), (s, Z) arrays
        Operations that make the Z molecules of the cell (the first is the identity), fractional, the same rotations in
        Cartesian form, and 1 where the contacts are those of an earlier operation (its inverse).
    """

    cdef readonly int n, Z, n_sites
    cdef int system, stride
    cdef uint64_t space_group
    cdef double reach, shortest
    cdef double[:, ::1] cut2, origins, axes
    cdef double[:, :, ::1] bases, coordinates
    cdef double[:, :, :, ::1] rotations, turns
    cdef double[:, :, ::1] translations
    cdef int[::1] free, freedoms, starts
    cdef int[:, ::1] skip
    cdef float[:, ::1] cut2_single

    def __init__(self, space_group, system, cutoffs, origins, bases, free, freedoms, axes, starts, coordinates,
                 rotations, translations, turns, skip):
        real = lambda x: np.ascontiguousarray(x, dtype=np.float64)
        whole = lambda x: np.ascontiguousarray(x, dtype=np.intc)
        self.space_group, self.system = space_group, system
        self.origins, self.bases, self.axes = real(origins), real(bases), real(axes)
        self.free, self.freedoms, self.starts, self.skip = whole(free), whole(freedoms), whole(starts), whole(skip)
        self.coordinates, self.rotations, self.translations = real(coordinates), real(rotations), real(translations)
        self.turns = real(turns)
        self.n, self.n_sites, self.Z = self.coordinates.shape[1], self.origins.shape[0], self.rotations.shape[1]
        self.stride = (self.n + 7) // 8 * 8
        cut = real(cutoffs)
        if cut.shape != (self.n, self.n) or self.starts.shape[0] != self.n_sites + 1:
            raise ValueError("the arrays of a sampler do not fit together")
        self.cut2 = cut**2
        padded = np.full((self.n, self.stride), -1.0, dtype=np.float32)
        padded[:, : self.n] = cut**2 - MARGIN
        self.cut2_single = padded
        radii = np.linalg.norm(np.asarray(self.coordinates), axis=2).max(axis=0)
        self.reach = float((radii[:, None] + radii[None] + cut).max()) + 1e-6
        self.shortest = float(np.diag(cut).max())

    def draw(self, uint64_t seed, int64_t first, int64_t count, int64_t quota, double mean, double std):
        """Make the draws first ... first + count - 1, stopping at the `quota`-th accepted one.

        Returns
        -------
        consumed : int
            How many draws were made.
        numbers, sites, orientations : (m,) int arrays
            Accepted draws, their sites, and the rows of `coordinates` they use.
        geometry : (m, 18) array
            Lattice (ax, bx, by, cx, cy, cz), rotation of the molecule (row by row), fractional centre.
        """
        cdef int64_t capacity = min(quota, count), d, found = 0, consumed = 0
        numbers, geometry = np.empty(capacity, dtype=np.int64), np.empty((capacity, 18))
        sites, orientations = np.empty(capacity, dtype=np.intc), np.empty(capacity, dtype=np.intc)
        cdef int64_t[::1] number_view = numbers
        cdef int[::1] site_view = sites, orientation_view = orientations
        cdef double[:, ::1] geometry_view = geometry
        cdef int site, orientation, k
        cdef Cell cell
        cdef double rotation[9]
        cdef double centre[3]
        # The first molecule and all its images, single precision.
        cdef float *atoms = <float *> malloc(3 * self.stride * (self.Z + 1) * sizeof(float))
        if atoms == NULL:
            raise MemoryError
        with nogil:
            for d in range(first, first + count):
                if found >= capacity:
                    break
                consumed += 1
                if self.one(seed, <uint64_t> d, mean, std, atoms, &site, &orientation, &cell, rotation, centre):
                    number_view[found], site_view[found], orientation_view[found] = d, site, orientation
                    geometry_view[found, 0], geometry_view[found, 1] = cell.ax, cell.bx
                    geometry_view[found, 2], geometry_view[found, 3] = cell.by, cell.cx
                    geometry_view[found, 4], geometry_view[found, 5] = cell.cy, cell.cz
                    for k in range(9):
                        geometry_view[found, 6 + k] = rotation[k]
                    for k in range(3):
                        geometry_view[found, 15 + k] = centre[k]
                    found += 1
        free(atoms)
        return consumed, numbers[:found], sites[:found], orientations[:found], geometry[:found]

    cdef bint one(self, uint64_t seed, uint64_t d, double mean, double std, float *atoms, int *site, int *orientation,
                  Cell *cell, double *rotation, double *centre) noexcept nogil:
        """Make one draw; True when it is accepted."""
        cdef philox_stream stream
        cdef double volume = mean, u
        cdef int i, k, s, tries = 0
        philox_open(&stream, seed, self.space_group, d)
        s = min(<int> (philox_uniform(&stream) * self.n_sites), self.n_sites - 1)
        u = philox_uniform(&stream)
        if std > 0:
            volume = mean + std * philox_normal(&stream)
            while volume < 0.1:
                if tries == SHAPE_TRIES:
                    return False
                tries += 1
                volume = mean + std * philox_normal(&stream)
        if not draw_cell(&stream, self.system, volume, self.shortest, cell):
            return False
        site[0] = s
        k = self.starts[s + 1] - self.starts[s]
        orientation[0] = self.starts[s] + min(<int> (u * k), k - 1)
        if self.freedoms[s] == ANY_ROTATION:
            any_rotation(&stream, rotation)
        else:
            u = 2.0 * PI * philox_uniform(&stream) if self.freedoms[s] == SPIN else 0.0
            spin(u, &self.axes[s, 0], rotation)
        for i in range(3):
            centre[i] = self.origins[s, i]
        for k in range(self.free[s]):
            u = philox_uniform(&stream)
            for i in range(3):
                centre[i] += u * self.bases[s, k, i]
        return self.fits(s, orientation[0], cell, rotation, centre, atoms)

    cdef bint fits(self, int s, int orientation, Cell *cell, double *rotation, double *centre, float *atoms) noexcept nogil:
        """Tell whether the first molecule keeps its distance from all its images: likely offenders first."""
        cdef int i, k, size = 3 * self.stride
        cdef float *image
        cdef double f[3]
        cdef double x, y, z
        for i in range(self.n):
            x, y, z = self.coordinates[orientation, i, 0], self.coordinates[orientation, i, 1], self.coordinates[orientation, i, 2]
            atoms[i] = <float> (rotation[0] * x + rotation[1] * y + rotation[2] * z)
            atoms[self.stride + i] = <float> (rotation[3] * x + rotation[4] * y + rotation[5] * z)
            atoms[2 * self.stride + i] = <float> (rotation[6] * x + rotation[7] * y + rotation[8] * z)
        for i in range(self.n, self.stride):
            atoms[i] = atoms[self.stride + i] = atoms[2 * self.stride + i] = FAR
        for k in range(1, self.Z):
            if self.skip[s, k]:
                continue
            image = atoms + k * size
            turn(atoms, image, &self.turns[s, k, 0, 0], self.stride)
            self.difference(s, k, cell, centre, f)
            if self.pair(atoms, image, f[0], f[1], f[2]):
                return False
        if (
            self.pair(atoms, atoms, cell.ax, 0, 0)
            or self.pair(atoms, atoms, cell.bx, cell.by, 0)
            or self.pair(atoms, atoms, cell.cx, cell.cy, cell.cz)
        ):
            return False
        for k in range(self.Z):
            if not self.skip[s, k] and self.any_image(s, k, orientation, cell, rotation, centre, atoms, False):
                return False
        for k in range(self.Z):
            if not self.skip[s, k] and self.any_image(s, k, orientation, cell, rotation, centre, atoms, True):
                return False
        return True

    cdef inline void difference(self, int s, int k, Cell *cell, double *centre, double *d) noexcept nogil:
        """Cartesian vector from the first centre to that of molecule k, in the image near it (not always the nearest)."""
        cdef int i
        cdef double f[3]
        for i in range(3):
            f[i] = (
                self.rotations[s, k, i, 0] * centre[0] + self.rotations[s, k, i, 1] * centre[1]
                + self.rotations[s, k, i, 2] * centre[2] + self.translations[s, k, i] - centre[i]
            )
        f[2] -= rint(f[2])
        f[1] -= rint(f[1] + f[2] * cell.cy / cell.by)
        f[0] -= rint(f[0] + (f[1] * cell.bx + f[2] * cell.cx) / cell.ax)
        d[0] = f[0] * cell.ax + f[1] * cell.bx + f[2] * cell.cx
        d[1] = f[1] * cell.by + f[2] * cell.cy
        d[2] = f[2] * cell.cz

    cdef inline bint pair(self, const float *a, const float *b, double dx, double dy, double dz) noexcept nogil:
        """Single precision: do molecules at this distance surely overlap?"""
        if dx * dx + dy * dy + dz * dz > self.reach * self.reach:
            return False
        return too_close(a, b, &self.cut2_single[0, 0], self.n, self.stride, <float> dx, <float> dy, <float> dz)

    cdef bint any_image(self, int s, int k, int orientation, Cell *cell, double *rotation, double *centre, float *atoms,
                        bint exact) noexcept nogil:
        """Test molecule k in every periodic image within reach; the lattice is triangular, so the bounds are exact."""
        cdef double d[3]
        cdef double x, y, z, left, reach2 = self.reach * self.reach
        cdef int64_t l, m, h, l0, m0, h0
        self.difference(s, k, cell, centre, d)
        # Of an image and its inverse one is enough: the molecule's own images are those after (0, 0, 0).
        l0 = 0 if k == 0 else <int64_t> ceil((-self.reach - d[2]) / cell.cz)
        for l in range(l0, <int64_t> floor((self.reach - d[2]) / cell.cz) + 1):
            z = d[2] + l * cell.cz
            left = sqrt(max(reach2 - z * z, 0.0))
            y = d[1] + l * cell.cy
            m0 = 0 if k == 0 and l == 0 else <int64_t> ceil((-left - y) / cell.by)
            for m in range(m0, <int64_t> floor((left - y) / cell.by) + 1):
                y = d[1] + l * cell.cy + m * cell.by
                left = sqrt(max(reach2 - z * z - y * y, 0.0))
                x = d[0] + l * cell.cx + m * cell.bx
                h0 = 1 if k == 0 and l == 0 and m == 0 else <int64_t> ceil((-left - x) / cell.ax)
                for h in range(h0, <int64_t> floor((left - x) / cell.ax) + 1):
                    if exact:
                        if self.overlaps(s, k, orientation, rotation, x + h * cell.ax, y, z):
                            return True
                    elif self.pair(atoms, atoms + k * 3 * self.stride, x + h * cell.ax, y, z):
                        return True
        return False

    cdef bint overlaps(self, int s, int k, int orientation, double *rotation, double dx, double dy, double dz) noexcept nogil:
        """Double precision: does molecule k at this distance overlap the first?"""
        cdef int i, j
        cdef double a[3]
        cdef double b[3]
        for i in range(self.n):
            self.place(orientation, i, rotation, NULL, a)
            for j in range(self.n):
                self.place(orientation, j, rotation, &self.turns[s, k, 0, 0], b)
                if (b[0] + dx - a[0]) ** 2 + (b[1] + dy - a[1]) ** 2 + (b[2] + dz - a[2]) ** 2 < self.cut2[i, j]:
                    return True
        return False

    cdef inline void place(self, int orientation, int i, const double *rotation, const double *after, double *p) noexcept nogil:
        """Where atom i lies from its molecule's centre, turned by `rotation` and then (unless NULL) by `after`."""
        cdef double x = self.coordinates[orientation, i, 0], y = self.coordinates[orientation, i, 1]
        cdef double z = self.coordinates[orientation, i, 2], u, v, w
        u = rotation[0] * x + rotation[1] * y + rotation[2] * z
        v = rotation[3] * x + rotation[4] * y + rotation[5] * z
        w = rotation[6] * x + rotation[7] * y + rotation[8] * z
        if after == NULL:
            p[0], p[1], p[2] = u, v, w
        else:
            p[0] = after[0] * u + after[1] * v + after[2] * w
            p[1] = after[3] * u + after[4] * v + after[5] * w
            p[2] = after[6] * u + after[7] * v + after[8] * w


def random_numbers(uint64_t seed, uint64_t group, uint64_t draw, int count):
    """Return the first raw 64-bit numbers of a draw's random stream."""
    cdef philox_stream stream
    philox_open(&stream, seed, group, draw)
    return np.array([philox_raw(&stream) for _ in range(count)], dtype=np.uint64)


def random_rotations(uint64_t seed, int count):
    """Return (count, 3, 3) rotations as general positions draw them, one per draw number."""
    cdef philox_stream stream
    cdef int i
    rotations = np.empty((count, 9))
    cdef double[:, ::1] view = rotations
    for i in range(count):
        philox_open(&stream, seed, 0, i)
        any_rotation(&stream, &view[i, 0])
    return rotations.reshape(count, 3, 3)
