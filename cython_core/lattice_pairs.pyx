"""The pairs of atoms of near molecules: exp-6 and what of the charges falls off within the cutoff, with derivatives.

Each pair of the cell is counted once, up to a cutoff of 7 to 9 Å; with a taper exp-6 is summed up to the taper's end. The
cutoff is soft (twice continuously differentiable): the energy has no steps.
"""

from libc.string cimport memset

from genarris_fw._kernels.anisotropic cimport anisotropic_sum
from genarris_fw._kernels.entries cimport Image, Triangle, triangle
from genarris_fw._kernels.lattice_model cimport LatticeModel, Room
from genarris_fw._kernels.pair_sums cimport CHARGES, DAMPED, EXP6, LONG, SUMS_1, SUMS_2, Sites, pair_sums
from genarris_fw._kernels.strains cimport WEIGHT, product

cdef double SOFT = 0.88  # of the cutoff: where it begins
cdef int PAIR[6][2]  # of a strain: where it stands in the matrix
PAIR[0][:] = [0, 0]
PAIR[1][:] = [1, 1]
PAIR[2][:] = [2, 2]
PAIR[3][:] = [1, 2]
PAIR[4][:] = [0, 2]
PAIR[5][:] = [0, 1]


cdef inline void back_product(const double *a, const double *b, double *out) noexcept nogil:
    """out = a^T b, 3 x 3."""
    cdef int i, j
    for i in range(3):
        for j in range(3):
            out[3 * i + j] = a[i] * b[j] + a[3 + i] * b[3 + j] + a[6 + i] * b[6 + j]


cdef inline void add_block(double *matrix, int n, int row, int column, const double *block, double factor) noexcept nogil:
    """Add a block and its transpose to a symmetric matrix."""
    cdef int i, j
    for i in range(3):
        for j in range(3):
            matrix[(row + i) * n + column + j] += factor * block[3 * i + j]
            matrix[(column + j) * n + row + i] += factor * block[3 * i + j]


cdef inline void add_own(double *matrix, int n, int row, const double *block) noexcept nogil:
    """Add a symmetric block on the diagonal."""
    cdef int i, j
    for i in range(3):
        for j in range(3):
            matrix[(row + i) * n + row + j] += block[3 * i + j]


cdef inline void full(const double *six, double *nine) noexcept nogil:
    """xx xy xz yy yz zz as a 3 x 3 matrix."""
    nine[0], nine[1], nine[2] = six[0], six[1], six[2]
    nine[3], nine[4], nine[5] = six[1], six[3], six[4]
    nine[6], nine[7], nine[8] = six[2], six[4], six[5]


cdef inline int at_six(int i, int j) noexcept nogil:
    """Where ij is among xx xy xz yy yz zz."""
    if i > j:
        i, j = j, i
    return i * (5 - i) // 2 + j


cdef inline void full_row(const double *du, int i, int j, double *block) noexcept nogil:
    """block_k += M_ik d_j."""
    cdef int k
    for k in range(3):
        block[k] += du[3 * at_six(i, k) + j]


cdef inline void self_add(double *matrix, int n, int row, int column, double value) noexcept nogil:
    matrix[row * n + column] += value
    matrix[column * n + row] += value


cdef bint find_near(LatticeModel model, const double *state, const int *form, Room *room) noexcept nogil:
    """List the images within the reach of a sum."""
    cdef Triangle shape = triangle(state, room.volume)
    cdef double reach, longest = max(model.cut, max(model.taper_end if model.tapered else 0.0, model.anisotropic_cut))
    cdef int e
    room.near.n = 0
    for e in range(model.entries):
        reach = model.radius_of[form[model.first[e]]] + model.radius_of[form[model.second[e]]] + longest
        if not model.add_images(state, &shape, state + 9 + 9 * model.parts, e, reach, &room.near):
            return False
    return True


