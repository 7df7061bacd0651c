"""Packing: from a random draw, overlaps are removed at constant volume inside the space group.

The sum of (cutoff + slack - distance)^2 over all pairs that are too close is minimised by the Levenberg-Marquardt method
(Marquardt, SIAM J. Appl. Math. 11 (1963) 431) over the strains, shifts and turns that the symmetry leaves free: a dozen
variables, a dozen evaluations. Because of the slack the search ends well inside what is allowed, not at its edge. What
it delivers is decided in double precision, with every image.
"""

from libc.math cimport INFINITY, fabs
from libc.stdint cimport int64_t, uint64_t

import numpy as np

from genarris_fw._kernels.entries cimport determinant
from genarris_fw._kernels.generator cimport Cell, Sampler, report
from genarris_fw._kernels.rigid cimport (
    VARIABLES, Pair, State, Work, close_work, open_work, solve
)

# Found by trial on glycine, aspirin, tetracene and benzene; the rates are flat around these.
cdef double FIRST_DAMPING = 0.1  # times the mean of the matrix's diagonal
cdef double LONGEST = 0.8  # Å: the longest step
cdef double PATIENCE = 0.7  # a later step that leaves more than this of the overlap is the last
cdef int PATIENT_STEPS = 6


cdef class Packer(Sampler):
    """Draws that are packed; the arguments are those of `Sampler`, with strains that keep the volume.

    Parameters
    ----------
    slack : float
        How much more than the cutoff is asked for, Å.
    most_steps : int
        Steps before a draw is given up.
    """

    cdef readonly double slack
    cdef readonly int most_steps
    cdef float[:, ::1] cut2_wanted

    def __init__(self, *arguments, double slack=0.05, int most_steps=60):
        super().__init__(*arguments)
        self.slack, self.most_steps = slack, most_steps
        wanted = np.full((self.n, self.stride), -1.0, dtype=np.float32)
        wanted[:, : self.n] = (np.asarray(self.cut) + slack) ** 2
        self.cut2_wanted = wanted

    def draw(self, uint64_t seed, int64_t first, int64_t count, int64_t quota, double mean, double std):
        """Make and pack the draws first ... first + count - 1, stopping at the `quota`-th accepted one.

        Returns
        -------
        consumed, numbers, orientations, geometry
            As of `Sampler.draw`.
        evaluations : int
            How many arrangements were looked at.
        """
        cdef int64_t capacity = min(quota, count), d, found = 0, consumed = 0, evaluations = 0
        numbers, geometry = np.empty(capacity, dtype=np.int64), np.empty((capacity, 9 + 12 * self.parts))
        orientations = np.empty((capacity, self.parts), dtype=np.intc)
        cdef int64_t[::1] number_view = numbers
        cdef int[:, ::1] orientation_view = orientations
        cdef double[:, ::1] geometry_view = geometry
        cdef Cell cell
        cdef State state
        cdef Work work
        if not open_work(&work, self.parts, self.entries, self.n, self.stride):
            raise MemoryError
        with nogil:
            for d in range(first, first + count):
                if found >= capacity:
                    break
                consumed += 1
                if (
                    self.start(seed, <uint64_t> d, mean, std, NULL, &cell, &state)
                    and self.separate(&state, &work, &evaluations)
                    and self.clear(&state, &work)
                ):
                    number_view[found] = d
                    report(&state, self.parts, &geometry_view[found, 0], &orientation_view[found, 0])
                    found += 1
        close_work(&work)
        return consumed, numbers[:found], orientations[:found], geometry[:found], evaluations

    cdef bint separate(self, State *state, Work *work, int64_t *evaluations) noexcept nogil:
        """Move the parts and the cell until nothing overlaps; False when that does not come about."""
        cdef State trial
        cdef double step[VARIABLES]
        cdef double energy, new, worst, damping = FIRST_DAMPING, scale, longest, volume = determinant(state.lattice)
        cdef double before
        cdef int steps, tries, k
        energy = self.overlap(state, work, &worst)
        evaluations[0] += 1
        if self.variables == 0:
            return energy >= 0 and worst <= 0.0
        for steps in range(self.most_steps):
            if worst <= 0.0:
                return energy >= 0
            if energy < 0:
                return False
            self.normal_equations(work)
            scale = 0.0
            for k in range(self.variables):
                scale += work.matrix[k * (VARIABLES + 1)]
            scale /= self.variables
            before = energy
            for tries in range(6):
                if not solve(work, self.variables, damping * scale + 1e-9, step):
                    return False
                longest = 0.0
                for k in range(self.variables):
                    longest = max(longest, fabs(step[k]))
                if longest > LONGEST:
                    for k in range(self.variables):
                        step[k] *= LONGEST / longest
                self.move(state, step, volume, &trial)
                new = self.overlap(&trial, work, &worst)
                evaluations[0] += 1
                if new < energy and new >= 0:
                    break
                damping *= 6.0
            else:
                return False
            state[0] = trial
            energy = new
            damping = max(damping * 0.3, 1e-4)
            if worst > 0 and steps >= PATIENT_STEPS and energy > PATIENCE * before:
                return False
        return worst <= 0.0

    cdef double overlap(self, const State *state, Work *work, double *worst) noexcept nogil:
        """List the pairs that are too close; return their sum of squares (negative for a cell that is lost)."""
        cdef int k
        cdef double gap, total = 0.0
        worst[0] = -1.0
        work.volume = determinant(state.lattice)
        if not work.volume > 0:
            return -1.0
        work.length = work.volume ** (1.0 / 3.0)
        self.place(state, work)
        if not self.find_near(state, self.widest + self.slack, work):
            return -1.0
        if not self.list_pairs(work, &self.cut2_wanted[0, 0], INFINITY):
            return -1.0
        for k in range(work.n_pairs):
            gap = self.gap(work, &work.pairs[k])
            worst[0] = max(worst[0], -gap)
            total += (self.slack - gap) ** 2
        return total

    cdef void normal_equations(self, Work *work) noexcept nogil:
        """Sum the pairs' contributions to matrix (lower triangle) and gradient."""
        cdef int k, l, m
        cdef const Pair *pair
        cdef double missing, value
        cdef double *row = work.row
        for k in range(self.variables):
            work.gradient[k] = 0.0
            for l in range(k + 1):
                work.matrix[k * VARIABLES + l] = 0.0
        for m in range(work.n_pairs):
            pair = &work.pairs[m]
            missing = self.slack - self.gap(work, pair)
            self.accumulate(work, &work.near.at[pair.image], pair.i, pair.j, row)
            for k in range(self.variables):
                value = row[k]
                work.gradient[k] -= missing * value
                for l in range(k + 1):
                    work.matrix[k * VARIABLES + l] += value * row[l]
