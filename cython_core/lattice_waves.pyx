"""The waves of Ewald's sums: charges and dispersion in reciprocal space, with derivatives.

Charges and dispersion are both summed by Ewald's method (tin foil at infinity, so no surface term; P. P. Ewald, Ann.
Phys. 369, 253 (1921); D. E. Williams, Acta Cryst. A 27, 452 (1971); N. Karasawa & W. A. Goddard, J. Phys. Chem. 93, 7320
(1989)), so that the dispersion energy is converged without a tail. The cutoff of waves is soft, too.
"""

from libc.math cimport M_PI, erf, fabs, floor, rint, sqrt
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memset

import numpy as np

from genarris_fw._kernels.lattice_model cimport KE, LatticeModel, Room
from genarris_fw._kernels.waves cimport CHANNELS, Source, wave_room, wave_shapes, waves_1, waves_2, waves_own

cdef extern from "<stdlib.h>" nogil:
    void *aligned_alloc(size_t alignment, size_t size)

cdef double SOFT_WAVES = 0.8  # of the largest k^2
cdef int MOST_WAVES = 2_000_000


def _erf(values):
    """The error function of an array; importing scipy's takes as long as a hundred minimisations."""
    cdef double[::1] given = np.ascontiguousarray(values, dtype=np.float64).ravel(), found = np.empty(values.size)
    cdef Py_ssize_t k
    for k in range(given.shape[0]):
        found[k] = erf(given[k])
    return np.asarray(found).reshape(values.shape)


cdef tuple own_energies(LatticeModel model):
    """What the waves count within a molecule and should not, of every form; kJ/mol."""
    own, dispersion = np.zeros(model.forms), np.zeros(model.forms)
    a = model.alpha
    for f in range(model.forms):
        k = model.kind_of[f]
        points, charges = [], []
        at = at_q = 0
        for group in range(2):
            p, n = model.padded_of[k, group], model.sites_of[k, group]
            points.append(np.asarray(model.form_sites)[f, at : at + 3 * p].reshape(3, p)[:, :n].T)
            charges.append(np.asarray(model.form_charges)[f, at_q : at_q + n])
            at, at_q = at + 3 * p, at_q + p
        q, x = (charges[1], points[1]) if model.split else (np.concatenate(charges), np.concatenate(points))
        r = np.linalg.norm(x[:, None] - x, axis=2)
        safe = np.where(r > 1e-6, r, 1.0)
        smooth = np.where(r > 1e-6, _erf(a * safe) / safe, 2 * a / np.sqrt(np.pi))
        own[f] = -0.5 * KE * q @ smooth @ q
        x = points[0]
        r = np.linalg.norm(x[:, None] - x, axis=2)
        safe = np.where(r > 0.1, r, 1.0)
        t = (a * safe) ** 2
        smooth = np.where(r > 0.1, (1 - (1 + t + t * t / 2) * np.exp(-t)) / safe**6, a**6 / 6)
        for c in range(model.channels):
            w = np.asarray(model.channel_weights)[c, k, : len(x)]
            dispersion[f] += 0.5 * model.channel_signs[c] * w @ smooth @ w
    return own, dispersion


