"""The electrostatic energy of a crystal of rigid molecules whose sites carry multipoles to rank 4, and its derivatives.

Interactions of ranks with l + l' <= 4 count, as in DMACRYS (S. L. Price et al., Phys. Chem. Chem. Phys. 12, 8478 (2010)).
Charges and dipoles are summed by Ewald's method (tin foil at infinity; W. Smith, CCP5 Newsletter 46, 18 (1998)), all
higher terms directly, to a distance of sites (tapered) or of the molecules' centres.

Two sites interact by sum over L of sum over M of a_LM I_LM(r): I are the irregular solid harmonics of the vector from one
to the other, and a_LM = sum of C^LM Q Q' with l + l' = L (A. J. Stone, "The Theory of Intermolecular Forces", 2nd ed.,
section 3.3). For all lattice translations of one operation the coefficients a are the same, so the innermost loop forms
the harmonics and sums them; energy, and torques by the multipoles, follow from these sums.
"""

from libc.math cimport M_PI, ceil, cos, fabs, sin, sqrt, exp
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memset

import numpy as np

from genarris_fw._kernels.entries cimport Entries, Triangle, close_images, determinant, open_images, triangle
from genarris_fw._kernels.lattice cimport invert
from genarris_fw._kernels.multipole_sums cimport (
    advance, combine, combine_back, contract, damped_sums, direct_sums, gradients, structure_factor, wave_field
)

cdef double KE = 1389.35457644  # kJ/mol Å/e²
cdef double FAR = 1e6
cdef int COMPONENTS = 25
cdef int HARMONICS = 21  # l = 2 to 4
cdef int SAMPLES = 16  # as in genarris_fw.lattice.sums.multipole_model


cdef double *room(double *old, size_t count) noexcept nogil:
    return <double *> realloc(old, count * sizeof(double))


cdef inline void pull(double x, double y, double z, double fx, double fy, double fz, double *torque,
                      double *stress) noexcept nogil:
    """Add r x f to the torque, and take r f, made symmetric, from the stress: of a force at r, a field on a dipole."""
    torque[0] += y * fz - z * fy
    torque[1] += z * fx - x * fz
    torque[2] += x * fy - y * fx
    stress[0] -= x * fx
    stress[4] -= y * fy
    stress[8] -= z * fz
    stress[1] -= 0.5 * (x * fy + y * fx)
    stress[3] -= 0.5 * (x * fy + y * fx)
    stress[2] -= 0.5 * (x * fz + z * fx)
    stress[6] -= 0.5 * (x * fz + z * fx)
    stress[5] -= 0.5 * (y * fz + z * fy)
    stress[7] -= 0.5 * (y * fz + z * fy)