cdef bint add_pairs(LatticeModel model, const int *form, bint second, Room *room) noexcept nogil:
    """Sum over the pairs of near molecules, entry after entry."""
    cdef Sites sites
    cdef Image *near
    cdef double sums[64]
    cdef double total[64]
    cdef double fd[9]  # force_i d_j
    cdef double dd[36]  # second derivatives by d, with d d
    cdef double du[18]
    cdef double da[27]
    cdef double db[27]
    cdef double M[9]
    cdef double block[9]
    cdef double other[9]
    cdef double d2[6]
    cdef double value, factor
    cdef int q = 0, e, i, j, k, v, w, l, n = model.n, a, b, ua, ub, size, ka, kb, p0a, p1a, p0b, p1b, mode
    cdef int count = SUMS_2 if second else SUMS_1
    cdef const double *R
    cdef const double *xa
    cdef const double *xb
    cdef const double *parameters
    cdef double r2, reach
    memset(fd, 0, sizeof(fd))
    memset(dd, 0, sizeof(dd))
    sites.alpha = model.alpha
    while q < room.near.n:
        e = room.near.at[q].entry
        a, b = model.first[e], model.second[e]
        ka, kb = model.kind_of[form[a]], model.kind_of[form[b]]
        p0a, p1a, p0b, p1b = model.padded_of[ka, 0], model.padded_of[ka, 1], model.padded_of[kb, 0], model.padded_of[kb, 1]
        xa, xb = room.sites + a * model.slot, room.images + e * model.slot
        R = &model.turns[e, 0, 0]
        memset(total, 0, sizeof(total))
        memset(du, 0, sizeof(du))
        memset(da, 0, sizeof(da))
        memset(db, 0, sizeof(db))
        sites.radius = model.radius_of[form[b]]
        reach = sites.radius + model.radius_of[form[a]]
        size = model.sites_of[ka, 0] * p0b
        parameters = &model.parameters[model.offset_of[ka, kb]]
        while q < room.near.n and room.near.at[q].entry == e:
            near = &room.near.at[q]
            q += 1
            memset(sums, 0, count * sizeof(double))
            sites.x, sites.y, sites.z = near.d[0], near.d[1], near.d[2]
            r2 = near.d[0] * near.d[0] + near.d[1] * near.d[1] + near.d[2] * near.d[2]
            sites.a_sites, sites.a_stride, sites.a, sites.qa = model.sites_of[ka, 0], p0a, xa, &model.form_wide[form[a], 0]
            sites.b_sites, sites.b, sites.qb = p0b, xb, &model.form_charges[form[b], 0]
            sites.A, sites.B, sites.C, sites.guard = parameters, parameters + size, parameters + 2 * size, parameters + 3 * size
            sites.D, sites.damping = parameters + 4 * size, parameters + 5 * size
            mode = EXP6
            if model.damped:
                mode |= DAMPED
            if model.tapered:
                sites.start, sites.cut = model.taper_start, model.taper_end
            else:
                sites.start, sites.cut = SOFT * model.cut, model.cut
                mode |= LONG
                if model.charged and not model.damped and not model.split:
                    mode |= CHARGES
            if r2 < (sites.cut + reach) * (sites.cut + reach):
                pair_sums(&sites, mode, second, sums)
            if model.anisotropic and r2 < (model.anisotropic_cut + reach) * (model.anisotropic_cut + reach):
                anisotropic_sum(
                    model.sites_of[ka, 0], p0a, xa, room.axes + 3 * model.widest * a, &model.kind_rho[ka, 0],
                    model.sites_of[kb, 0], p0b, xb, room.axes + 3 * model.widest * (model.parts + e),
                    &model.kind_rho[kb, 0], parameters, parameters + size, near.d, model.anisotropic_cut, second, sums
                )
            sites.start, sites.cut = SOFT * model.cut, model.cut
            if r2 < (sites.cut + reach) * (sites.cut + reach):
                if model.charged and not mode & CHARGES and not model.split:
                    pair_sums(&sites, CHARGES, second, sums)
                if model.aside:
                    if p1b > 0:
                        sites.b_sites, sites.b, sites.qb = p1b, xb + 3 * p0b, &model.form_charges[form[b], p0b]
                        if model.charged and not model.split:
                            pair_sums(&sites, CHARGES, second, sums)
                    if p1a > 0:
                        sites.a_sites, sites.a_stride, sites.a = model.sites_of[ka, 1], p1a, xa + 3 * p0a
                        sites.qa = &model.form_wide[form[a], p0a]
                        if p1b > 0:
                            pair_sums(&sites, CHARGES, second, sums)
                        if model.charged and not model.split:
                            sites.b_sites, sites.b, sites.qb = p0b, xb, &model.form_charges[form[b], 0]
                            pair_sums(&sites, CHARGES, second, sums)
            for k in range(count):
                sums[k] *= near.weight * model.weights[e]
                total[k] += sums[k]
            for i in range(3):
                for j in range(3):
                    fd[3 * i + j] += sums[2 + i] * near.d[j]
            if second:
                k = 0
                for i in range(3):
                    for j in range(i, 3):
                        d2[k] = near.d[i] * near.d[j]
                        k += 1
                for k in range(6):
                    for l in range(6):
                        dd[6 * k + l] += sums[11 + k] * d2[l]
                    for l in range(3):
                        du[3 * k + l] += sums[11 + k] * near.d[l]
                for l in range(3):
                    for k in range(9):
                        da[9 * l + k] += sums[17 + k] * near.d[l]
                        db[9 * l + k] += sums[26 + k] * near.d[l]
        room.exp6 += total[0]
        room.electrostatic += total[1]
        ua, ub = 6 + 6 * a, 6 + 6 * b
        for i in range(3):
            room.cart[ua + i] -= total[2 + i]
            room.cart[ua + 3 + i] += total[5 + i]
            room.cart[ub + i] += R[i] * total[2] + R[3 + i] * total[3] + R[6 + i] * total[4]
            room.cart[ub + 3 + i] += model.signs[e] * (R[i] * total[8] + R[3 + i] * total[9] + R[6 + i] * total[10])
        if not second:
            continue
        # Strain and shift, strain and turns: contract with the basis of the strains.
        for v in range(6):
            for k in range(9):
                block[k] = 0.0
            for w in range(1 if v < 3 else 2):
                i, j = PAIR[v][w], PAIR[v][1 - w]  # E_ij = E_ji = WEIGHT
                full_row(du, i, j, block)  # block[0:3]: shifts
                for k in range(3):
                    block[3 + k] += da[9 * j + 3 * i + k]
                    block[6 + k] += db[9 * j + 3 * i + k]
                block[j] += total[2 + i]
            for k in range(9):
                block[k] *= WEIGHT[v]
            for k in range(3):
                self_add(room.cart2, n, v, ua + k, -block[k])
                self_add(room.cart2, n, v, ub + k, block[0] * R[k] + block[1] * R[3 + k] + block[2] * R[6 + k])
                self_add(room.cart2, n, v, ua + 3 + k, block[3 + k])
                self_add(room.cart2, n, v, ub + 3 + k, model.signs[e] * (
                    block[6] * R[k] + block[7] * R[3 + k] + block[8] * R[6 + k]))
        full(total + 11, M)
        add_own(room.cart2, n, ua, M)
        product(M, R, block)
        add_block(room.cart2, n, ua, ub, block, -1.0)
        back_product(R, block, other)
        add_own(room.cart2, n, ub, other)
        add_block(room.cart2, n, ua, ua + 3, total + 17, -1.0)
        back_product(R, total + 17, block)
        add_block(room.cart2, n, ub, ua + 3, block, 1.0)
        product(total + 26, R, block)
        add_block(room.cart2, n, ua, ub + 3, block, -model.signs[e])
        back_product(R, block, other)
        add_block(room.cart2, n, ub, ub + 3, other, model.signs[e])
        full(total + 35, M)
        add_own(room.cart2, n, ua + 3, M)
        full(total + 41, M)
        product(M, R, block)
        back_product(R, block, other)
        add_own(room.cart2, n, ub + 3, other)
        product(total + 47, R, block)
        add_block(room.cart2, n, ua + 3, ub + 3, block, model.signs[e])
    for v in range(6):
        i, j = PAIR[v][0], PAIR[v][1]
        room.cart[v] += WEIGHT[v] * (fd[3 * i + j] + (fd[3 * j + i] if v >= 3 else 0.0))
    if second:
        for v in range(6):
            for w in range(6):
                value = 0.0
                for k in range(1 if v < 3 else 2):
                    for l in range(1 if w < 3 else 2):
                        value += dd[6 * at_six(PAIR[v][k], PAIR[w][l]) + at_six(PAIR[v][1 - k], PAIR[w][1 - l])]
                room.cart2[v * n + w] += WEIGHT[v] * WEIGHT[w] * value
    return True


cdef bint inside_guard(LatticeModel model, const int *form, Room *room) noexcept nogil:
    """Tell whether two atoms are so close that exp-6 is no longer itself (after `evaluate`)."""
    cdef int q, e, i, j, k, ka, kb, na, pa, pb
    cdef const double *xa
    cdef const double *xb
    cdef const double *guard
    cdef double r2, t
    for q in range(room.near.n):
        e = room.near.at[q].entry
        ka, kb = model.kind_of[form[model.first[e]]], model.kind_of[form[model.second[e]]]
        na, pa, pb = model.sites_of[ka, 0], model.padded_of[ka, 0], model.padded_of[kb, 0]
        guard = &model.parameters[model.offset_of[ka, kb] + 3 * na * pb]
        xa, xb = room.sites + model.first[e] * model.slot, room.images + e * model.slot
        for i in range(na):
            for j in range(model.sites_of[kb, 0]):
                r2 = 0.0
                for k in range(3):
                    t = room.near.at[q].d[k] + xb[k * pb + j] - xa[k * pa + i]
                    r2 += t * t
                if r2 < guard[i * pb + j] * guard[i * pb + j]:
                    return True
    return False
