"""The rigid press: the cell shrinks until the molecules touch, the space group and the sites kept.

Minimised is E = V + sum over pairs of molecules of the cell and their atoms of w (R - r) / (r - r0) for r0 < r < R, where
r0 is the contact cutoff and w = 0.1 Å3 / n^2 (the objective of Genarris 3's rigid press; no chemistry in it). The
variables are the strains of the cell, the shifts and the turns that the symmetry leaves free; derivatives are analytic.
Steps solve a damped Newton equation whose matrix keeps the curvature of the near pairs along their distance, which is
where almost all of the stiffness is; a step that would let two atoms touch is shortened.
"""

from libc.math cimport fabs
from libc.stdlib cimport free, malloc

import numpy as np

from genarris_fw._kernels.entries cimport Image, determinant
from genarris_fw._kernels.generator cimport report
from genarris_fw._kernels.repulsion cimport repulsion
from genarris_fw._kernels.rigid cimport (
    VARIABLES, Pair, RigidCrystal, State, Work, close_work, open_work, solve
)

cdef double FAR = 1e6
cdef double NEAR = 1.2  # Å beyond the cutoff: pairs whose curvature counts
cdef double LONGEST = 0.6  # Å: the longest step
cdef double INFINITE = 1e300


cdef void read_state(State *state, lattice, rotations, centres, orientations):
    """Fill a state from arrays (3, 3), (parts, 3, 3), (parts, 3), (parts,)."""
    cdef double[::1] l = np.ascontiguousarray(lattice, dtype=np.float64).ravel()
    cdef double[::1] r = np.ascontiguousarray(rotations, dtype=np.float64).ravel()
    cdef double[::1] c = np.ascontiguousarray(centres, dtype=np.float64).ravel()
    cdef int[::1] o = np.ascontiguousarray(orientations, dtype=np.intc)
    cdef int k, p
    for k in range(9):
        state.lattice[k] = l[k]
    for p in range(o.shape[0]):
        state.orientation[p] = o[p]
        for k in range(9):
            state.rotation[9 * p + k] = r[9 * p + k]
        for k in range(3):
            state.centre[3 * p + k] = c[3 * p + k]


