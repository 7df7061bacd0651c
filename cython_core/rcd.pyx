"""Distances between relative coordinate descriptors, by greedy matching of neighbours."""

from libc.math cimport INFINITY
from libc.stdlib cimport free, malloc


cdef struct Pool:
    # All environments of all crystals, their neighbours one after the other; component c of neighbour m is at
    # c * total + m.
    const Py_ssize_t* first  # environments of crystal i: first[i] to first[i + 1]
    const Py_ssize_t* start  # neighbours of environment e: start[e] to start[e + 1], by rising distance
    const Py_ssize_t* near  # how many of them are matched with all of another environment
    const double* weight
    const unsigned char* both  # the crystal has the environment and its mirror image
    const double* unit  # (3, total) direction to the neighbour
    const double* radius  # (total,)
    const double* inverse  # (total,) 1 / radius
    const double* cosines  # (n_cosines, total)
    const double* norm  # (total,) sum of the squared cosines
    const double* renamed  # (n_names, n_cosines, total) the cosines with the neighbour's atoms named in another way
    const double* turns  # (n_views, 3, 3) from the directions to those in another view
    const double* changes  # (n_views, n_cosines, n_cosines) likewise for cosines
    Py_ssize_t total
    Py_ssize_t n_cosines
    Py_ssize_t n_names
    Py_ssize_t n_views  # namings of the reference's atoms; the second half are those of the mirror image
    Py_ssize_t select
    double ratio  # of the squared difference of all cosines
    bint mirror


cdef struct Views:
    # One environment in all its views: component c of neighbour m in view v is at (v * components + c) * n + m.
    double* unit
    double* cosines
    const double* radius
    const double* inverse
    const double* norm
    Py_ssize_t n
    Py_ssize_t near


cdef struct Space:
    double* forth  # pair distances, a row for each near neighbour of the first environment
    double* back  # likewise for the second
    double* best
    double* sums
    double* least  # of each row
    Py_ssize_t* where
    unsigned char* used
    double* bound  # (2, n_views) below which no view can be: of both sums, and of that of the way back
    double* tables  # (2, environments, environments) distances without and with mirror


cdef void expand(const Pool* pool, Py_ssize_t environment, Views* views, double* room) noexcept nogil:
    cdef Py_ssize_t at = pool.start[environment], n = pool.start[environment + 1] - at
    cdef Py_ssize_t size = pool.n_cosines, v, c, e, m
    cdef const double* matrix
    cdef const double* source
    cdef double* out
    views.n, views.near = n, pool.near[environment]
    views.radius, views.inverse, views.norm = pool.radius + at, pool.inverse + at, pool.norm + at
    views.unit = room
    views.cosines = room + pool.n_views * 3 * n
    for m in range(pool.n_views * (3 + size) * n):
        room[m] = 0.0
    for v in range(pool.n_views):
        for c in range(3):
            out = views.unit + (3 * v + c) * n
            for e in range(3):
                source = pool.unit + e * pool.total + at
                for m in range(n):
                    out[m] += pool.turns[9 * v + 3 * c + e] * source[m]
        matrix = pool.changes + v * size * size
        for c in range(size):
            out = views.cosines + (size * v + c) * n
            for e in range(size):
                source = pool.cosines + e * pool.total + at
                for m in range(n):
                    out[m] += matrix[c * size + e] * source[m]


cdef inline void place_terms(
    const double* unit, Py_ssize_t stride, double radius, double inverse,
    const double* others, Py_ssize_t others_stride, const double* radii, const double* inverses,
    Py_ssize_t n, double* out,
) noexcept nogil:
    # |t - t'|^2 / (|t| |t'|) of one neighbour with n others.
    cdef double x = 2.0 * unit[0], y = 2.0 * unit[stride], z = 2.0 * unit[2 * stride]
    cdef const double* xs = others
    cdef const double* ys = others + others_stride
    cdef const double* zs = others + 2 * others_stride
    cdef Py_ssize_t m
    for m in range(n):
        out[m] = radius * inverses[m] + inverse * radii[m] - (x * xs[m] + y * ys[m] + z * zs[m])


