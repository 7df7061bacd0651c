"""Rigid molecules in a cell, related by symmetry operations: images, contacts, derivatives, moves.

One or two independent molecules (parts) sit on sites of the space group; everything else follows from the operations.
An entry is a part seen from a part after one operation; with all lattice translations the entries are all neighbours of
the parts. The free variables are strains of the cell that its symmetry allows, shifts and turns of the parts that their
sites allow: so the space group and the sites hold by construction. All variables are lengths in Å: a strain times
the cube root of the volume, a turn times the molecule's size.
"""

from libc.math cimport cos, sin, sqrt
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memset

import numpy as np

from genarris_fw._kernels.entries cimport (
    Entries, Triangle, close_images, determinant, open_images, triangle
)
from genarris_fw._kernels.overlap cimport close_pairs, turn

cdef float FAR = 1e6


cdef bint open_work(Work *work, int parts, int entries, int n, int stride) noexcept nogil:
    """Allocate; False when there is no memory."""
    cdef int k
    memset(work, 0, sizeof(Work))
    work.points = <double *> malloc(parts * n * 3 * sizeof(double))
    work.turned = <double *> malloc(entries * n * 3 * sizeof(double))
    work.atoms = <float *> malloc(parts * 3 * stride * sizeof(float))
    work.images = <float *> malloc(entries * 3 * stride * sizeof(float))
    work.room_pairs = 1024
    work.pairs = <Pair *> malloc(work.room_pairs * sizeof(Pair))
    if not (open_images(&work.near) and work.points and work.turned and work.atoms and work.images and work.pairs):
        close_work(work)
        return False
    for k in range(parts * 3 * stride):
        work.atoms[k] = FAR
    return True


cdef void close_work(Work *work) noexcept nogil:
    free(work.points)
    free(work.turned)
    free(work.atoms)
    free(work.images)
    close_images(&work.near)
    free(work.pairs)


cdef bint solve(const Work *work, int count, double damping, double *step) noexcept nogil:
    """Solve (matrix + damping) step = -gradient by Cholesky's decomposition; False when it is not positive definite."""
    cdef double l[VARIABLES * VARIABLES]
    cdef double total
    cdef int i, j, k
    for i in range(count):
        for j in range(i + 1):
            total = work.matrix[i * VARIABLES + j]
            if i == j:
                total += damping
            for k in range(j):
                total -= l[i * VARIABLES + k] * l[j * VARIABLES + k]
            if i == j:
                if not total > 1e-300:
                    return False
                l[i * VARIABLES + i] = sqrt(total)
            else:
                l[i * VARIABLES + j] = total / l[j * VARIABLES + j]
    for i in range(count):
        total = -work.gradient[i]
        for k in range(i):
            total -= l[i * VARIABLES + k] * step[k]
        step[i] = total / l[i * VARIABLES + i]
    for i in range(count - 1, -1, -1):
        total = step[i]
        for k in range(i + 1, count):
            total -= l[k * VARIABLES + i] * step[k]
        step[i] = total / l[i * VARIABLES + i]
    return True