cdef class MultipoleSum(Entries):
    """What the molecules and their symmetry are. One evaluation at a time: its memory belongs to the object.

    Parameters
    ----------
    model : dict
        By `genarris_fw.lattice.sums.multipole_model.model_arguments`.
    symmetry : dict
        first, second, own, weights, rotations, translations, turns of the entries (a part seen from a part after an
        operation: with all translations these are all neighbours; the cell's energy is the sum of weights x pair
        energies, where of a part's own translations one of each pair counts), and copy_part, copy_rotations,
        copy_translations, copy_turns of the cell's molecules.
    """

    def __cinit__(self):
        memset(&self.rooms, 0, sizeof(Rooms))

    def __dealloc__(self):
        cdef Rooms *r = &self.rooms
        free(r.sites); free(r.values); free(r.by_site); free(r.coupling); free(r.patterns)
        free(r.image_sites); free(r.image_values); free(r.a); free(r.g); free(r.sums); free(r.pair); free(r.damped)
        free(r.forces); free(r.site_forces); free(r.virial); free(r.back); free(r.tables); free(r.charge); free(r.dipole)
        free(r.field)
        close_images(&r.near)

    def __init__(self, model, symmetry):
        real = lambda x: np.ascontiguousarray(x, dtype=np.float64)
        whole = lambda x: np.ascontiguousarray(x, dtype=np.intc)
        self.form_sites, self.form_values = real(model["sites"]), real(model["multipoles"])
        self.sites_of, self.radius_of = whole(model["sites_of"]), real(model["radius_of"])
        self.own_energies = real(model["own_energies"])
        self.alpha, self.damped_reach = model["alpha"], model["damped_reach"]
        self.longest_wave = model["longest_wave"]
        self.start, self.end, self.gate = model["start"], model["end"], model["gate"]
        self.rank = model["rank"]
        self.pattern = real(model["pattern"])
        tensor = np.asarray(model["coupling"]).reshape(COMPONENTS, -1)
        self.couplings, self.coupling_values = whole(np.argwhere(tensor)), real(tensor[np.nonzero(tensor)])
        turns = np.asarray(model["generators"])
        self.generators, self.generator_values = whole(np.argwhere(turns)), real(turns[np.nonzero(turns)])
        self.n_couplings, self.n_generators = len(self.coupling_values), len(self.generator_values)
        self.sample, self.inverses = real(model["sample"]), real(model["inverses"])
        Entries.__init__(self, *(symmetry[name] for name in ("first", "second", "own", "rotations", "translations", "turns")))
        self.weights = real(symmetry["weights"])
        self.copy_part = whole(symmetry["copy_part"])
        self.copy_rotations = real(symmetry["copy_rotations"])
        self.copy_translations, self.copy_turns = real(symmetry["copy_translations"]), real(symmetry["copy_turns"])
        self.entry_turns = real(model["spherical"](np.asarray(self.turns)))
        self.parts = int(max(np.max(self.first), np.max(self.copy_part))) + 1
        self.forms, self.slot = self.form_sites.shape[0], self.form_sites.shape[2]
        self.copies = self.copy_part.shape[0]
        cdef Rooms *r = &self.rooms
        cdef int p = self.parts, s = self.slot
        r.sites = room(NULL, p * 3 * s)
        r.values = room(NULL, p * 25 * s)
        r.by_site = room(NULL, p * 25 * s)
        r.coupling = room(NULL, p * s * 21 * 25)
        r.patterns = room(NULL, p * s * 21 * 25)
        r.image_sites = room(NULL, 3 * s)
        r.image_values = room(NULL, 25 * s)
        r.a, r.g = room(NULL, s * 21 * s), room(NULL, 81 * s)
        r.sums, r.pair, r.damped = room(NULL, 21 * s), room(NULL, 5 * s), room(NULL, 11 * s)
        r.forces, r.back = room(NULL, 3 * s), room(NULL, 25 * s)
        r.site_forces, r.virial = room(NULL, 3 * s), room(NULL, 9 * s)
        r.charge, r.dipole = room(NULL, self.copies * s), room(NULL, 3 * self.copies * s)
        r.field = room(NULL, 6 * self.copies * s)
        if not (r.sites and r.values and r.by_site and r.coupling and r.patterns and r.image_sites and r.image_values
                and r.a and r.g and r.sums and r.pair and r.damped and r.forces and r.back and r.charge and r.dipole
                and r.field and open_images(&r.near) and r.site_forces and r.virial):
            raise MemoryError

    def evaluate(self, lattice, rotations, centres, forms=None):
        """Return energies and derivatives of a crystal.

        Parameters
        ----------
        lattice : (3, 3) array
            Rows, Å, right-handed.
        rotations : (parts, 3, 3) array
            Turn the parts' sites into place.
        centres : (parts, 3) array
            Fractional.
        forms : (parts,) int array, optional
            Which of the model's molecules the parts are; the first one where it is left out.

        Returns
        -------
        energies : (4,) array
            charge-charge, charge-dipole, dipole-dipole, higher: kJ/mol per cell.
        stress : (3, 3) array
            Derivative by a symmetric strain that moves the centres and turns nothing, kJ/mol.
        forces, torques : (parts, 3) arrays
            Derivatives by a shift of a part and all its images together, kJ/mol/Å, and by its turn, kJ/mol.
        """
        state = np.concatenate([np.ravel(lattice), np.ravel(rotations), np.ravel(centres)]).astype(np.float64)
        if len(state) != 9 + 12 * self.parts:
            raise ValueError("the arrays do not fit the number of parts")
        kinds = np.zeros(self.parts, dtype=np.intc) if forms is None else np.ascontiguousarray(forms, dtype=np.intc)
        energies, stress = np.zeros(4), np.zeros((3, 3))
        forces, torques = np.zeros((self.parts, 3)), np.zeros((self.parts, 3))
        cdef double[::1] at = state, e = energies
        cdef double[:, ::1] s = stress, f = forces, t = torques
        cdef int[::1] k = kinds
        cdef bint good
        with nogil:
            good = self.energy(&at[0], &k[0], &e[0], &s[0, 0], &f[0, 0], &t[0, 0])
        if not good:
            raise ValueError("the cell is degenerate, or needs too many neighbours")
        return energies, stress, forces, torques

    cdef bint energy(self, const double *state, const int *form, double *energies, double *stress, double *forces,
                     double *torques) noexcept nogil:
        """Set all of them; False for a cell that cannot be summed. state: lattice, rotations, centres."""
        cdef int e, p, i, c, k, m
        cdef double spin[25]
        cdef const double *q
        cdef const double *x
        memset(energies, 0, 4 * sizeof(double))
        memset(stress, 0, 9 * sizeof(double))
        memset(forces, 0, 3 * self.parts * sizeof(double))
        memset(torques, 0, 3 * self.parts * sizeof(double))
        self.place(state, form)
        for e in range(self.entries):
            if not self.add_entry(state, form, e, energies, stress, forces, torques):
                return False
        if self.rank > 1:
            # What the potential at each site does to its multipoles: V_a = sum C^L_ab (sum of harmonics x Q'_b).
            for p in range(self.parts):
                for i in range(self.sites_of[form[p]]):
                    x = self.rooms.patterns + (p * self.slot + i) * HARMONICS * COMPONENTS
                    q = self.rooms.by_site + (p * self.slot + i) * COMPONENTS
                    memset(spin, 0, sizeof(spin))
                    for m in range(self.n_couplings):
                        spin[self.couplings[m, 0]] += self.coupling_values[m] * x[self.couplings[m, 1]]
                    for m in range(self.n_generators):
                        torques[3 * p + self.generators[m, 0]] += (
                            self.generator_values[m] * spin[self.generators[m, 1]] * q[self.generators[m, 2]]
                        )
        if not self.add_waves(state, form, energies, stress, forces, torques):
            return False
        for c in range(self.copies):
            for k in range(3):
                energies[k] += self.own_energies[form[self.copy_part[c]], k]
        return True

    cdef void rotate(self, const double *matrix, double *blocks) noexcept nogil:
        """The rotation of multipoles as a (25, 25) matrix: what the rotation does to the harmonics at some points."""
        cdef double values[16 * 25]
        cdef double x, y, z, r2
        cdef int k, l, m, n, a, b
        cdef double *v
        for k in range(SAMPLES):
            x = matrix[0] * self.sample[k, 0] + matrix[1] * self.sample[k, 1] + matrix[2] * self.sample[k, 2]
            y = matrix[3] * self.sample[k, 0] + matrix[4] * self.sample[k, 1] + matrix[5] * self.sample[k, 2]
            z = matrix[6] * self.sample[k, 0] + matrix[7] * self.sample[k, 1] + matrix[8] * self.sample[k, 2]
            v = values + 25 * k
            r2 = x * x + y * y + z * z
            v[0] = 1.0
            v[1], v[2], v[3] = z, x, y
            v[4], v[9], v[16] = (3 * z * z - r2) / 2, (5 * z * z - 3 * r2) * z / 2, (35 * z * z * z * z - 30 * z * z * r2 + 3 * r2 * r2) / 8
            v[5], v[6] = sqrt(3.0) * x * z, sqrt(3.0) * y * z
            v[7], v[8] = sqrt(0.75) * (x * x - y * y), sqrt(3.0) * x * y
            v[10], v[11] = sqrt(0.375) * x * (5 * z * z - r2), sqrt(0.375) * y * (5 * z * z - r2)
            v[12], v[13] = sqrt(5.0) * z * v[7], sqrt(5.0) * z * v[8]
            v[14], v[15] = sqrt(0.625) * x * (x * x - 3 * y * y), sqrt(0.625) * y * (3 * x * x - y * y)
            v[17], v[18] = sqrt(0.625) * x * z * (7 * z * z - 3 * r2), sqrt(0.625) * y * z * (7 * z * z - 3 * r2)
            v[19], v[20] = sqrt(5.0 / 12.0) * v[7] * (7 * z * z - r2), sqrt(5.0 / 12.0) * v[8] * (7 * z * z - r2)
            v[21], v[22] = sqrt(7.0) * z * v[14], sqrt(7.0) * z * v[15]
            v[23] = sqrt(35.0) / 8 * (x * x * x * x - 6 * x * x * y * y + y * y * y * y)
            v[24] = sqrt(35.0) / 2 * x * y * (x * x - y * y)
        memset(blocks, 0, 625 * sizeof(double))
        for l in range(5):
            n = l * l
            for a in range(n, n + 2 * l + 1):
                for k in range(SAMPLES):
                    z = values[25 * k + a]
                    for b in range(n, n + 2 * l + 1):
                        blocks[25 * a + b] += z * self.inverses[l, b - n, k]

    cdef void place(self, const double *state, const int *form) noexcept nogil:
        """Turn the parts' sites and multipoles into place; prepare how each site couples to others."""
        cdef double blocks[625]
        cdef const double *m
        cdef const double *x
        cdef Rooms *r = &self.rooms
        cdef double *y
        cdef double *t
        cdef int p, i, c, k, s = self.slot
        for p in range(self.parts):
            m, x, y = state + 9 + 9 * p, &self.form_sites[form[p], 0, 0], r.sites + p * 3 * s
            for i in range(s):
                for k in range(3):
                    y[k * s + i] = m[3 * k] * x[i] + m[3 * k + 1] * x[s + i] + m[3 * k + 2] * x[2 * s + i]
            self.rotate(m, blocks)
            combine(blocks, COMPONENTS, COMPONENTS, &self.form_values[form[p], 0, 0], s, 0, r.values + p * COMPONENTS * s)
            for i in range(self.sites_of[form[p]]):
                for c in range(COMPONENTS):
                    r.by_site[(p * s + i) * COMPONENTS + c] = r.values[(p * COMPONENTS + c) * s + i]
                if self.rank < 2:
                    continue
                t = r.coupling + (p * s + i) * HARMONICS * COMPONENTS
                memset(t, 0, HARMONICS * COMPONENTS * sizeof(double))
                memset(r.patterns + (p * s + i) * HARMONICS * COMPONENTS, 0, HARMONICS * COMPONENTS * sizeof(double))
                for c in range(self.n_couplings):
                    t[self.couplings[c, 1]] += (
                        self.coupling_values[c] * r.by_site[(p * s + i) * COMPONENTS + self.couplings[c, 0]]
                    )

    cdef bint add_entry(self, const double *state, const int *form, int e, double *energies, double *stress,
                        double *forces, double *torques) noexcept nogil:
        """Add what an entry's images do: harmonics directly, charges and dipoles damped."""
        cdef Rooms *r = &self.rooms
        cdef int p = self.first[e], q = self.second[e], s = self.slot, i, j, k, c, b, n
        cdef int own_sites = self.sites_of[form[p]], stride = (self.sites_of[form[q]] + 7) // 8 * 8
        cdef double radius = self.radius_of[form[q]], weight = self.weights[e], reach, value, volume, px, py, pz
        cdef Triangle shape
        cdef const double *m = &self.turns[e, 0, 0]
        cdef const double *x
        cdef const double *mine
        cdef const double *v
        cdef double whole[3]  # by the image's position, all of them
        cdef double torque_i[3]
        cdef double torque_j[3]
        cdef double part[4]
        cdef double dipole[3]
        cdef double total[3]
        cdef bint higher = self.rank > 1
        # The image's sites and multipoles about its centre, packed to its own stride.
        for k in range(3):
            for j in range(stride):
                x = r.sites + q * 3 * s
                r.image_sites[k * stride + j] = FAR if j >= self.sites_of[form[q]] else (
                    m[3 * k] * x[j] + m[3 * k + 1] * x[s + j] + m[3 * k + 2] * x[2 * s + j]
                )
        for c in range(COMPONENTS):
            for j in range(stride):
                r.image_values[c * stride + j] = 0.0
        for k in range(5):
            for c in range(k * k, (k + 1) * (k + 1)):
                for b in range(k * k, (k + 1) * (k + 1)):
                    value = self.entry_turns[e, c, b]
                    if value != 0.0:
                        v = r.values + (q * COMPONENTS + b) * s
                        for j in range(self.sites_of[form[q]]):
                            r.image_values[c * stride + j] += value * v[j]
        reach = self.radius_of[form[p]] + radius + self.damped_reach
        if higher:
            reach = max(reach, self.gate if self.gate > 0 else self.radius_of[form[p]] + radius + self.end)
        volume = determinant(state)
        if not volume > 1.0:
            return False
        shape = triangle(state, volume)
        r.near.n = 0
        if not self.add_images(state, &shape, state + 9 + 9 * self.parts, e, reach, &r.near):
            return False
        memset(whole, 0, sizeof(whole))
        memset(torque_i, 0, sizeof(torque_i))
        memset(torque_j, 0, sizeof(torque_j))
        memset(part, 0, sizeof(part))
        memset(r.virial, 0, 9 * stride * sizeof(double))
        memset(r.forces, 0, 3 * stride * sizeof(double))
        memset(r.back, 0, COMPONENTS * stride * sizeof(double))
        for i in range(own_sites):
            px, py, pz = r.sites[p * 3 * s + i], r.sites[(p * 3 + 1) * s + i], r.sites[(p * 3 + 2) * s + i]
            mine = r.by_site + (p * s + i) * COMPONENTS
            dipole[0], dipole[1], dipole[2] = mine[2], mine[3], mine[1]
            memset(total, 0, sizeof(total))
            # Charges and dipoles
            for j in range(stride):
                r.pair[j] = KE * mine[0] * r.image_values[j]
                r.pair[stride + j] = KE * (dipole[0] * r.image_values[j] - mine[0] * r.image_values[2 * stride + j])
                r.pair[2 * stride + j] = KE * (dipole[1] * r.image_values[j] - mine[0] * r.image_values[3 * stride + j])
                r.pair[3 * stride + j] = KE * (dipole[2] * r.image_values[j] - mine[0] * r.image_values[stride + j])
                # The image's dipoles are needed as x, y, z; they lie as z, x, y.
                r.a[j] = KE * r.image_values[2 * stride + j]
                r.a[stride + j] = KE * r.image_values[3 * stride + j]
                r.a[2 * stride + j] = KE * r.image_values[stride + j]
                r.pair[4 * stride + j] = dipole[0] * r.a[j] + dipole[1] * r.a[stride + j] + dipole[2] * r.a[2 * stride + j]
            memset(r.damped, 0, 11 * stride * sizeof(double))
            memset(r.site_forces, 0, 3 * stride * sizeof(double))
            damped_sums(<const double *> r.near.at, r.near.n, r.image_sites, px, py, pz, r.pair, r.a, dipole, stride, self.alpha, weight,
                        self.damped_reach + radius, r.damped, r.site_forces, r.virial)
            self.add_damped(r, mine, dipole, stride, part, torque_i, torque_j)
            # Everything higher
            if higher:
                combine(r.coupling + (p * s + i) * HARMONICS * COMPONENTS, HARMONICS, COMPONENTS, r.image_values, stride, 0, r.a)
                gradients(r.a, stride, r.g)
                memset(r.sums, 0, HARMONICS * stride * sizeof(double))
                direct_sums(<const double *> r.near.at, r.near.n, r.image_sites, px, py, pz, r.a, r.g, stride, self.start, self.end, weight,
                            FAR if self.gate > 0 else self.end + radius, self.gate if self.gate > 0 else FAR, r.sums,
                            r.site_forces, r.virial)
                for c in range(HARMONICS * stride):
                    part[3] += r.a[c] * r.sums[c]
                # By the image's multipoles: coupling, transposed, x sums; by this site's: sums x the image's multipoles.
                combine_back(r.coupling + (p * s + i) * HARMONICS * COMPONENTS, HARMONICS, COMPONENTS, r.sums, stride, r.back)
                contract(r.sums, HARMONICS, r.image_values, COMPONENTS, stride, 1.0, &self.pattern[0, 0],
                         r.patterns + (p * s + i) * HARMONICS * COMPONENTS)
            for c in range(3):
                for j in range(stride):
                    total[c] += r.site_forces[c * stride + j]
                    r.forces[c * stride + j] += r.site_forces[c * stride + j]
                whole[c] += total[c]
            torque_i[0] -= py * total[2] - pz * total[1]
            torque_i[1] -= pz * total[0] - px * total[2]
            torque_i[2] -= px * total[1] - py * total[0]
        for j in range(self.sites_of[form[q]]):
            px, py, pz = r.image_sites[j], r.image_sites[stride + j], r.image_sites[2 * stride + j]
            torque_j[0] += py * r.forces[2 * stride + j] - pz * r.forces[stride + j]
            torque_j[1] += pz * r.forces[j] - px * r.forces[2 * stride + j]
            torque_j[2] += px * r.forces[stride + j] - py * r.forces[j]
        if higher:
            for k in range(self.n_generators):
                value, c, b = self.generator_values[k], self.generators[k, 1], self.generators[k, 2]
                for j in range(stride):
                    torque_j[self.generators[k, 0]] += value * r.back[c * stride + j] * r.image_values[b * stride + j]
        for k in range(4):
            energies[k] += part[k]
        for k in range(9):
            for j in range(stride):
                stress[k] += r.virial[k * stride + j]
        for k in range(3):
            forces[3 * p + k] -= whole[k]
            forces[3 * q + k] += m[k] * whole[0] + m[3 + k] * whole[1] + m[6 + k] * whole[2]
            torques[3 * p + k] += torque_i[k]
            torques[3 * q + k] += self.signs[e] * (m[k] * torque_j[0] + m[3 + k] * torque_j[1] + m[6 + k] * torque_j[2])
        return True

    cdef void add_damped(self, Rooms *r, const double *mine, const double *dipole, int stride, double *part,
                         double *torque_i, double *torque_j) noexcept nogil:
        """Energies and torques on dipoles from the sums over all images of one site and an entry's sites."""
        cdef int j
        cdef const double *d = r.damped
        cdef double q, x, y, z, nx, ny, nz, ux, uy, uz, vx, vy, vz, gx, gy, gz
        for j in range(stride):
            q = KE * r.image_values[j]
            nx, ny, nz = r.a[j], r.a[stride + j], r.a[2 * stride + j]
            x, y, z = d[stride + j], d[2 * stride + j], d[3 * stride + j]
            # B1 m' - B2 r (r.m'), and the same with m
            ux = d[4 * stride + j] * nx - (d[5 * stride + j] * nx + d[10 * stride + j] * ny + d[9 * stride + j] * nz)
            uy = d[4 * stride + j] * ny - (d[10 * stride + j] * nx + d[6 * stride + j] * ny + d[8 * stride + j] * nz)
            uz = d[4 * stride + j] * nz - (d[9 * stride + j] * nx + d[8 * stride + j] * ny + d[7 * stride + j] * nz)
            vx = d[4 * stride + j] * dipole[0] - (d[5 * stride + j] * dipole[0] + d[10 * stride + j] * dipole[1] + d[9 * stride + j] * dipole[2])
            vy = d[4 * stride + j] * dipole[1] - (d[10 * stride + j] * dipole[0] + d[6 * stride + j] * dipole[1] + d[8 * stride + j] * dipole[2])
            vz = d[4 * stride + j] * dipole[2] - (d[9 * stride + j] * dipole[0] + d[8 * stride + j] * dipole[1] + d[7 * stride + j] * dipole[2])
            part[0] += r.pair[j] * d[j]
            part[1] += r.pair[stride + j] * x + r.pair[2 * stride + j] * y + r.pair[3 * stride + j] * z
            part[2] += dipole[0] * ux + dipole[1] * uy + dipole[2] * uz
            # m x dU/dm
            gx, gy, gz = q * x + ux, q * y + uy, q * z + uz
            torque_i[0] += dipole[1] * gz - dipole[2] * gy
            torque_i[1] += dipole[2] * gx - dipole[0] * gz
            torque_i[2] += dipole[0] * gy - dipole[1] * gx
            gx, gy, gz = vx - mine[0] * x, vy - mine[0] * y, vz - mine[0] * z
            torque_j[0] += ny * gz - nz * gy
            torque_j[1] += nz * gx - nx * gz
            torque_j[2] += nx * gy - ny * gx

    cdef bint add_waves(self, const double *state, const int *form, double *energies, double *stress, double *forces,
                        double *torques) noexcept nogil:
        """The reciprocal part of Ewald's sum: phases of all sites of the cell along the three axes."""
        cdef Rooms *r = &self.rooms
        cdef double reciprocal[9]
        cdef double height[3]
        cdef double f[3]
        cdef double volume, x, y, z, angle
        cdef double *base
        cdef const double *m
        cdef const double *v
        cdef int most[3]
        cdef int c, p, i, j, k, at, n = 0, axis, s = self.slot
        volume = invert(state, reciprocal, height)
        for c in range(self.copies):
            n += self.sites_of[form[self.copy_part[c]]]
        for axis in range(3):
            # |k| of wave h along an axis: the length of lattice vector a limits h <= |a| longest / 2 pi
            most[axis] = <int> (sqrt(state[3 * axis] ** 2 + state[3 * axis + 1] ** 2 + state[3 * axis + 2] ** 2) * self.longest_wave / (2 * M_PI))
        k = 4 * n * (most[1] + most[2] + 4)
        if k > r.room_table:
            free(r.tables)
            r.tables = room(NULL, k)
            if r.tables == NULL:
                r.room_table = 0
                return False
            r.room_table = k
        at = 0
        for c in range(self.copies):
            p = self.copy_part[c]
            m = &self.copy_turns[c, 0, 0]
            for k in range(3):
                f[k] = self.copy_translations[c, k]
                for j in range(3):
                    f[k] += self.copy_rotations[c, k, j] * state[9 + 9 * self.parts + 3 * p + j]
            for i in range(self.sites_of[form[p]]):
                v = r.sites + p * 3 * s + i
                x = m[0] * v[0] + m[1] * v[s] + m[2] * v[2 * s]
                y = m[3] * v[0] + m[4] * v[s] + m[5] * v[2 * s]
                z = m[6] * v[0] + m[7] * v[s] + m[8] * v[2 * s]
                base = r.tables
                for axis in range(3):
                    angle = 2 * M_PI * (
                        f[axis] + reciprocal[3 * axis] * x + reciprocal[3 * axis + 1] * y + reciprocal[3 * axis + 2] * z
                    )
                    # the first wave of each axis; rows of 2 n: cosine, sine
                    base[axis * 2 * n + at] = cos(angle)
                    base[axis * 2 * n + n + at] = sin(angle)
                r.charge[at] = r.values[p * COMPONENTS * s + i]
                v = r.values + (p * COMPONENTS + 1) * s + i
                # z, x, y -> x, y, z
                r.dipole[at] = m[0] * v[s] + m[1] * v[2 * s] + m[2] * v[0]
                r.dipole[n + at] = m[3] * v[s] + m[4] * v[2 * s] + m[5] * v[0]
                r.dipole[2 * n + at] = m[6] * v[s] + m[7] * v[2 * s] + m[8] * v[0]
                at += 1
        memset(r.field, 0, 6 * n * sizeof(double))
        return self.sum_waves(form, n, volume, reciprocal, most, energies, stress, forces, torques)

    cdef bint sum_waves(self, const int *form, int n, double volume, const double *reciprocal, const int *most,
                        double *energies, double *stress, double *forces, double *torques) noexcept nogil:
        cdef Rooms *r = &self.rooms
        cdef double *one = r.tables  # exp(i phase) of the first wave of each axis
        cdef double *ks = r.tables + 6 * n  # powers along the second axis, -most to most
        cdef double *ls
        cdef double *hs
        cdef double *hk
        cdef double *wave
        cdef double out[4]
        cdef double gx, gy, gz, g2, w, factor, both, re, im, spread, longest2 = self.longest_wave ** 2
        cdef double force[3]
        cdef double torque[3]
        cdef int h, k, l, i, c, p, q, done = 0
        cdef const double *turn
        cdef const double *v
        cdef double x, y, z, fx, fy, fz, tx, ty, tz
        ls = ks + 2 * n * (2 * most[1] + 1)
        hs = ls + 2 * n * (2 * most[2] + 1)
        hk = hs + 2 * n
        wave = hk + 2 * n
        self.powers(one + 2 * n, n, most[1], ks)
        self.powers(one + 4 * n, n, most[2], ls)
        for i in range(n):
            hs[i], hs[n + i] = 1.0, 0.0
        for h in range(most[0] + 1):
            if h > 0:
                advance(hs, hs + n, one, one + n, n, hs, hs + n)
            for k in range(0 if h == 0 else -most[1], most[1] + 1):
                advance(hs, hs + n, ks + 2 * n * (k + most[1]), ks + 2 * n * (k + most[1]) + n, n, hk, hk + n)
                for l in range(1 if h == 0 and k == 0 else -most[2], most[2] + 1):
                    gx = 2 * M_PI * (h * reciprocal[0] + k * reciprocal[3] + l * reciprocal[6])
                    gy = 2 * M_PI * (h * reciprocal[1] + k * reciprocal[4] + l * reciprocal[7])
                    gz = 2 * M_PI * (h * reciprocal[2] + k * reciprocal[5] + l * reciprocal[8])
                    g2 = gx * gx + gy * gy + gz * gz
                    if g2 > longest2:
                        continue
                    advance(hk, hk + n, ls + 2 * n * (l + most[2]), ls + 2 * n * (l + most[2]) + n, n, wave, wave + n)
                    structure_factor(wave, wave + n, r.charge, r.dipole, n, gx, gy, gz, out)
                    factor = 4 * M_PI * KE / volume * exp(-g2 / (4 * self.alpha * self.alpha)) / g2
                    re, im = out[0] + out[2], out[1] + out[3]
                    energies[0] += factor * (out[0] * out[0] + out[1] * out[1])
                    energies[1] += factor * 2 * (out[0] * out[2] + out[1] * out[3])
                    energies[2] += factor * (out[2] * out[2] + out[3] * out[3])
                    both = factor * (re * re + im * im)
                    spread = both * 2 * (1 / g2 + 1 / (4 * self.alpha * self.alpha))
                    stress[0] += spread * gx * gx - both
                    stress[4] += spread * gy * gy - both
                    stress[8] += spread * gz * gz - both
                    stress[1] += spread * gx * gy
                    stress[2] += spread * gx * gz
                    stress[5] += spread * gy * gz
                    stress[3] += spread * gx * gy
                    stress[6] += spread * gx * gz
                    stress[7] += spread * gy * gz
                    wave_field(wave, wave + n, r.charge, r.dipole, n, n, gx, gy, gz, re, im, factor, r.field)
        # What acts on each copy, turned back onto its part.
        for c in range(self.copies):
            p, turn = self.copy_part[c], &self.copy_turns[c, 0, 0]
            w = 1.0 if determinant(turn) > 0 else -1.0
            for q in range(3):
                force[q] = torque[q] = 0.0
            for i in range(self.sites_of[form[p]]):
                v = r.sites + p * 3 * self.slot + i
                x = turn[0] * v[0] + turn[1] * v[self.slot] + turn[2] * v[2 * self.slot]
                y = turn[3] * v[0] + turn[4] * v[self.slot] + turn[5] * v[2 * self.slot]
                z = turn[6] * v[0] + turn[7] * v[self.slot] + turn[8] * v[2 * self.slot]
                fx, fy, fz = r.field[done], r.field[n + done], r.field[2 * n + done]
                tx, ty, tz = r.field[3 * n + done], r.field[4 * n + done], r.field[5 * n + done]
                force[0] += fx
                force[1] += fy
                force[2] += fz
                pull(x, y, z, fx, fy, fz, torque, stress)
                x, y, z = r.dipole[done], r.dipole[n + done], r.dipole[2 * n + done]
                pull(x, y, z, tx, ty, tz, torque, stress)
                done += 1
            for q in range(3):
                forces[3 * p + q] += turn[q] * force[0] + turn[3 + q] * force[1] + turn[6 + q] * force[2]
                torques[3 * p + q] += w * (turn[q] * torque[0] + turn[3 + q] * torque[1] + turn[6 + q] * torque[2])
        return True

    cdef void powers(self, const double *one, int n, int most, double *out) noexcept nogil:
        """Rows of cosine and sine of -most to most times the phase."""
        cdef double *middle = out + 2 * n * most
        cdef int i, k
        for i in range(n):
            middle[i], middle[n + i] = 1.0, 0.0
        for k in range(1, most + 1):
            advance(middle + 2 * n * (k - 1), middle + 2 * n * (k - 1) + n, one, one + n, n, middle + 2 * n * k, middle + 2 * n * k + n)
            for i in range(n):
                middle[-2 * n * k + i] = middle[2 * n * k + i]
                middle[-2 * n * k + n + i] = -middle[2 * n * k + n + i]