cdef bint open_waves(LatticeModel model, Room *room) noexcept nogil:
    """Allocate; False when there is no memory."""
    cdef size_t size = wave_room(model.parts, 2 * model.copies, model.slot // 3) * sizeof(double)
    room.sources = malloc(2 * model.parts * sizeof(Source))
    room.wave_memory = <double *> aligned_alloc(64, (size + 63) // 64 * 64)
    return room.sources != NULL and room.wave_memory != NULL


cdef bint list_indices(LatticeModel model, const double *state, Room *room) noexcept nogil:
    """List one wave of each orbit, as far as the cell may need; kept until a larger cell needs more."""
    cdef int needed[3]
    cdef int i, g, h, k, l, x, y, z, alike, number = model.wave_rotations.shape[0], fewest = 1, sign
    cdef const double *r
    cdef int *grown
    cdef double phase, length
    cdef bint lower
    for i in range(3):
        r = state + 3 * i
        length = sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2])
        needed[i] = <int> floor(model.longest_wave * length / (2 * M_PI))
        if needed[i] > room.highest[i]:
            fewest = 0
    if fewest and room.indices != NULL:
        return True
    for i in range(3):
        room.highest[i] = max(room.highest[i], needed[i] + 1)
    if (2.0 * room.highest[0] + 1) * (2.0 * room.highest[1] + 1) * (2.0 * room.highest[2] + 1) > MOST_WAVES:
        return False
    room.n_indices = 0
    for h in range(room.highest[0] + 1):
        for k in range(-room.highest[1] if h else 0, room.highest[1] + 1):
            for l in range(-room.highest[2] if h or k else 1, room.highest[2] + 1):
                lower, alike = False, 0
                for i in range(model.centrings.shape[0]):
                    phase = h * model.centrings[i, 0] + k * model.centrings[i, 1] + l * model.centrings[i, 2]
                    if fabs(phase - rint(phase)) > 1e-3:
                        lower = True
                for g in range(number):
                    if lower:
                        break
                    x = h * model.wave_rotations[g, 0, 0] + k * model.wave_rotations[g, 1, 0] + l * model.wave_rotations[g, 2, 0]
                    y = h * model.wave_rotations[g, 0, 1] + k * model.wave_rotations[g, 1, 1] + l * model.wave_rotations[g, 2, 1]
                    z = h * model.wave_rotations[g, 0, 2] + k * model.wave_rotations[g, 1, 2] + l * model.wave_rotations[g, 2, 2]
                    for sign in range(2):
                        if x == h and y == k and z == l:
                            alike += 1
                        elif x > h or (x == h and (y > k or (y == k and z > l))):
                            lower = True
                            break
                        x, y, z = -x, -y, -z
                if lower:
                    continue
                if room.n_indices == room.room_indices:
                    room.room_indices = max(256, 2 * room.room_indices)
                    grown = <int *> realloc(room.indices, 4 * room.room_indices * sizeof(int))
                    if grown == NULL:
                        return False
                    room.indices = grown
                grown = room.indices + 4 * room.n_indices
                grown[0], grown[1], grown[2], grown[3] = h, k, l, 2 * number // alike
                room.n_indices += 1
    if room.indices == NULL:
        room.indices = <int *> malloc(4 * sizeof(int))
    g = (room.n_indices + 8) // 8 * 8
    if g > room.room_waves:
        free(room.waves)
        free(room.squares)
        room.waves = <double *> malloc((3 + 3 * CHANNELS) * g * sizeof(double))
        room.squares = <double *> malloc(2 * g * sizeof(double))
        room.room_waves = g
        if room.waves == NULL or room.squares == NULL:
            return False
    return True


