"""Rejection sampling of molecular crystals on one site (or a combination of sites) of a space group.

Draw number d is a function of (seed, space group, site, d) alone: volume, cell, orientations and positions come from the
Philox stream of that name. A draw is accepted when no atom of an independent molecule comes closer to an atom of any
other molecule, in any periodic image, than their cutoff. Overlaps are looked for in single precision first, with a margin in
favour of the draw, and what survives is decided in double precision: the outcome does not depend on vector instructions.
"""

from libc.math cimport INFINITY, cbrt, cos, sin, sqrt
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport free, malloc

import numpy as np

from genarris_fw._kernels.lattice cimport span
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

cdef inline double nearest(double x) noexcept nogil:
    """The whole number nearest to x (|x| < 2^51): a bare SSE2 processor has no instruction for it."""
    return (x + 6755399441055744.0) - 6755399441055744.0


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
            cell.ax = cell.by = cell.cz = cbrt(volume)
            return cell.ax >= shortest
        p = side(stream)
        r = side(stream)
        if system == TETRAGONAL or system == HEXAGONAL:
            scale = cbrt(volume / (p * p * r * (sqrt(0.75) if system == HEXAGONAL else 1.0)))
            cell.ax = cell.by = p * scale
            cell.cz = r * scale
            if system == HEXAGONAL:
                cell.bx = -0.5 * cell.ax
                cell.by = sqrt(0.75) * cell.ax
            if cell.ax >= shortest and cell.cz >= shortest:
                return True
            continue
        q = side(stream)
        scale = cbrt(volume / (p * q * r))
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


cdef inline double in_disc(philox_stream *stream, double *x, double *y) noexcept nogil:
    """A point uniform in the unit disc, not its centre; returns its squared distance from there."""
    cdef double square = 2.0
    while square >= 1.0 or square == 0.0:
        x[0] = 2.0 * philox_uniform(stream) - 1.0
        y[0] = 2.0 * philox_uniform(stream) - 1.0
        square = x[0] * x[0] + y[0] * y[0]
    return square


cdef void any_rotation(philox_stream *stream, double *m) noexcept nogil:
    """A rotation uniform on SO(3), from a uniform unit quaternion (Marsaglia, Ann. Math. Stat. 43 (1972) 645)."""
    cdef double w, x, y, z, first, second
    first = in_disc(stream, &w, &x)
    second = in_disc(stream, &y, &z)
    second = sqrt((1.0 - first) / second)
    y *= second
    z *= second
    m[0], m[1], m[2] = 1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)
    m[3], m[4], m[5] = 2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)
    m[6], m[7], m[8] = 2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)


cdef void spin(double angle, const double *u, double *m) noexcept nogil:
    """The rotation by `angle` about the unit vector `u` (Rodrigues)."""
    cdef double c = cos(angle), s = sin(angle), d = 1.0 - cos(angle)
    m[0], m[1], m[2] = c + d * u[0] * u[0], d * u[0] * u[1] - s * u[2], d * u[0] * u[2] + s * u[1]
    m[3], m[4], m[5] = d * u[1] * u[0] + s * u[2], c + d * u[1] * u[1], d * u[1] * u[2] - s * u[0]
    m[6], m[7], m[8] = d * u[2] * u[0] - s * u[1], d * u[2] * u[1] + s * u[0], c + d * u[2] * u[2]


cdef void report(const State *state, int parts, double *geometry, int *orientations) noexcept nogil:
    """Write lattice, rotations and centres to one row, and the parts' orientations."""
    cdef int p, k
    for k in range(9):
        geometry[k] = state.lattice[k]
    for p in range(parts):
        orientations[p] = state.orientation[p]
        for k in range(9):
            geometry[9 + 12 * p + k] = state.rotation[9 * p + k]
        for k in range(3):
            geometry[18 + 12 * p + k] = state.centre[3 * p + k]