cdef class RigidCrystal(Entries):
    """The parts, their images and their freedom.

    Parameters
    ----------
    cutoffs : (n, n) array
        Smallest allowed distances between atoms of different molecules, Å.
    coordinates : (k, n, 3) array
        Molecules about their centres, Å; a part has one of them, turned by its rotation.
    first, second, own : (e,) int arrays
        Entries: which part is seen from which; 1 in `own` for a part's own lattice translations (the identity).
    rotations, translations, turns : (e, 3, 3), (e, 3), (e, 3, 3) arrays
        The operations: fractional, and the same rotations in Cartesian form (constant while the cell is strained).
    strain_basis : (s, 3, 3) array
        Symmetric matrices that commute with all operations.
    shift_basis, turn_basis : (parts, 3, 3) arrays
        Rows: orthonormal Cartesian vectors along which (about which) a part may move; the first `shifts`, `spins` count.
    shifts, spins : (parts,) int arrays
        How many rows.
    """

    def __init__(self, cutoffs, coordinates, first, second, own, rotations, translations, turns, strain_basis,
                 shift_basis, shifts, turn_basis, spins):
        real = lambda x: np.ascontiguousarray(x, dtype=np.float64)
        whole = lambda x: np.ascontiguousarray(x, dtype=np.intc)
        self.cut, self.coordinates = real(cutoffs), real(coordinates)
        Entries.__init__(self, first, second, own, rotations, translations, turns)
        self.strain_basis, self.shift_basis, self.turn_basis = real(strain_basis), real(shift_basis), real(turn_basis)
        self.shifts, self.spins = whole(shifts), whole(spins)
        self.n, self.parts = self.coordinates.shape[1], self.shifts.shape[0]
        self.strains = self.strain_basis.shape[0]
        self.variables = self.strains + int(np.sum(shifts)) + int(np.sum(spins))
        if self.cut.shape[0] != self.n or self.cut.shape[1] != self.n or self.parts > PARTS:
            raise ValueError("the arrays of a rigid crystal do not fit together")
        self.stride = (self.n + 7) // 8 * 8
        padded = np.full((self.n, self.stride), -1.0, dtype=np.float32)
        padded[:, : self.n] = np.asarray(self.cut) ** 2
        self.cut2_single = padded
        distances = np.linalg.norm(np.asarray(self.coordinates), axis=2)
        self.radii = distances.max(axis=0)
        self.widest = float((distances.max(axis=0)[:, None] + distances.max(axis=0) + np.asarray(self.cut)).max()) + 1e-6
        # The root mean square distance of atoms from the centre; no less than an atom's own size.
        self.size = max(0.5, float(np.sqrt((distances**2).mean())))

    cdef void place(self, const State *state, Work *work) noexcept nogil:
        """Turn the parts into place and apply every entry's operation, in both precisions."""
        cdef int p, i, e, k
        cdef double x, y, z
        cdef const double *m
        cdef double *target
        cdef const double *source
        for p in range(self.parts):
            m = &state.rotation[9 * p]
            target = work.points + 3 * self.n * p
            for i in range(self.n):
                x = self.coordinates[state.orientation[p], i, 0]
                y = self.coordinates[state.orientation[p], i, 1]
                z = self.coordinates[state.orientation[p], i, 2]
                for k in range(3):
                    target[3 * i + k] = m[3 * k] * x + m[3 * k + 1] * y + m[3 * k + 2] * z
                    work.atoms[(3 * p + k) * self.stride + i] = <float> target[3 * i + k]
        for e in range(self.entries):
            m = &self.turns[e, 0, 0]
            source, target = work.points + 3 * self.n * self.second[e], work.turned + 3 * self.n * e
            for i in range(self.n):
                x, y, z = source[3 * i], source[3 * i + 1], source[3 * i + 2]
                for k in range(3):
                    target[3 * i + k] = m[3 * k] * x + m[3 * k + 1] * y + m[3 * k + 2] * z
            turn(work.atoms + 3 * self.stride * self.second[e], work.images + 3 * self.stride * e, m, self.stride)

    cdef bint find_near(self, const State *state, double reach, Work *work) noexcept nogil:
        """List the images whose centre lies within `reach`; False where there are too many, or no memory."""
        cdef Triangle shape = triangle(state.lattice, work.volume)
        cdef int e
        work.near.n = 0
        for e in range(self.entries):
            if not self.add_images(state.lattice, &shape, state.centre, e, reach, &work.near):
                return False
        return True

    cdef bint list_pairs(self, Work *work, const float *cut2, double reach) noexcept nogil:
        """List the pairs of atoms of the near images with squared distances below cut2 (n, stride), single precision.

        Images whose centre lies beyond `reach` are passed over. False when there is no memory.
        """
        cdef int q, e, room, size = 3 * self.stride
        cdef Pair *pairs
        cdef const double *d
        work.n_pairs = 0
        for q in range(work.near.n):
            d = work.near.at[q].d
            if d[0] * d[0] + d[1] * d[1] + d[2] * d[2] > reach * reach:
                continue
            if work.n_pairs + self.n * self.n > work.room_pairs:
                room = 2 * (work.room_pairs + self.n * self.n)
                pairs = <Pair *> realloc(work.pairs, room * sizeof(Pair))
                if pairs == NULL:
                    return False
                work.pairs, work.room_pairs = pairs, room
            e = work.near.at[q].entry
            work.n_pairs += close_pairs(
                work.atoms + self.first[e] * size, work.images + e * size, cut2, self.n, self.stride,
                <float> d[0], <float> d[1], <float> d[2], q, <int *> (work.pairs + work.n_pairs)
            )
        return True

    cdef inline double gap(self, const Work *work, const Pair *pair) noexcept nogil:
        """The distance of a pair of atoms minus their cutoff."""
        cdef int e = work.near.at[pair.image].entry
        cdef const double *d = work.near.at[pair.image].d
        cdef const double *p = work.points + 3 * (self.n * self.first[e] + pair.i)
        cdef const double *t = work.turned + 3 * (self.n * e + pair.j)
        cdef double x = t[0] + d[0] - p[0], y = t[1] + d[1] - p[1], z = t[2] + d[2] - p[2]
        return sqrt(x * x + y * y + z * z) - self.cut[pair.i, pair.j]

    cdef bint clear(self, const State *state, Work *work) noexcept nogil:
        """Tell, in double precision and with every image, whether no two atoms are closer than their cutoff."""
        cdef int q, i, j
        cdef const double *p
        cdef const double *t
        cdef double x, y, z
        self.place(state, work)
        work.volume = determinant(state.lattice)
        if not self.find_near(state, self.widest, work):
            return False
        for q in range(work.near.n):
            p = work.points + 3 * self.n * self.first[work.near.at[q].entry]
            t = work.turned + 3 * self.n * work.near.at[q].entry
            for i in range(self.n):
                for j in range(self.n):
                    x = t[3 * j] + work.near.at[q].d[0] - p[3 * i]
                    y = t[3 * j + 1] + work.near.at[q].d[1] - p[3 * i + 1]
                    z = t[3 * j + 2] + work.near.at[q].d[2] - p[3 * i + 2]
                    if x * x + y * y + z * z < self.cut[i, j] * self.cut[i, j]:
                        return False
        return True

    cdef void accumulate(self, const Work *work, const Image *image, int i, int j, double *row) noexcept nogil:
        """Write the derivatives of the distance of two atoms by all variables to `row`."""
        cdef const double *p = work.points + 3 * (self.n * self.first[image.entry] + i)
        cdef const double *t = work.turned + 3 * (self.n * image.entry + j)
        cdef double u[3]
        cdef double torque_i[3]
        cdef double torque_j[3]
        cdef double length
        cdef int k
        for k in range(3):
            u[k] = t[k] + image.d[k] - p[k]
        length = sqrt(u[0] * u[0] + u[1] * u[1] + u[2] * u[2]) + 1e-12
        for k in range(3):
            u[k] /= length
        torque_i[0], torque_i[1], torque_i[2] = p[1] * u[2] - p[2] * u[1], p[2] * u[0] - p[0] * u[2], p[0] * u[1] - p[1] * u[0]
        torque_j[0], torque_j[1], torque_j[2] = t[1] * u[2] - t[2] * u[1], t[2] * u[0] - t[0] * u[2], t[0] * u[1] - t[1] * u[0]
        for k in range(self.variables):
            row[k] = 0.0
        self.project(work, image, u, torque_i, torque_j, row)

    cdef void project(self, const Work *work, const Image *image, const double *force, const double *torque_i,
                      const double *torque_j, double *gradient) noexcept nogil:
        """Add what a force between two molecules does to the variables.

        `force` acts on the image and its opposite on the first molecule; `torque_i`, `torque_j` are sums of position
        (about the own centre) x force over the atoms of the first molecule and of the image.
        """
        cdef int e = image.entry, a = self.first[image.entry], b = self.second[image.entry], i, k, at, p
        cdef const double *m = &self.turns[e, 0, 0]
        cdef const double *s
        cdef double back[3]
        cdef double twist[3]
        cdef double shift[3]
        cdef double spin[3]
        cdef double value
        for k in range(self.strains):
            s = &self.strain_basis[k, 0, 0]
            value = 0.0
            for i in range(3):
                value += force[i] * (s[3 * i] * image.d[0] + s[3 * i + 1] * image.d[1] + s[3 * i + 2] * image.d[2])
            gradient[k] += value / work.length
        for i in range(3):
            back[i] = m[i] * force[0] + m[3 + i] * force[1] + m[6 + i] * force[2]
            twist[i] = self.signs[e] * (m[i] * torque_j[0] + m[3 + i] * torque_j[1] + m[6 + i] * torque_j[2])
        at = self.strains
        for p in range(self.parts):
            if p == a or p == b:
                for i in range(3):
                    shift[i] = (back[i] if p == b else 0.0) - (force[i] if p == a else 0.0)
                    spin[i] = (twist[i] if p == b else 0.0) - (torque_i[i] if p == a else 0.0)
                for k in range(self.shifts[p]):
                    s = &self.shift_basis[p, k, 0]
                    gradient[at + k] += s[0] * shift[0] + s[1] * shift[1] + s[2] * shift[2]
                for k in range(self.spins[p]):
                    s = &self.turn_basis[p, k, 0]
                    value = s[0] * spin[0] + s[1] * spin[1] + s[2] * spin[2]
                    gradient[at + self.shifts[p] + k] += value / self.size
            at += self.shifts[p] + self.spins[p]

    cdef void move(self, const State *state, const double *step, double volume, State *moved) noexcept nogil:
        """Take a step; with a positive `volume` the cell is scaled to it."""
        cdef double strain[9]
        cdef double inverse[9]
        cdef double shift[3]
        cdef double spin[3]
        cdef double m[9]
        cdef const double *l = state.lattice
        cdef double size = determinant(l), length, angle, c, s, d, scale
        cdef int i, j, k, p, at
        length = size ** (1.0 / 3.0)
        inverse[0], inverse[1], inverse[2] = l[4] * l[8] - l[5] * l[7], l[2] * l[7] - l[1] * l[8], l[1] * l[5] - l[2] * l[4]
        inverse[3], inverse[4], inverse[5] = l[5] * l[6] - l[3] * l[8], l[0] * l[8] - l[2] * l[6], l[2] * l[3] - l[0] * l[5]
        inverse[6], inverse[7], inverse[8] = l[3] * l[7] - l[4] * l[6], l[1] * l[6] - l[0] * l[7], l[0] * l[4] - l[1] * l[3]
        moved[0] = state[0]
        at = self.strains
        for p in range(self.parts):
            for i in range(3):
                shift[i] = spin[i] = 0.0
                for k in range(self.shifts[p]):
                    shift[i] += step[at + k] * self.shift_basis[p, k, i]
                for k in range(self.spins[p]):
                    spin[i] += step[at + self.shifts[p] + k] * self.turn_basis[p, k, i] / self.size
            at += self.shifts[p] + self.spins[p]
            for i in range(3):
                moved.centre[3 * p + i] += (
                    shift[0] * inverse[i] + shift[1] * inverse[3 + i] + shift[2] * inverse[6 + i]
                ) / size
            angle = sqrt(spin[0] * spin[0] + spin[1] * spin[1] + spin[2] * spin[2])
            if angle > 0:
                for i in range(3):
                    spin[i] /= angle
                c, s, d = cos(angle), sin(angle), 1.0 - cos(angle)
                m[0], m[1], m[2] = c + d * spin[0] * spin[0], d * spin[0] * spin[1] - s * spin[2], d * spin[0] * spin[2] + s * spin[1]
                m[3], m[4], m[5] = d * spin[1] * spin[0] + s * spin[2], c + d * spin[1] * spin[1], d * spin[1] * spin[2] - s * spin[0]
                m[6], m[7], m[8] = d * spin[2] * spin[0] - s * spin[1], d * spin[2] * spin[1] + s * spin[0], c + d * spin[2] * spin[2]
                for i in range(3):
                    for j in range(3):
                        moved.rotation[9 * p + 3 * i + j] = (
                            m[3 * i] * state.rotation[9 * p + j] + m[3 * i + 1] * state.rotation[9 * p + 3 + j]
                            + m[3 * i + 2] * state.rotation[9 * p + 6 + j]
                        )
        for i in range(9):
            strain[i] = 0.0
            for k in range(self.strains):
                strain[i] += step[k] * (&self.strain_basis[k, 0, 0])[i] / length
        for i in range(3):
            for j in range(3):
                moved.lattice[3 * i + j] += l[3 * i] * strain[j] + l[3 * i + 1] * strain[3 + j] + l[3 * i + 2] * strain[6 + j]
        if volume > 0:
            size = determinant(moved.lattice)
            scale = (volume / size) ** (1.0 / 3.0) if size > 0 else 1.0
            for i in range(9):
                moved.lattice[i] *= scale