cdef inline void add_turn_terms(
    const double* cosines, Py_ssize_t stride, Py_ssize_t step, double norm,
    const double* others, Py_ssize_t others_stride, Py_ssize_t others_step, const double* norms,
    Py_ssize_t n_cosines, Py_ssize_t n_names, double ratio, Py_ssize_t n, Space* space, double* out,
) noexcept nogil:
    # The least squared difference of the cosines over all names, of one neighbour with n others. A step leads to
    # the next name; it is 0 for the side that keeps its names.
    cdef double* best = space.best
    cdef double* sums = space.sums
    cdef double x, y, z
    cdef const double* xs
    cdef const double* ys
    cdef const double* zs
    cdef Py_ssize_t name, c, m
    for name in range(n_names):
        for c in range(0, n_cosines, 3):
            x, y, z = cosines[c * stride], cosines[(c + 1) * stride], cosines[(c + 2) * stride]
            xs = others + c * others_stride
            ys = others + (c + 1) * others_stride
            zs = others + (c + 2) * others_stride
            if c == 0:
                for m in range(n):
                    sums[m] = x * xs[m] + y * ys[m] + z * zs[m]
            else:
                for m in range(n):
                    sums[m] += x * xs[m] + y * ys[m] + z * zs[m]
        if name == 0:
            for m in range(n):
                best[m] = sums[m]
        else:
            for m in range(n):
                best[m] = sums[m] if sums[m] > best[m] else best[m]
        cosines += step
        others += others_step
    for m in range(n):
        out[m] += ratio * (norm + norms[m] - 2.0 * best[m])


cdef void fill_forth(
    const Pool* pool, const Views* a, Py_ssize_t view, Py_ssize_t b, bint turns, Space* space
) noexcept nogil:
    # The near neighbours of the first environment with all of the second; without turns the places alone.
    cdef Py_ssize_t at = pool.start[b], n = pool.start[b + 1] - at, size = pool.n_cosines, m
    cdef const double* unit = a.unit + 3 * view * a.n
    cdef const double* cosines = a.cosines + size * view * a.n
    for m in range(a.near):
        place_terms(
            unit + m, a.n, a.radius[m], a.inverse[m],
            pool.unit + at, pool.total, pool.radius + at, pool.inverse + at, n, space.forth + m * n,
        )
        if turns:
            add_turn_terms(
                cosines + m, a.n, 0, a.norm[m],
                pool.renamed + at, pool.total, size * pool.total, pool.norm + at,
                size, pool.n_names, pool.ratio, n, space, space.forth + m * n,
            )


cdef void fill_back(
    const Pool* pool, const Views* a, Py_ssize_t view, Py_ssize_t b, bint turns, Space* space
) noexcept nogil:
    # The near neighbours of the second environment with all of the first.
    cdef Py_ssize_t at = pool.start[b], size = pool.n_cosines, m
    cdef const double* unit = a.unit + 3 * view * a.n
    cdef const double* cosines = a.cosines + size * view * a.n
    for m in range(pool.near[b]):
        place_terms(
            pool.unit + at + m, pool.total, pool.radius[at + m], pool.inverse[at + m],
            unit, a.n, a.radius, a.inverse, a.n, space.back + m * a.n,
        )
        if turns:
            add_turn_terms(
                pool.renamed + at + m, pool.total, size * pool.total, pool.norm[at + m],
                cosines, a.n, 0, a.norm,
                size, pool.n_names, pool.ratio, a.n, space, space.back + m * a.n,
            )


