"""Crystals of rigid molecules as the lattice sums see them: model, symmetry, and the variables that it leaves free.

Any number of independent molecules (parts) of any kinds sit on sites of a space group; everything else follows from the
operations.

First and second derivatives are summed for a strain of the cell (6), and a shift (3) and a turn (3, rotation vector) of
every part, and then projected on what the symmetry leaves free. The free variables are lengths in Å: a strain times the
cube root of the volume, a shift, a turn times the molecule's size. A crystal moves by `move`: lattice and centres
are strained together, r' = (1 + e)(r + shift), and turned by the exponential map.
"""

from libc.math cimport cos, sin, sqrt
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

import numpy as np

from genarris_fw._kernels.entries cimport Entries, close_images, determinant, open_images
from genarris_fw._kernels.strains cimport WEIGHT, product

cdef double FAR = 1e6


cdef class LatticeModel(Entries):
    """A model of molecules and the symmetry they stand in.

    Parameters
    ----------
    model : dict
        What the molecules are, by `genarris_fw.lattice.sums.arguments.model_arguments`: forms (a molecule of some kind in
        some geometry) with their sites and charges, the pairs' parameters, cutoffs. What follows from these alone is
        kept there as ``own``.
    symmetry : dict
        By `genarris_fw.lattice.sums.arguments.symmetry_arguments`: entries, copies, operations, bases.
    pressure : float
        GPa.
    """

    def __init__(self, model, symmetry, double pressure=0.0):
        real = lambda x: np.ascontiguousarray(x, dtype=np.float64)
        whole = lambda x: np.ascontiguousarray(x, dtype=np.intc)
        self.kind_of = whole(model["kind_of"])
        self.sites_of, self.padded_of = whole(model["sites_of"]), whole(model["padded_of"])
        self.form_sites, self.form_charges = real(model["form_sites"]), real(model["form_charges"])
        self.form_wide = real(np.asarray(model["form_charges"]) * KE)
        self.channel_weights, self.channel_signs = real(model["channel_weights"]), real(model["channel_signs"])
        self.radius_of, self.size_of = real(model["radius_of"]), real(model["size_of"])
        self.offset_of, self.parameters = whole(model["offset_of"]), real(model["parameters"])
        self.alpha, self.cut, self.longest_wave = model["alpha"], model["cut"], model["longest_wave"]
        self.tapered = model["taper"] is not None
        if self.tapered:
            self.taper_start, self.taper_end = model["taper"]
        self.damped = model["damped"]
        self.anisotropic, self.anisotropic_cut = model["anisotropic_cut"] > 0.0, model["anisotropic_cut"]
        self.form_axes, self.kind_rho = real(model["form_axes"]), real(model["kind_rho"])
        self.widest = self.kind_rho.shape[1]
        self.charged, self.aside, self.split = model["charged"], model["aside"], model["split"]
        self.aside_of = whole(model["aside_of"])
        self.pressure = pressure
        self.channels = 0 if self.tapered else self.channel_signs.shape[0]
        self.forms, self.kinds, self.slot = self.kind_of.shape[0], self.sites_of.shape[0], self.form_sites.shape[1]

        Entries.__init__(self, *(symmetry[name] for name in ("first", "second", "own", "rotations", "translations", "turns")))
        self.weights = real(symmetry["weights"])
        self.copy_part, self.copy_start = whole(symmetry["copy_part"]), whole(symmetry["copy_start"])
        self.copy_alike = whole(symmetry["copy_alike"])
        self.copy_rotations = real(symmetry["copy_rotations"])
        self.copy_translations, self.copy_turns = real(symmetry["copy_translations"]), real(symmetry["copy_turns"])
        self.wave_rotations = whole(np.rint(symmetry["wave_rotations"]))
        self.centrings = real(np.asarray(symmetry["centrings"], dtype=float).reshape(-1, 3))
        basis = np.asarray(symmetry["strain_basis"], dtype=float).reshape(-1, 3, 3)
        root = np.sqrt(2.0)
        self.strain_basis = real(np.column_stack([
            basis[:, 0, 0], basis[:, 1, 1], basis[:, 2, 2], root * basis[:, 1, 2], root * basis[:, 0, 2],
            root * basis[:, 0, 1]
        ]))
        self.shift_basis, self.turn_basis = real(symmetry["shift_basis"]), real(symmetry["turn_basis"])
        self.shifts, self.spins = whole(symmetry["shifts"]), whole(symmetry["spins"])
        self.parts = self.shifts.shape[0]
        self.copies, self.strains = self.copy_part.shape[0], self.strain_basis.shape[0]
        self.variables = self.strains + int(np.sum(self.shifts)) + int(np.sum(self.spins))
        self.n = 6 + 6 * self.parts

    cdef bint open(self, Room *room) noexcept nogil:
        """Allocate; False when there is no memory."""
        cdef int n = self.n, v = self.variables
        memset(room, 0, sizeof(Room))
        room.sites = <double *> malloc(self.parts * self.slot * sizeof(double))
        room.images = <double *> malloc(self.entries * self.slot * sizeof(double))
        room.axes = <double *> malloc((3 * self.widest * (self.parts + self.entries) + 1) * sizeof(double))
        room.places = <double *> malloc(3 * self.copies * sizeof(double))
        room.cart = <double *> malloc((2 * n + 2 * n * n) * sizeof(double))
        room.gradient = <double *> malloc((v + v * v + 2 * v * v + 6 * v + 16) * sizeof(double))
        if not (open_images(&room.near) and room.sites and room.images and room.axes and room.places and room.cart
                and room.gradient):
            self.close(room)
            return False
        room.cart2 = room.cart + n
        room.upper = room.cart2 + n * n
        room.wave_gradient = room.upper + n * n
        room.matrix = room.gradient + v
        room.eigen = room.matrix + v * v
        return True

    cdef void close(self, Room *room) noexcept nogil:
        free(room.sites)
        free(room.images)
        free(room.axes)
        free(room.places)
        close_images(&room.near)
        free(room.indices)
        free(room.waves)
        free(room.squares)
        free(room.sources)
        free(room.wave_memory)
        free(room.cart)
        free(room.gradient)
        memset(room, 0, sizeof(Room))

    cdef double evaluate(self, const double *state, const int *form, bint second, Room *room) noexcept nogil:
        """Return the energy, kJ/mol per cell; write its derivatives to `room`. INFINITE where there is none."""
        return INFINITE  # what is summed, subclasses say

    cdef void place(self, const double *state, const int *form, Room *room) noexcept nogil:
        """Turn the parts' sites into place and apply every entry's operation; the centres of the cell's molecules."""
        cdef int p, e, c, g, j, k, at, size, sites
        cdef const double *m
        cdef const double *x
        cdef double *y
        cdef double f[3]
        for p in range(self.parts + self.entries):
            if p < self.parts:
                k = self.kind_of[form[p]]
                m, x, y = state + 9 + 9 * p, &self.form_sites[form[p], 0], room.sites + p * self.slot
            else:
                e = p - self.parts
                k = self.kind_of[form[self.second[e]]]
                m, x, y = &self.turns[e, 0, 0], room.sites + self.second[e] * self.slot, room.images + e * self.slot
            at = 0
            for g in range(2):
                size, sites = self.padded_of[k, g], self.sites_of[k, g]
                for j in range(sites):
                    y[at + j] = m[0] * x[at + j] + m[1] * x[at + size + j] + m[2] * x[at + 2 * size + j]
                    y[at + size + j] = m[3] * x[at + j] + m[4] * x[at + size + j] + m[5] * x[at + 2 * size + j]
                    y[at + 2 * size + j] = m[6] * x[at + j] + m[7] * x[at + size + j] + m[8] * x[at + 2 * size + j]
                for j in range(sites, size):
                    y[at + j] = y[at + size + j] = y[at + 2 * size + j] = FAR
                at += 3 * size
        if self.anisotropic:
            for p in range(self.parts + self.entries):
                y = room.axes + 3 * self.widest * p
                if p < self.parts:
                    k = self.kind_of[form[p]]
                    m, x = state + 9 + 9 * p, &self.form_axes[form[p], 0]
                else:
                    e = p - self.parts
                    k = self.kind_of[form[self.second[e]]]
                    m, x = &self.turns[e, 0, 0], room.axes + 3 * self.widest * self.second[e]
                size = self.padded_of[k, 0]
                for j in range(size):
                    for c in range(3):
                        y[c * size + j] = m[3 * c] * x[j] + m[3 * c + 1] * x[size + j] + m[3 * c + 2] * x[2 * size + j]
        for c in range(self.copies):
            x = state + 9 + 9 * self.parts + 3 * self.copy_part[c]
            for k in range(3):
                f[k] = self.copy_translations[c, k]
                for j in range(3):
                    f[k] += self.copy_rotations[c, k, j] * x[j]
            for k in range(3):
                room.places[3 * c + k] = f[0] * state[k] + f[1] * state[3 + k] + f[2] * state[6 + k]

    cdef void move(self, const double *state, const int *form, const double *step, double *moved) noexcept nogil:
        """Take a step: r' = (1 + e)(r + shift), and turns by rotation vectors."""
        cdef const double *l = state
        cdef const double *centre
        cdef double inverse[9]
        cdef double strain[9]
        cdef double six[6]
        cdef double shift[3]
        cdef double spin[3]
        cdef double m[9]
        cdef double volume = determinant(l), length, angle, c, s, d
        cdef int i, j, k, p, at = self.strains
        length = volume ** (1.0 / 3.0)
        inverse[0], inverse[1], inverse[2] = l[4] * l[8] - l[5] * l[7], l[2] * l[7] - l[1] * l[8], l[1] * l[5] - l[2] * l[4]
        inverse[3], inverse[4], inverse[5] = l[5] * l[6] - l[3] * l[8], l[0] * l[8] - l[2] * l[6], l[2] * l[3] - l[0] * l[5]
        inverse[6], inverse[7], inverse[8] = l[3] * l[7] - l[4] * l[6], l[1] * l[6] - l[0] * l[7], l[0] * l[4] - l[1] * l[3]
        memcpy(moved, state, (9 + 12 * self.parts) * sizeof(double))
        for p in range(self.parts):
            for i in range(3):
                shift[i] = spin[i] = 0.0
                for k in range(self.shifts[p]):
                    shift[i] += step[at + k] * self.shift_basis[p, k, i]
                for k in range(self.spins[p]):
                    spin[i] += step[at + self.shifts[p] + k] * self.turn_basis[p, k, i] / self.size(form, p)
            at += self.shifts[p] + self.spins[p]
            for i in range(3):
                moved[9 + 9 * self.parts + 3 * p + i] += (
                    shift[0] * inverse[i] + shift[1] * inverse[3 + i] + shift[2] * inverse[6 + i]
                ) / volume
            angle = sqrt(spin[0] * spin[0] + spin[1] * spin[1] + spin[2] * spin[2])
            if angle > 0:
                for i in range(3):
                    spin[i] /= angle
                c, s, d = cos(angle), sin(angle), 1.0 - cos(angle)
                m[0], m[1], m[2] = c + d * spin[0] * spin[0], d * spin[0] * spin[1] - s * spin[2], d * spin[0] * spin[2] + s * spin[1]
                m[3], m[4], m[5] = d * spin[1] * spin[0] + s * spin[2], c + d * spin[1] * spin[1], d * spin[1] * spin[2] - s * spin[0]
                m[6], m[7], m[8] = d * spin[2] * spin[0] - s * spin[1], d * spin[2] * spin[1] + s * spin[0], c + d * spin[2] * spin[2]
                product(m, state + 9 + 9 * p, moved + 9 + 9 * p)
        for i in range(6):
            six[i] = 0.0
            for k in range(self.strains):
                six[i] += step[k] * self.strain_basis[k, i] / length
            six[i] *= WEIGHT[i]
        strain[0], strain[4], strain[8] = six[0], six[1], six[2]
        strain[5] = strain[7] = six[3]
        strain[2] = strain[6] = six[4]
        strain[1] = strain[3] = six[5]
        for i in range(3):
            for j in range(3):
                moved[3 * i + j] += l[3 * i] * strain[j] + l[3 * i + 1] * strain[3 + j] + l[3 * i + 2] * strain[6 + j]

    cdef void project(self, const int *form, bint second, Room *room) noexcept nogil:
        """Write the derivatives by the free variables."""
        cdef int n = self.n, total = self.variables, at = self.strains, p, k, l, i, j, count, other
        cdef double value
        cdef double *row
        cdef double *rows = room.eigen + 2 * total * total + 4 * total  # beyond what `descend` keeps there
        for k in range(self.strains):
            value = 0.0
            for i in range(6):
                value += self.strain_basis[k, i] * room.cart[i]
            room.gradient[k] = value / room.length
        for p in range(self.parts):
            for k in range(self.shifts[p]):
                room.gradient[at + k] = self.along(&self.shift_basis[p, k, 0], room.cart + 6 + 6 * p)
            at += self.shifts[p]
            for k in range(self.spins[p]):
                room.gradient[at + k] = self.along(&self.turn_basis[p, k, 0], room.cart + 9 + 6 * p) / self.size(form, p)
            at += self.spins[p]
        if not second:
            return
        # First the columns: every row of the matrix by all directions becomes one by the variables, in place.
        for i in range(n):
            row = room.cart2 + i * n
            at = self.strains
            for k in range(self.strains):
                value = 0.0
                for j in range(6):
                    value += self.strain_basis[k, j] * row[j]
                rows[k] = value / room.length
            for p in range(self.parts):
                for k in range(self.shifts[p]):
                    rows[at + k] = self.along(&self.shift_basis[p, k, 0], row + 6 + 6 * p)
                at += self.shifts[p]
                for k in range(self.spins[p]):
                    rows[at + k] = self.along(&self.turn_basis[p, k, 0], row + 9 + 6 * p) / self.size(form, p)
                at += self.spins[p]
            for k in range(total):
                row[k] = rows[k]
        for l in range(total):
            at = self.strains
            for k in range(self.strains):
                value = 0.0
                for j in range(6):
                    value += self.strain_basis[k, j] * room.cart2[j * n + l]
                room.matrix[k * total + l] = value / room.length
            for p in range(self.parts):
                for i in range(3):
                    rows[i] = room.cart2[(6 + 6 * p + i) * n + l]
                    rows[3 + i] = room.cart2[(9 + 6 * p + i) * n + l]
                for k in range(self.shifts[p]):
                    room.matrix[(at + k) * total + l] = self.along(&self.shift_basis[p, k, 0], rows)
                at += self.shifts[p]
                for k in range(self.spins[p]):
                    room.matrix[(at + k) * total + l] = self.along(&self.turn_basis[p, k, 0], rows + 3) / self.size(form, p)
                at += self.spins[p]

    cdef inline double along(self, const double *a, const double *b) noexcept nogil:
        return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]

    cdef inline double size(self, const int *form, int p) noexcept nogil:
        return self.size_of[self.kind_of[form[p]]]

    def _state(self, lattice, rotations, centres, forms):
        state = np.concatenate([np.ravel(lattice), np.ravel(rotations), np.ravel(centres)]).astype(np.float64)
        form = np.ascontiguousarray(forms, dtype=np.intc)
        if len(state) != 9 + 12 * self.parts or len(form) != self.parts or form.min() < 0 or form.max() >= self.forms:
            raise ValueError("the arrays of a crystal do not fit the model")
        return state, form