cdef class Sampler(RigidCrystal):
    """The draws of one site of a space group.

    Parameters
    ----------
    crystal : tuple
        The arguments of `RigidCrystal`.
    space_group, site, system : int
        Number of the group and of the site (they name the random stream) and the lattice system (0 triclinic ... 5
        cubic; trigonal groups on hexagonal axes).
    shortest : float
        No lattice vector may be shorter, Å.
    origins, bases, free : (parts, 3), (parts, 3, 3), (parts,) arrays
        A part's centre is origin + u . basis over the first `free` rows, fractional.
    freedoms, axes : (parts,), (parts, 3) arrays
        0: any rotation, 1: a spin about the (Cartesian, unit) axis, 2: none.
    starts : (parts + 1,) array
        Which of the coordinates are the orientations of a part.
    """

    def __init__(self, crystal, space_group, site, system, shortest, origins, bases, free, freedoms, axes, starts):
        super().__init__(*crystal)
        real = lambda x: np.ascontiguousarray(x, dtype=np.float64)
        whole = lambda x: np.ascontiguousarray(x, dtype=np.intc)
        self.space_group, self.site, self.system, self.shortest = space_group, site, system, shortest
        self.origins, self.bases, self.axes = real(origins), real(bases), real(axes)
        self.free, self.freedoms, self.starts = whole(free), whole(freedoms), whole(starts)
        if self.starts.shape[0] != self.parts + 1 or self.origins.shape[0] != self.parts:
            raise ValueError("the arrays of a sampler do not fit together")
        self.cut2_trusted = np.asarray(self.cut2_single) - np.float32(MARGIN)
        self.reach = self.widest
        radii = np.asarray(self.radii)
        # Two molecules whose centres are closer than this overlap however they are turned.
        self.core2 = max(0.0, float((np.asarray(self.cut) - radii[:, None] - radii).max()) - 1e-6) ** 2
        self.coordinates_single = np.full((self.coordinates.shape[0], 3, self.stride), FAR, dtype=np.float32)
        np.asarray(self.coordinates_single)[:, :, : self.n] = np.asarray(self.coordinates).transpose(0, 2, 1)

    def draw(self, uint64_t seed, int64_t first, int64_t count, int64_t quota, double mean, double std):
        """Make the draws first ... first + count - 1, stopping at the `quota`-th accepted one.

        Returns
        -------
        consumed : int
            How many draws were made.
        numbers : (m,) int array
            Accepted draws.
        orientations : (m, parts) int array
            The rows of the coordinates that the parts use.
        geometry : (m, 9 + 12 parts) array
            Lattice (row by row), and for every part rotation (row by row) and fractional centre.
        """
        cdef int64_t capacity = min(quota, count), d, found = 0, consumed = 0
        numbers, geometry = np.empty(capacity, dtype=np.int64), np.empty((capacity, 9 + 12 * self.parts))
        orientations = np.empty((capacity, self.parts), dtype=np.intc)
        cdef int64_t[::1] number_view = numbers
        cdef int[:, ::1] orientation_view = orientations
        cdef double[:, ::1] geometry_view = geometry
        cdef Cell cell
        cdef State state
        # The parts and the images of all entries, single precision.
        cdef float *atoms = <float *> malloc(3 * self.stride * (self.parts + self.entries) * sizeof(float))
        cdef double *offsets = <double *> malloc(3 * self.entries * sizeof(double))
        if atoms == NULL or offsets == NULL:
            free(atoms)
            free(offsets)
            raise MemoryError
        with nogil:
            for d in range(first, first + count):
                if found >= capacity:
                    break
                consumed += 1
                if (
                    self.start(seed, <uint64_t> d, mean, std, offsets, &cell, &state)
                    and self.fits(&cell, &state, offsets, atoms)
                ):
                    number_view[found] = d
                    report(&state, self.parts, &geometry_view[found, 0], &orientation_view[found, 0])
                    found += 1
        free(atoms)
        free(offsets)
        return consumed, numbers[:found], orientations[:found], geometry[:found]

    cdef bint start(self, uint64_t seed, uint64_t draw, double mean, double std, double *offsets, Cell *cell,
                    State *state) noexcept nogil:
        """Draw volume, cell, positions and orientations; False when there is no such cell.

        Unless it is NULL, `offsets` receives the vectors (e, 3) between the centres of all entries, and positions at
        which molecules overlap however they are turned count as no such cell.
        """
        cdef philox_stream stream
        cdef double volume = mean, u
        cdef double *d
        cdef int i, k, p, e, tries = 0
        philox_open(&stream, seed, self.space_group, draw, self.site)
        if std > 0:
            volume = mean + std * philox_normal(&stream)
            while volume < 0.1:
                if tries == SHAPE_TRIES:
                    return False
                tries += 1
                volume = mean + std * philox_normal(&stream)
        if not draw_cell(&stream, self.system, volume, self.shortest, cell):
            return False
        for p in range(self.parts):
            for i in range(3):
                state.centre[3 * p + i] = self.origins[p, i]
            for k in range(self.free[p]):
                u = philox_uniform(&stream)
                for i in range(3):
                    state.centre[3 * p + i] += u * self.bases[p, k, i]
        if offsets != NULL:
            for e in range(self.entries):
                d = offsets + 3 * e
                self.difference(e, cell, state.centre, d)
                if not self.own[e] and d[0] * d[0] + d[1] * d[1] + d[2] * d[2] < self.core2:
                    return False
        state.lattice[0], state.lattice[1], state.lattice[2] = cell.ax, 0.0, 0.0
        state.lattice[3], state.lattice[4], state.lattice[5] = cell.bx, cell.by, 0.0
        state.lattice[6], state.lattice[7], state.lattice[8] = cell.cx, cell.cy, cell.cz
        for p in range(self.parts):
            k = self.starts[p + 1] - self.starts[p]
            state.orientation[p] = self.starts[p]
            if k > 1:
                state.orientation[p] += min(<int> (philox_uniform(&stream) * k), k - 1)
            if self.freedoms[p] == ANY_ROTATION:
                any_rotation(&stream, &state.rotation[9 * p])
            else:
                u = 2.0 * PI * philox_uniform(&stream) if self.freedoms[p] == SPIN else 0.0
                spin(u, &self.axes[p, 0], &state.rotation[9 * p])
        return True

    cdef bint fits(self, const Cell *cell, const State *state, const double *offsets, float *atoms) noexcept nogil:
        """Tell whether the parts keep their distance from all images: likely offenders first."""
        cdef int i, e, p, close = -1, size = 3 * self.stride
        cdef float *image
        cdef const double *d
        cdef double square, least = INFINITY
        for p in range(self.parts):
            image = atoms + p * size
            turn(&self.coordinates_single[state.orientation[p], 0, 0], image, &state.rotation[9 * p], self.stride)
            for i in range(self.n, self.stride):
                image[i] = image[self.stride + i] = image[2 * self.stride + i] = FAR
        # The nearest image first: it is the likeliest to overlap.
        for e in range(self.entries):
            d = offsets + 3 * e
            square = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
            if not self.own[e] and square < least:
                least, close = square, e
        if close >= 0 and self.meets(close, atoms, offsets):
            return False
        for e in range(self.entries):
            if e != close and not self.own[e] and self.meets(e, atoms, offsets):
                return False
        for p in range(self.parts):
            image = atoms + p * size
            if (
                self.pair(image, image, cell.ax, 0, 0)
                or self.pair(image, image, cell.bx, cell.by, 0)
                or self.pair(image, image, cell.cx, cell.cy, cell.cz)
            ):
                return False
        for e in range(self.entries):
            if self.any_image(e, cell, state, atoms, False):
                return False
        for e in range(self.entries):
            if self.any_image(e, cell, state, atoms, True):
                return False
        return True

    cdef inline bint meets(self, int e, float *atoms, const double *offsets) noexcept nogil:
        """Turn the molecule of an entry into its image, and tell whether it surely overlaps the first one."""
        cdef int size = 3 * self.stride
        cdef float *image = atoms + (self.parts + e) * size
        turn(atoms + self.second[e] * size, image, &self.turns[e, 0, 0], self.stride)
        return self.pair(atoms + self.first[e] * size, image, offsets[3 * e], offsets[3 * e + 1], offsets[3 * e + 2])

    cdef inline void difference(self, int e, const Cell *cell, const double *centre, double *d) noexcept nogil:
        """Cartesian vector between the centres of an entry, in the image near it (not always the nearest)."""
        cdef int i
        cdef double f[3]
        cdef const double *a = centre + 3 * self.first[e]
        cdef const double *b = centre + 3 * self.second[e]
        if self.own[e]:
            d[0] = d[1] = d[2] = 0.0
            return
        for i in range(3):
            f[i] = (
                self.rotations[e, i, 0] * b[0] + self.rotations[e, i, 1] * b[1] + self.rotations[e, i, 2] * b[2]
                + self.translations[e, i] - a[i]
            )
        f[2] -= nearest(f[2])
        f[1] -= nearest(f[1] + f[2] * cell.cy / cell.by)
        f[0] -= nearest(f[0] + (f[1] * cell.bx + f[2] * cell.cx) / cell.ax)
        d[0] = f[0] * cell.ax + f[1] * cell.bx + f[2] * cell.cx
        d[1] = f[1] * cell.by + f[2] * cell.cy
        d[2] = f[2] * cell.cz

    cdef inline bint pair(self, const float *a, const float *b, double dx, double dy, double dz) noexcept nogil:
        """Single precision: do molecules at this distance surely overlap?"""
        if dx * dx + dy * dy + dz * dz > self.reach * self.reach:
            return False
        return too_close(a, b, &self.cut2_trusted[0, 0], self.n, self.stride, <float> dx, <float> dy, <float> dz)

    cdef bint any_image(self, int e, const Cell *cell, const State *state, float *atoms, bint exact) noexcept nogil:
        """Test an entry in every periodic image within reach; the lattice is triangular, so the bounds are exact."""
        cdef double d[3]
        cdef double x, y, z, left, reach2 = self.reach * self.reach
        cdef int64_t l, m, h, l0, l1, m0, m1, h0, h1
        cdef bint own = self.own[e]
        cdef const float *a = atoms + self.first[e] * 3 * self.stride
        cdef const float *b = a if own else atoms + (self.parts + e) * 3 * self.stride
        self.difference(e, cell, state.centre, d)
        # Of an image and its inverse one is enough: a part's own images are those after (0, 0, 0).
        span(self.reach, d[2], cell.cz, &l0, &l1)
        for l in range(0 if own else l0, l1 + 1):
            z = d[2] + l * cell.cz
            left = sqrt(max(reach2 - z * z, 0.0))
            y = d[1] + l * cell.cy
            span(left, y, cell.by, &m0, &m1)
            for m in range(0 if own and l == 0 else m0, m1 + 1):
                y = d[1] + l * cell.cy + m * cell.by
                left = sqrt(max(reach2 - z * z - y * y, 0.0))
                x = d[0] + l * cell.cx + m * cell.bx
                span(left, x, cell.ax, &h0, &h1)
                for h in range(1 if own and l == 0 and m == 0 else h0, h1 + 1):
                    if exact:
                        if self.overlaps(e, state, x + h * cell.ax, y, z):
                            return True
                    elif self.pair(a, b, x + h * cell.ax, y, z):
                        return True
        return False

    cdef bint overlaps(self, int e, const State *state, double dx, double dy, double dz) noexcept nogil:
        """Double precision: do the molecules of an entry overlap at this distance?"""
        cdef int i, j
        cdef double a[3]
        cdef double b[3]
        for i in range(self.n):
            self.atom(self.first[e], i, state, NULL, a)
            for j in range(self.n):
                self.atom(self.second[e], j, state, &self.turns[e, 0, 0], b)
                if (
                    (b[0] + dx - a[0]) ** 2 + (b[1] + dy - a[1]) ** 2 + (b[2] + dz - a[2]) ** 2
                    < self.cut[i, j] * self.cut[i, j]
                ):
                    return True
        return False

    cdef inline void atom(self, int part, int i, const State *state, const double *after, double *p) noexcept nogil:
        """Where an atom lies from its part's centre, turned into place and then (unless NULL) by `after`."""
        cdef int c = state.orientation[part]
        cdef const double *m = &state.rotation[9 * part]
        cdef double x = self.coordinates[c, i, 0], y = self.coordinates[c, i, 1], z = self.coordinates[c, i, 2], u, v, w
        u = m[0] * x + m[1] * y + m[2] * z
        v = m[3] * x + m[4] * y + m[5] * z
        w = m[6] * x + m[7] * y + m[8] * z
        if after == NULL:
            p[0], p[1], p[2] = u, v, w
        else:
            p[0] = after[0] * u + after[1] * v + after[2] * w
            p[1] = after[3] * u + after[4] * v + after[5] * w
            p[2] = after[6] * u + after[7] * v + after[8] * w


def random_numbers(uint64_t seed, uint64_t group, uint64_t site, uint64_t draw, int count):
    """Return the first raw 64-bit numbers of a draw's random stream."""
    cdef philox_stream stream
    philox_open(&stream, seed, group, draw, site)
    return np.array([philox_raw(&stream) for _ in range(count)], dtype=np.uint64)


def random_rotations(uint64_t seed, int count):
    """Return (count, 3, 3) rotations as general positions draw them, one per draw number."""
    cdef philox_stream stream
    cdef int i
    rotations = np.empty((count, 9))
    cdef double[:, ::1] view = rotations
    for i in range(count):
        philox_open(&stream, seed, 0, i, 0)
        any_rotation(&stream, &view[i, 0])
    return rotations.reshape(count, 3, 3)
