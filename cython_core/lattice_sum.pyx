"""The lattice energy of rigid molecules with exp-6 and charges, its derivatives by all rigid-body variables; minimisation.

The pairs of near molecules (`lattice_pairs`) and the waves of charges and dispersion (`lattice_waves`) are summed for the
molecules that `lattice_model` places; `lattice_descent` goes down from there.
"""

from libc.string cimport memset

import numpy as np

from genarris_fw._kernels.entries cimport determinant
from genarris_fw._kernels.lattice_descent cimport COLLAPSED, CONVERGED, NO_MEMORY, descend
from genarris_fw._kernels.lattice_model cimport GPA, INFINITE, LatticeModel, Room
from genarris_fw._kernels.lattice_pairs cimport add_pairs, find_near, inside_guard
from genarris_fw._kernels.lattice_waves cimport add_waves, open_waves, own_energies


cdef class LatticeSum(LatticeModel):
    """The energy of a model's crystals; parameters as of `LatticeModel`."""

    def __init__(self, model, symmetry, double pressure=0.0):
        LatticeModel.__init__(self, model, symmetry, pressure)
        if "own" not in model:
            model["own"] = own_energies(self)
        self.own_energy, self.own_dispersion = model["own"]

    cdef bint open(self, Room *room) noexcept nogil:
        """Allocate; False when there is no memory."""
        if not LatticeModel.open(self, room):
            return False
        if not open_waves(self, room):
            self.close(room)
            return False
        return True

    cdef double evaluate(self, const double *state, const int *form, bint second, Room *room) noexcept nogil:
        """Return the energy, kJ/mol per cell; write its derivatives to `room`. INFINITE where there is none."""
        cdef int n = self.n, v, w, i, k, c
        cdef double energy, trace_v, trace_w, both
        room.volume = determinant(state)
        if not room.volume > 1.0:
            return INFINITE
        room.length = room.volume ** (1.0 / 3.0)
        room.exp6 = room.electrostatic = 0.0
        memset(room.cart, 0, (n + (n * n if second else 0)) * sizeof(double))
        self.place(state, form, room)
        if not find_near(self, state, form, room):
            return INFINITE
        if not add_pairs(self, form, second, room):
            return INFINITE
        if not add_waves(self, state, form, second, room):
            return INFINITE
        for c in range(self.copies):
            room.electrostatic += self.own_energy[form[self.copy_part[c]]]
            room.exp6 += self.own_dispersion[form[self.copy_part[c]]]
        room.work_of_pressure = GPA * self.pressure * room.volume
        if self.pressure != 0.0:
            for v in range(3):
                room.cart[v] += room.work_of_pressure
            if second:
                for v in range(6):
                    for w in range(6):
                        trace_v, trace_w = 1.0 if v < 3 else 0.0, 1.0 if w < 3 else 0.0
                        room.cart2[v * n + w] += room.work_of_pressure * (trace_v * trace_w - (1.0 if v == w else 0.0))
        self.project(form, second, room)
        energy = room.exp6 + room.electrostatic + room.work_of_pressure
        return energy if energy == energy else INFINITE

    def energy(self, lattice, rotations, centres, forms, bint second=False, step=None):
        """Evaluate a crystal.

        Parameters
        ----------
        lattice, rotations, centres : (3, 3), (parts, 3, 3), (parts, 3) arrays
            Rows, Å, right-handed; turns of the parts' forms; fractional centres.
        forms : (parts,) int array
            Which form every part has.
        second : bool
            Second derivatives too.
        step : (variables,) array, optional
            Taken first; derivatives are those at its end.

        Returns
        -------
        exp6, electrostatic, work : float
            kJ/mol per cell; the last is P V.
        gradient, matrix : (variables,), (variables, variables) or None
            By the free variables, kJ/mol/Å, kJ/mol/Å2.
        cart, cart2 : (n,), (n, n) or None
            By the strains xx yy zz and yz xz xy (times the root of 2) and the shifts and turns (radian) of every part, the
            latter times the number of their images.
        """
        cdef Room room
        cdef double value
        state, form = self._state(lattice, rotations, centres, forms)
        cdef double[::1] s = state
        cdef double[::1] moved = state.copy()
        cdef int[::1] f = form
        cdef double[::1] taken
        if not self.open(&room):
            raise MemoryError
        if step is not None:
            taken = np.ascontiguousarray(step, dtype=np.float64)
            self.move(&s[0], &f[0], &taken[0], &moved[0])
        with nogil:
            value = self.evaluate(&moved[0], &f[0], second, &room)
        n, v = self.n, self.variables
        gradient, cart = np.empty(v), np.empty(n)
        matrix, cart2 = (np.empty((v, v)), np.empty((n, n))) if second else (None, None)
        cdef double[::1] out
        cdef int k
        out = gradient
        for k in range(v):
            out[k] = room.gradient[k]
        out = cart
        for k in range(n):
            out[k] = room.cart[k]
        if second:
            out = matrix.reshape(-1)
            for k in range(v * v):
                out[k] = room.matrix[k]
        parts = room.exp6, room.electrostatic, room.work_of_pressure
        self.close(&room)
        if value >= INFINITE:
            parts = (np.inf, np.inf, 0.0)
        return (*parts, gradient, matrix, cart)

    def moved(self, lattice, rotations, centres, forms, step):
        """Return lattice, rotations, centres after a step."""
        state, form = self._state(lattice, rotations, centres, forms)
        cdef double[::1] s = state
        out = state.copy()
        cdef double[::1] o = out
        cdef int[::1] f = form
        cdef double[::1] taken = np.ascontiguousarray(step, dtype=np.float64)
        self.move(&s[0], &f[0], &taken[0], &o[0])
        p = self.parts
        return out[:9].reshape(3, 3), out[9 : 9 + 9 * p].reshape(p, 3, 3), out[9 + 9 * p :].reshape(p, 3)

    def time(self, lattice, rotations, centres, forms, bint second, int times):
        """Evaluate a crystal so many times (for benchmarks); return the last energy, kJ/mol per cell."""
        cdef Room room
        cdef double value = 0
        cdef int k
        state, form = self._state(lattice, rotations, centres, forms)
        cdef double[::1] s = state
        cdef int[::1] f = form
        if not self.open(&room):
            raise MemoryError
        with nogil:
            for k in range(times):
                value = self.evaluate(&s[0], &f[0], second, &room)
        self.close(&room)
        return value

    def minimise(self, lattice, rotations, centres, forms, int most_steps, double tolerance, double longest):
        """Minimise a crystal in the free variables.

        Parameters
        ----------
        lattice, rotations, centres, forms
            As of `energy`: where it starts.
        most_steps : int
            Give up after so many steps.
        tolerance : float
            Converged where Newton's step would gain less than this, kJ/mol per molecule, and no curvature is negative.
        longest : float
            Bound of a step, Å.

        Returns
        -------
        lattice, rotations, centres
            Where it ends.
        energy, norm : float
            kJ/mol per cell; length of the gradient, kJ/mol/Å.
        steps, evaluations, status : int
            The last is 0 converged, 1 steps used up, 2 collapsed, 3 evaporated, 4 stuck.
        """
        cdef Room room
        cdef double energy = 0, norm = 0
        cdef int steps = 0, evaluations = 0, status
        state, form = self._state(lattice, rotations, centres, forms)
        cdef double[::1] s = state
        cdef int[::1] f = form
        if not self.open(&room):
            raise MemoryError
        with nogil:
            status = descend(
                self, &s[0], &f[0], most_steps, tolerance, longest, &room, &energy, &norm, &steps, &evaluations
            )
            if status == CONVERGED and inside_guard(self, &f[0], &room):
                status = COLLAPSED
        self.close(&room)
        if status == NO_MEMORY:
            raise MemoryError
        p = self.parts
        return (
            state[:9].reshape(3, 3), state[9 : 9 + 9 * p].reshape(p, 3, 3), state[9 + 9 * p :].reshape(p, 3),
            energy if energy < INFINITE else np.inf, norm, steps, evaluations, status,
        )
