"""The lattice energy of rigid molecules with exp-6 and distributed multipoles: `LatticeSum` with a `MultipoleSum` beside it.

First derivatives are analytic. Second derivatives are differences of the whole gradient: exact in the limit of small
steps where the gradient vanishes, which is where they tell something of the crystal.
"""

from libc.math cimport sqrt
from libc.string cimport memcpy

import numpy as np

from genarris_fw._kernels.lattice_model cimport INFINITE, Room
from genarris_fw._kernels.lattice_multipoles cimport MultipoleSum
from genarris_fw._kernels.lattice_sum cimport LatticeSum

cdef double STEP = 2e-4  # Å, of the differences


cdef class MultipoleLatticeSum(LatticeSum):
    """A model of molecules with multipoles and the symmetry they stand in.

    Parameters
    ----------
    model, symmetry, pressure
        As of `LatticeSum`; the molecules have no charges there. Unlike there, one evaluation at a time: the memory that
        the multipoles need belongs to the object.
    multipoles : dict
        By `genarris_fw.lattice.sums.multipole_model.model_arguments`, of the same forms.
    """

    cdef MultipoleSum multipoles
    cdef double lowest
    cdef double parts_of[4]
    cdef bint central
    cdef double[::1] trial, step, kept
    cdef double[:, ::1] rows
    cdef double[:, ::1] forces, torques

    def __init__(self, model, multipoles, symmetry, double pressure=0.0):
        LatticeSum.__init__(self, model, symmetry, pressure)
        self.multipoles = MultipoleSum(multipoles, symmetry)
        if self.multipoles.forms != self.forms:
            raise ValueError("as many molecules with multipoles are needed as without")
        self.lowest, self.central = INFINITE, True
        self.trial, self.step = np.zeros(9 + 12 * self.parts), np.zeros(max(self.variables, 1))
        self.kept, self.rows = np.zeros(max(self.variables, 1)), np.zeros((max(self.variables, 1), max(self.variables, 1)))
        self.forces, self.torques = np.zeros((self.parts, 3)), np.zeros((self.parts, 3))

    @property
    def components(self):
        """Of the last evaluation: charge-charge, charge-dipole, dipole-dipole, higher; kJ/mol per cell."""
        return [self.parts_of[k] for k in range(4)]

    def energy(self, *args, **kwargs):
        """As of `LatticeSum`; second derivatives by central differences."""
        self.lowest, self.central = INFINITE, True
        return LatticeSum.energy(self, *args, **kwargs)

    def minimise(self, *args, **kwargs):
        """As of `LatticeSum`; second derivatives by forward differences."""
        self.lowest, self.central = INFINITE, False
        try:
            return LatticeSum.minimise(self, *args, **kwargs)
        finally:
            self.central = True

    cdef double evaluate(self, const double *state, const int *form, bint second, Room *room) noexcept nogil:
        """Return the energy, kJ/mol per cell; write its derivatives to `room`. INFINITE where there is none."""
        cdef double energy = self.first_derivatives(state, form, room)
        cdef int v = self.variables, k, l
        cdef double difference
        if not second or energy >= self.lowest:  # a step that leads up is not taken: its curvature is not looked at
            return energy
        self.lowest = energy
        for k in range(v):
            self.kept[k], self.step[k] = room.gradient[k], 0.0
        for k in range(v):
            self.step[k] = STEP
            self.move(state, form, &self.step[0], &self.trial[0])
            self.first_derivatives(&self.trial[0], form, room)
            for l in range(v):
                self.rows[k, l] = (room.gradient[l] - self.kept[l]) / STEP
            if self.central:
                self.step[k] = -STEP
                self.move(state, form, &self.step[0], &self.trial[0])
                self.first_derivatives(&self.trial[0], form, room)
                for l in range(v):
                    difference = (self.kept[l] - room.gradient[l]) / STEP
                    self.rows[k, l] = 0.5 * (self.rows[k, l] + difference)
            self.step[k] = 0.0
        self.first_derivatives(state, form, room)
        for k in range(v):
            for l in range(v):
                room.matrix[k * v + l] = 0.5 * (self.rows[k, l] + self.rows[l, k])
        return energy

    cdef double first_derivatives(self, const double *state, const int *form, Room *room) noexcept nogil:
        """The energy and its gradient: exp-6, then the multipoles."""
        cdef double stress[9]
        cdef double energy = LatticeSum.evaluate(self, state, form, False, room)
        cdef int p, k
        if energy >= INFINITE:
            return energy
        if not self.multipoles.energy(
            state, form, self.parts_of, stress, &self.forces[0, 0], &self.torques[0, 0]
        ):
            return INFINITE
        for k in range(4):
            energy += self.parts_of[k]
            room.electrostatic += self.parts_of[k]
        for k in range(3):
            room.cart[k] += stress[4 * k]
        room.cart[3] += sqrt(0.5) * (stress[5] + stress[7])
        room.cart[4] += sqrt(0.5) * (stress[2] + stress[6])
        room.cart[5] += sqrt(0.5) * (stress[1] + stress[3])
        for p in range(self.parts):
            for k in range(3):
                room.cart[6 + 6 * p + k] += self.forces[p, k]
                room.cart[9 + 6 * p + k] += self.torques[p, k]
        self.project(form, False, room)
        return energy if energy == energy else INFINITE