cdef class Press(RigidCrystal):
    """A crystal to be pressed; the first arguments are those of `RigidCrystal`.

    Parameters
    ----------
    crystal : tuple
        The arguments of `RigidCrystal`.
    weights : (e,) array
        How many molecule pairs of the cell every pair of an entry stands for.
    reach : float
        R, Å.
    """

    cdef double reach, strength
    cdef int wide_stride
    cdef double[::1] weights
    cdef double[:, ::1] cut_padded
    cdef float[:, ::1] cut2_near

    def __init__(self, crystal, weights, double reach):
        super().__init__(*crystal)
        self.weights = np.ascontiguousarray(weights, dtype=np.float64)
        self.reach, self.strength = reach, 0.1 / self.n**2
        self.wide_stride = (self.n + 3) // 4 * 4
        padded = np.zeros((self.n, self.wide_stride))
        padded[:, : self.n] = self.cut
        self.cut_padded = padded
        near = np.full((self.n, self.stride), -1.0, dtype=np.float32)
        near[:, : self.n] = (np.asarray(self.cut) + NEAR) ** 2
        self.cut2_near = near

    def press(self, lattice, rotations, centres, orientations, int most_steps, double tolerance):
        """Press a crystal.

        Parameters
        ----------
        lattice, rotations, centres, orientations : (3, 3), (parts, 3, 3), (parts, 3), (parts,) arrays
            Where it starts.
        most_steps : int
            Give up after so many steps.
        tolerance : float
            Converged when a full step would lower E by less than this fraction of it.

        Returns
        -------
        lattice, rotations, centres
            Where it ends.
        energy : float
            E, Å3 per cell; infinite when atoms overlap at the start.
        steps, evaluations : int
            How many.
        converged : bool
        """
        cdef State state
        cdef Work work
        cdef double energy = 0
        cdef int steps = 0, evaluations = 0, most = most_steps
        cdef bint converged = False
        read_state(&state, lattice, rotations, centres, orientations)
        cdef double *wide = <double *> malloc(3 * self.wide_stride * (self.parts + self.entries) * sizeof(double))
        if wide == NULL or not open_work(&work, self.parts, self.entries, self.n, self.stride):
            free(wide)
            raise MemoryError
        with nogil:
            converged = self.minimise(&state, &work, wide, most, tolerance, &energy, &steps, &evaluations)
        close_work(&work)
        free(wide)
        numbers = np.empty(9 + 12 * self.parts)
        cdef double[::1] view = numbers
        cdef int[::1] unused = np.empty(self.parts, dtype=np.intc)
        report(&state, self.parts, &view[0], &unused[0])
        parts = numbers[9:].reshape(-1, 12)
        return (
            numbers[:9].reshape(3, 3), parts[:, :9].reshape(-1, 3, 3), parts[:, 9:],
            energy if energy < INFINITE else np.inf, steps, evaluations, converged,
        )

    def energy_and_gradient(self, lattice, rotations, centres, orientations, step):
        """Return E and its derivatives by all variables after a step from the given crystal (for tests)."""
        cdef State state
        cdef State moved
        cdef Work work
        cdef double gradient[VARIABLES]
        cdef double[::1] s = np.ascontiguousarray(step, dtype=np.float64)
        cdef double energy
        cdef int k
        read_state(&state, lattice, rotations, centres, orientations)
        cdef double *wide = <double *> malloc(3 * self.wide_stride * (self.parts + self.entries) * sizeof(double))
        if wide == NULL or not open_work(&work, self.parts, self.entries, self.n, self.stride):
            free(wide)
            raise MemoryError
        self.move(&state, &s[0], 0.0, &moved)
        energy = self.energy(&moved, &work, wide, gradient)
        found = np.array([gradient[k] for k in range(self.variables)])
        close_work(&work)
        free(wide)
        return energy, found

    cdef bint minimise(self, State *state, Work *work, double *wide, int most_steps, double tolerance, double *energy,
                       int *steps, int *evaluations) noexcept nogil:
        cdef State trial
        cdef double step[VARIABLES]
        cdef double gradient[VARIABLES]
        cdef double new, damping = 1.0, longest, expected, least
        cdef int _, k, tries, calm = 0
        energy[0] = self.energy(state, work, wide, gradient)
        evaluations[0] = 1
        if energy[0] >= INFINITE:
            return False
        for _ in range(most_steps):
            steps[0] += 1
            self.curvature(work)
            for k in range(self.variables):
                work.gradient[k] = gradient[k]
            for tries in range(30):
                if not solve(work, self.variables, damping, step):
                    return False
                longest, expected = 0.0, 0.0
                for k in range(self.variables):
                    longest = max(longest, fabs(step[k]))
                    expected -= 0.5 * step[k] * gradient[k]
                if longest > LONGEST:
                    for k in range(self.variables):
                        step[k] *= LONGEST / longest
                self.move(state, step, 0.0, &trial)
                new = self.energy(&trial, work, wide, gradient)
                evaluations[0] += 1
                if new < energy[0]:
                    break
                if longest < 1e-7:
                    return True  # as good as the numbers allow
                for k in range(self.variables):
                    gradient[k] = work.gradient[k]
                damping = damping * 4.0 + 1e-6
            else:
                return expected < 1e-4 * fabs(energy[0])
            calm = calm + 1 if energy[0] - new < tolerance * fabs(new) else 0
            state[0], energy[0] = trial, new
            damping *= 0.3
            if calm == 2:
                return True
        return False

    cdef double energy(self, const State *state, Work *work, double *wide, double *gradient) noexcept nogil:
        """Return E and write its gradient; INFINITE where two atoms touch or the cell is lost."""
        cdef int k, i, p, e, q, stride = self.wide_stride, size = 3 * self.wide_stride
        cdef double total, part, weight, gap = 1.0, radius
        cdef double sums[9]
        cdef const double *d
        work.volume = determinant(state.lattice)
        if not work.volume > 1e-3:
            return INFINITE
        work.length = work.volume ** (1.0 / 3.0)
        self.place(state, work)
        for p in range(self.parts + self.entries):
            for k in range(3):
                for i in range(self.n, stride):
                    wide[p * size + k * stride + i] = FAR
                for i in range(self.n):
                    wide[p * size + k * stride + i] = (
                        work.points[3 * (self.n * p + i) + k] if p < self.parts
                        else work.turned[3 * (self.n * (p - self.parts) + i) + k]
                    )
        radius = self.farthest()
        if not self.find_near(state, self.reach + 2.0 * radius, work):
            return INFINITE
        total = work.volume
        for k in range(self.variables):
            gradient[k] = 0.0
        for k in range(self.strains):
            gradient[k] = (self.strain_basis[k, 0, 0] + self.strain_basis[k, 1, 1] + self.strain_basis[k, 2, 2]) * (
                work.volume / work.length
            )
        for q in range(work.near.n):
            e = work.near.at[q].entry
            d = work.near.at[q].d
            part = repulsion(
                wide + self.first[e] * size, wide + (self.parts + e) * size, &self.cut_padded[0, 0], self.n, stride,
                d[0], d[1], d[2], self.reach, radius, sums, &gap
            )
            if gap <= 0.0:
                return INFINITE
            weight = self.weights[e] * work.near.at[q].weight * self.strength
            total += weight * part
            for k in range(9):
                sums[k] *= weight
            self.project(work, &work.near.at[q], sums, sums + 3, sums + 6, gradient)
        return total

    cdef double farthest(self) noexcept nogil:
        cdef double found = 0.0
        cdef int i
        for i in range(self.n):
            found = max(found, self.radii[i])
        return found

    cdef void curvature(self, Work *work) noexcept nogil:
        """Sum second derivatives along the distances of the near pairs to the matrix (lower triangle)."""
        cdef int k, l, m
        cdef const Pair *pair
        cdef const Image *image
        cdef double gap, stiffness, value
        cdef double *row = work.row
        for k in range(self.variables):
            for l in range(k + 1):
                work.matrix[k * VARIABLES + l] = 0.0
        if not self.list_pairs(work, &self.cut2_near[0, 0], self.widest + NEAR):
            return
        for m in range(work.n_pairs):
            pair = &work.pairs[m]
            image = &work.near.at[pair.image]
            gap = max(self.gap(work, pair), 1e-4)
            stiffness = (
                2.0 * self.weights[image.entry] * image.weight * self.strength
                * (self.reach - self.cut[pair.i, pair.j]) / (gap * gap * gap)
            )
            self.accumulate(work, image, pair.i, pair.j, row)
            for k in range(self.variables):
                value = stiffness * row[k]
                for l in range(k + 1):
                    work.matrix[k * VARIABLES + l] += value * row[l]