cdef inline Py_ssize_t argmin_unused(const double* row, const unsigned char* used, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t m, best = -1
    for m in range(n):
        if not used[m] and (best < 0 or row[m] < row[best]):
            best = m
    return best


cdef double greedy(const double* pairs, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t select, Space* space) noexcept nogil:
    # The sum of the smallest pair distances, each row and column used once.
    cdef Py_ssize_t i, m, chosen
    cdef double total = 0.0
    for m in range(n):
        space.used[m] = 0
    for i in range(rows):
        space.where[i] = argmin_unused(pairs + i * n, space.used, n)
        space.least[i] = pairs[i * n + space.where[i]]
    while True:
        chosen = 0
        for i in range(1, rows):
            if space.least[i] < space.least[chosen]:
                chosen = i
        total += space.least[chosen]
        select -= 1
        if select == 0:
            return total
        space.least[chosen] = INFINITY
        m = space.where[chosen]
        space.used[m] = 1
        for i in range(rows):
            if space.where[i] == m and space.least[i] < INFINITY:
                space.where[i] = argmin_unused(pairs + i * n, space.used, n)
                space.least[i] = pairs[i * n + space.where[i]]


cdef double lower_bound(const double* pairs, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t select, Space* space) noexcept nogil:
    # No matching is below the sum of the smallest row minima, as long as no term is negative.
    cdef Py_ssize_t i, m, k
    cdef double least, total = 0.0
    for i in range(rows):
        least = pairs[i * n]
        for m in range(1, n):
            least = pairs[i * n + m] if pairs[i * n + m] < least else least
        space.least[i] = least
        total += least
    for k in range(rows - select):
        m = 0
        for i in range(1, rows):
            if space.least[i] > space.least[m]:
                m = i
        total -= space.least[m]
        space.least[m] = -INFINITY
    return total


cdef double smallest(
    const Pool* pool, const Views* a, Py_ssize_t b, Py_ssize_t first, Py_ssize_t last, Space* space
) noexcept nogil:
    # The least distance of two environments over some views of the first, the most promising ones first.
    cdef Py_ssize_t n = pool.start[b + 1] - pool.start[b], select = pool.select, view, chosen
    cdef double forth, best = INFINITY
    cdef double* bound = space.bound
    cdef double* back_bound = space.bound + pool.n_views
    for view in range(first, last):
        bound[view] = back_bound[view] = 0.0
        if last - first > 2:
            fill_forth(pool, a, view, b, False, space)
            fill_back(pool, a, view, b, False, space)
            back_bound[view] = lower_bound(space.back, pool.near[b], a.n, select, space)
            bound[view] = back_bound[view] + lower_bound(space.forth, a.near, n, select, space)
    while True:
        chosen = first
        for view in range(first + 1, last):
            if bound[view] < bound[chosen]:
                chosen = view
        if not bound[chosen] < best:
            return max(0.5 * best, 0.0)
        bound[chosen] = INFINITY
        fill_forth(pool, a, chosen, b, True, space)
        forth = greedy(space.forth, a.near, n, select, space)
        if forth + back_bound[chosen] < best:
            fill_back(pool, a, chosen, b, True, space)
            best = min(best, forth + greedy(space.back, pool.near[b], a.n, select, space))


cdef double weighted(const Pool* pool, Py_ssize_t i, Py_ssize_t j, const double* table) noexcept nogil:
    # Each environment has the distance of the nearest one of the other crystal; the mean of both directions.
    cdef Py_ssize_t e, f, m = pool.first[i + 1] - pool.first[i], n = pool.first[j + 1] - pool.first[j]
    cdef double least, forth = 0.0, back = 0.0
    for e in range(m):
        least = INFINITY
        for f in range(n):
            least = min(least, table[e * n + f])
        forth += pool.weight[pool.first[i] + e] * least
    for f in range(n):
        least = INFINITY
        for e in range(m):
            least = min(least, table[e * n + f])
        back += pool.weight[pool.first[j] + f] * least
    return 0.5 * (forth + back)


cdef double crystal_distance(
    const Pool* pool, Py_ssize_t i, Py_ssize_t j, const Views* views, Space* space
) noexcept nogil:
    cdef Py_ssize_t m = pool.first[i + 1] - pool.first[i], n = pool.first[j + 1] - pool.first[j]
    cdef Py_ssize_t e, f, half = pool.n_views // 2
    cdef double* plain = space.tables
    cdef double* mirrored = space.tables + m * n
    cdef bint either = pool.mirror and m == 1 and n == 1
    for e in range(m):
        for f in range(n):
            if either or pool.both[pool.first[i] + e] or pool.both[pool.first[j] + f]:
                plain[e * n + f] = smallest(pool, &views[e], pool.first[j] + f, 0, pool.n_views, space)
                mirrored[e * n + f] = plain[e * n + f]
                continue
            plain[e * n + f] = smallest(pool, &views[e], pool.first[j] + f, 0, half, space)
            if pool.mirror:
                mirrored[e * n + f] = smallest(pool, &views[e], pool.first[j] + f, half, pool.n_views, space)
    if either or not pool.mirror:
        return weighted(pool, i, j, plain)
    return min(weighted(pool, i, j, plain), weighted(pool, i, j, mirrored))


cdef void fill(
    const Pool* pool, Py_ssize_t n_crystals, Py_ssize_t first, Py_ssize_t last,
    Views* views, double* room, Space* space, float[:, ::1] out,
) noexcept nogil:
    # The crystal that comes first in the pool is the first of the pair: rows of any strip agree to the bit.
    cdef Py_ssize_t i, j, e, used
    cdef float value
    for i in range(n_crystals):
        if first <= i < last:
            out[i - first, i] = 0.0
        elif i >= last:
            return
        used = 0
        for e in range(pool.first[i], pool.first[i + 1]):
            expand(pool, e, &views[e - pool.first[i]], room + used)
            used += pool.n_views * (3 + pool.n_cosines) * (pool.start[e + 1] - pool.start[e])
        for j in range(i + 1, n_crystals):
            if not first <= i < last and not first <= j < last:
                continue
            value = <float>crystal_distance(pool, i, j, views, space)
            if first <= i < last:
                out[i - first, j] = value
            if first <= j < last:
                out[j - first, i] = value


def difference_rows(
    const Py_ssize_t[::1] crystals,
    const Py_ssize_t[::1] starts,
    const Py_ssize_t[::1] near,
    const double[::1] weights,
    const unsigned char[::1] both,
    const double[:, ::1] unit,
    const double[:, ::1] lengths,
    const double[:, ::1] cosines,
    const double[:, :, ::1] renamed,
    const double[:, :, ::1] turns,
    const double[:, :, ::1] changes,
    Py_ssize_t select,
    double ratio,
    bint mirror,
    Py_ssize_t first,
    Py_ssize_t last,
    float[:, ::1] out,
):
    """Write some rows of the matrix of distances between crystals.

    Parameters
    ----------
    crystals : (n + 1,) memoryview of Py_ssize_t
        Where the environments of each crystal begin, and at the end their number m.
    starts : (m + 1,) memoryview of Py_ssize_t
        Where the neighbours of each environment begin, and at the end their number k.
    near : (m,) memoryview of Py_ssize_t
        How many neighbours of each environment, the nearest ones, are matched with all of another: `select` or more.
    weights : (m,) memoryview
        Shares of a crystal's environments.
    both : (m,) memoryview of unsigned char
        Whether the crystal has the mirror image of the environment too.
    unit, lengths : (3, k), (3, k) memoryviews
        Directions to the neighbours; distances in Å, their inverses and the sums of the squared cosines.
    cosines, renamed : (c, k), (names, c, k) memoryviews
        What tells a neighbour's orientation, and the same for all names of its atoms; c is a multiple of 3.
    turns, changes : (views, 3, 3), (views, c, c) memoryviews
        From directions and cosines to those of another view; the second half of the views are mirror images.
    select : int
        Number of pairs in a matching.
    ratio : float
        Weight of the squared difference of all cosines.
    mirror : bool
        Whether mirror images count as equal.
    first, last : int
        The rows.
    out : (last - first, n) memoryview of float
        Receives the distances.

    Raises
    ------
    ValueError
        When the shapes do not fit together.
    MemoryError
        When there is no room to work in.
    """
    cdef Py_ssize_t n = crystals.shape[0] - 1, m = near.shape[0], k = unit.shape[1], size = cosines.shape[0]
    cdef Py_ssize_t e, i, widest = 0, most = 0, count
    cdef Pool pool
    cdef Space space
    cdef Views* views
    cdef double* room
    if n < 1 or m < 1 or k < 1 or starts.shape[0] != m + 1 or weights.shape[0] != m or both.shape[0] != m:
        raise ValueError("crystals and environments do not fit together")
    if unit.shape[0] != 3 or lengths.shape[0] != 3 or lengths.shape[1] != k or size < 3 or size % 3:
        raise ValueError("directions, lengths and cosines do not fit together")
    if cosines.shape[1] != k or renamed.shape[0] < 1 or renamed.shape[1] != size or renamed.shape[2] != k:
        raise ValueError("cosines and names do not fit together")
    if turns.shape[0] < 2 or turns.shape[0] % 2 or turns.shape[1] != 3 or turns.shape[2] != 3:
        raise ValueError("views do not fit the directions")
    if changes.shape[0] != turns.shape[0] or changes.shape[1] != size or changes.shape[2] != size:
        raise ValueError("views do not fit the cosines")
    if not 0 <= first <= last <= n or out.shape[0] != last - first or out.shape[1] != n:
        raise ValueError("the rows do not fit the result")
    if crystals[0] != 0 or crystals[n] != m or starts[0] != 0 or starts[m] != k or select < 1:
        raise ValueError("crystals, environments and neighbours do not fit together")
    for i in range(n):
        count = crystals[i + 1] - crystals[i]
        if count < 1:
            raise ValueError("a crystal has no environment")
        most = max(most, count)
    for e in range(m):
        count = starts[e + 1] - starts[e]
        if not select <= near[e] <= count:
            raise ValueError("an environment has too few neighbours")
        widest = max(widest, count)
    pool.first, pool.start, pool.near = &crystals[0], &starts[0], &near[0]
    pool.weight, pool.both = &weights[0], &both[0]
    pool.unit, pool.radius, pool.inverse, pool.norm = &unit[0, 0], &lengths[0, 0], &lengths[1, 0], &lengths[2, 0]
    pool.cosines, pool.renamed = &cosines[0, 0], &renamed[0, 0, 0]
    pool.turns, pool.changes = &turns[0, 0, 0], &changes[0, 0, 0]
    pool.total, pool.n_cosines, pool.n_names, pool.n_views = k, size, renamed.shape[0], turns.shape[0]
    pool.select, pool.ratio, pool.mirror = select, ratio, mirror
    views = <Views*>malloc(most * sizeof(Views))
    room = <double*>malloc(most * pool.n_views * (3 + size) * widest * sizeof(double))
    space.forth = <double*>malloc(widest * widest * sizeof(double))
    space.back = <double*>malloc(widest * widest * sizeof(double))
    space.best = <double*>malloc(widest * sizeof(double))
    space.sums = <double*>malloc(widest * sizeof(double))
    space.least = <double*>malloc(widest * sizeof(double))
    space.where = <Py_ssize_t*>malloc(widest * sizeof(Py_ssize_t))
    space.used = <unsigned char*>malloc(widest)
    space.bound = <double*>malloc(2 * pool.n_views * sizeof(double))
    space.tables = <double*>malloc(2 * most * most * sizeof(double))
    try:
        if (
            views == NULL or room == NULL or space.forth == NULL or space.back == NULL or space.best == NULL
            or space.sums == NULL or space.least == NULL or space.where == NULL or space.used == NULL
            or space.bound == NULL or space.tables == NULL
        ):
            raise MemoryError()
        with nogil:
            fill(&pool, n, first, last, views, room, &space, out)
    finally:
        free(views)
        free(room)
        free(space.forth)
        free(space.back)
        free(space.best)
        free(space.sums)
        free(space.least)
        free(space.where)
        free(space.used)
        free(space.bound)
        free(space.tables)