cdef bint add_waves(LatticeModel model, const double *state, const int *form, bint second, Room *room) noexcept nogil:
    """Sum over the waves: charges, then each channel of the dispersion."""
    cdef double inverse[9]
    cdef double x, y, z, s, longest2 = model.longest_wave * model.longest_wave, G, energy, net, prefactor, value, t_v, t_w
    cdef double nets[CHANNELS]
    cdef double sums[CHANNELS]
    cdef double *shapes
    cdef Source *all_sources = <Source *> room.sources
    cdef Source *source
    cdef int begin, end, i, c, p, k, g, v, w, m, count, padded, sources, images, n = model.n, at
    cdef const double *l = state
    cdef int *hkl
    cdef double *waves
    cdef bint charges = model.charged or model.aside
    if model.channels == 0 and not charges:
        return True
    if not list_indices(model, state, room):
        return False
    inverse[0], inverse[1], inverse[2] = l[4] * l[8] - l[5] * l[7], l[5] * l[6] - l[3] * l[8], l[3] * l[7] - l[4] * l[6]
    inverse[3], inverse[4], inverse[5] = l[2] * l[7] - l[1] * l[8], l[0] * l[8] - l[2] * l[6], l[1] * l[6] - l[0] * l[7]
    inverse[6], inverse[7], inverse[8] = l[1] * l[5] - l[2] * l[4], l[2] * l[3] - l[0] * l[5], l[0] * l[4] - l[1] * l[3]
    for i in range(9):
        inverse[i] *= 2 * M_PI / room.volume  # rows: reciprocal vectors
    padded = room.room_waves
    count = 0
    waves = room.waves
    # Rows of `padded` first, then moved together.
    for i in range(room.n_indices):
        hkl = room.indices + 4 * i
        x = hkl[0] * inverse[0] + hkl[1] * inverse[3] + hkl[2] * inverse[6]
        y = hkl[0] * inverse[1] + hkl[1] * inverse[4] + hkl[2] * inverse[7]
        z = hkl[0] * inverse[2] + hkl[1] * inverse[5] + hkl[2] * inverse[8]
        s = x * x + y * y + z * z
        if s < longest2:
            waves[count], waves[padded + count], waves[2 * padded + count] = x, y, z
            room.squares[count], room.squares[padded + count] = s, hkl[3]
            count += 1
    m = (count + 7) // 8 * 8
    for i in range(count, m):
        waves[i] = waves[padded + i] = waves[2 * padded + i] = 0.0
        room.squares[i], room.squares[padded + i] = 1.0, 0.0
    for k in range(1, 3):
        for i in range(m):
            waves[k * m + i] = waves[k * padded + i]
    memset(room.wave_gradient, 0, n * sizeof(double))
    for i in range(m):
        room.squares[m + i] = room.squares[padded + i]
    if second:
        memset(room.upper, 0, n * n * sizeof(double))
    energy = 0.0
    # In batches of channels: charges (-1), then those of the dispersion.
    begin = -1 if charges else 0
    while begin < model.channels:
        end = min(begin + CHANNELS, model.channels)
        sources, images = 0, 0
        for c in range(begin, end):
            nets[c - begin] = 0.0
        for p in range(model.parts):
            k = model.kind_of[form[p]]
            at = 0
            for g in range(2):
                count = model.sites_of[k, 0] if g == 0 else model.aside_of[k]
                if count > 0 and (g == 0 or begin < 0):
                    source = &all_sources[sources]
                    source.part, source.sites, source.stride = p, count, model.padded_of[k, g]
                    source.images = model.copy_start[p + 1] - model.copy_start[p]
                    source.x = room.sites + p * model.slot + at
                    source.turns = &model.copy_turns[model.copy_start[p], 0, 0]
                    source.places = room.places + 3 * model.copy_start[p]
                    source.alike = &model.copy_alike[model.copy_start[p]]
                    for c in range(begin, end):
                        source.w[c - begin] = NULL
                        if c < 0:
                            if g == 1 or model.charged:
                                source.w[0] = &model.form_charges[form[p], at // 3]
                        elif g == 0:
                            source.w[c - begin] = &model.channel_weights[c, k, 0]
                            for i in range(source.sites):
                                nets[c - begin] += source.images * model.channel_weights[c, k, i]
                    images += source.images
                    sources += 1
                at += 3 * model.padded_of[k, g]
        for c in range(begin, end):
            shapes = waves + (3 + 3 * (c - begin)) * m
            wave_shapes(room.squares, room.squares + m, m, c >= 0, model.alpha, SOFT_WAVES * longest2, longest2, shapes)
            prefactor = (0.5 * KE if c < 0 else -0.5 * model.channel_signs[c]) / room.volume
            for i in range(3 * m):
                shapes[i] *= prefactor
        if second:
            waves_2(waves, m, all_sources, sources, model.parts, images, end - begin, room.wave_gradient, room.upper,
                    room.wave_memory, sums)
            waves_own(model.parts, room.upper, room.wave_memory)
        else:
            waves_1(waves, m, all_sources, sources, model.parts, images, end - begin, room.wave_gradient, room.upper,
                    room.wave_memory, sums)
        for c in range(begin, end):
            G = sums[c - begin]
            if c >= 0:
                # k = 0: half the integral of the smooth part, pi^1.5 alpha^3 / 3, for every pair.
                net = nets[c - begin]
                G -= 0.5 * model.channel_signs[c] * net * net * M_PI ** 1.5 * model.alpha**3 / (3.0 * room.volume)
                room.exp6 += G
            else:
                room.electrostatic += G
            energy += G
        begin = end
    # All of it is divided by the volume, whose strain has derivatives too.
    for v in range(n):
        room.cart[v] += room.wave_gradient[v] - (energy if v < 3 else 0.0)
    if second:
        for v in range(n):
            for w in range(v, n):
                t_v, t_w = 1.0 if v < 3 else 0.0, 1.0 if w < 3 else 0.0
                value = room.upper[v * n + w] - t_v * room.wave_gradient[w] - t_w * room.wave_gradient[v]
                value += energy * (t_v * t_w + (1.0 if v == w and v < 6 else 0.0))
                room.cart2[v * n + w] += value
                if w > v:
                    room.cart2[w * n + v] += value
    return True
