"""Clusters of molecules of two crystals laid upon each other."""

from cython.view cimport array as cython_array
from libc.math cimport INFINITY, fabs, sqrt
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memset

from genarris_fw._kernels.lattice cimport cells_within, cross, dot, invert
from genarris_fw._kernels.superposition cimport Motion, Sums, add, fit, move, square_distance


cdef enum:
    ROUNDS = 6  # of assignment and fit at most, once every molecule has found its counterpart


cdef class Packing:
    """A crystal as its molecules, ready to be compared.

    Parameters
    ----------
    lattice : (3, 3) memoryview
        Rows are the lattice vectors in Å, reduced.
    points : (n, 3) memoryview
        Cartesian positions in Å, molecule after molecule, each whole, its atoms in the order of its kind, its centre
        in the cell.
    start : (m + 1,) memoryview
        Row of the first atom of each molecule, then n.
    kind : (m,) memoryview
        Kind of each molecule: what has one number has the same atoms in the same order.
    """

    def __init__(
        self,
        const double[:, ::1] lattice,
        const double[:, ::1] points,
        const Py_ssize_t[::1] start,
        const Py_ssize_t[::1] kind,
    ):
        cdef Py_ssize_t m, i
        cdef int c
        if start.shape[0] != kind.shape[0] + 1 or start[kind.shape[0]] != points.shape[0] or lattice.shape[0] != 3:
            raise ValueError("lattice, points, start and kind do not fit together")
        self.cell, self.atoms, self.begin, self.kinds = lattice, points, start, kind
        self.molecules = kind.shape[0]
        self.centres = cython_array((self.molecules, 3), sizeof(double), "d")
        self.widest = 0.0
        if not fabs(invert(&lattice[0, 0], self.reciprocal, self.height)) > 1e-6:
            raise ValueError("the cell has no volume")
        for m in range(self.molecules):
            if not start[m + 1] > start[m]:
                raise ValueError("a molecule has no atoms")
            for c in range(3):
                self.centres[m, c] = 0.0
                for i in range(start[m], start[m + 1]):
                    self.centres[m, c] += points[i, c]
                self.centres[m, c] /= start[m + 1] - start[m]
            for i in range(start[m], start[m + 1]):
                self.widest = max(self.widest, sqrt(square_distance(&points[i, 0], &self.centres[m, 0])))

    cdef Py_ssize_t most_images(self, double radius) noexcept nogil:
        cdef double count = self.molecules
        cdef int c
        for c in range(3):
            count *= 2.0 * cells_within(radius, self.height[c], 1.0) + 1.0
        return <Py_ssize_t>count if count < 1e7 else -1

    cdef Py_ssize_t images(self, Py_ssize_t middle, double radius, Py_ssize_t* index, double* shift) noexcept nogil:
        # Molecules whose centres lie within the radius of that of one molecule, itself first.
        cdef double reach[3]
        cdef double v[3]
        cdef double d[3]
        cdef double i, j, k
        cdef Py_ssize_t m, n = 1
        cdef int c
        index[0] = middle
        for c in range(3):
            shift[c] = 0.0
            reach[c] = cells_within(radius, self.height[c], 1.0)
        i = -reach[0]
        while i <= reach[0]:
            j = -reach[1]
            while j <= reach[1]:
                k = -reach[2]
                while k <= reach[2]:
                    for c in range(3):
                        v[c] = i * self.cell[0, c] + j * self.cell[1, c] + k * self.cell[2, c]
                    for m in range(self.molecules):
                        for c in range(3):
                            d[c] = self.centres[m, c] + v[c] - self.centres[middle, c]
                        if dot(d, d) > radius * radius or (m == middle and i == 0.0 and j == 0.0 and k == 0.0):
                            continue
                        index[n] = m
                        for c in range(3):
                            shift[3 * n + c] = v[c]
                        n += 1
                    k += 1.0
                j += 1.0
            i += 1.0
        return n

    cdef double contact(self, Py_ssize_t middle, Py_ssize_t other, const double* shift) noexcept nogil:
        # Shortest distance between the atoms of two molecules.
        cdef double p[3]
        cdef double shortest = INFINITY
        cdef Py_ssize_t i, j
        cdef int c
        for i in range(self.begin[other], self.begin[other + 1]):
            for c in range(3):
                p[c] = self.atoms[i, c] + shift[c]
            for j in range(self.begin[middle], self.begin[middle + 1]):
                shortest = min(shortest, square_distance(p, &self.atoms[j, 0]))
        return sqrt(shortest)

    def shell(self, Py_ssize_t middle, Py_ssize_t count):
        """Find the molecules closest to one molecule, by the shortest distance between their atoms.

        Parameters
        ----------
        middle : int
            A molecule.
        count : int
            How many, itself included.

        Returns
        -------
        index : (count,) memoryview of Py_ssize_t
            Which molecules they are images of, `middle` first, then the closest and so on.
        shift : (count, 3) memoryview
            The lattice vectors that they are moved by, Å.

        Raises
        ------
        MemoryError
            When the images of an extreme cell have no room.
        """
        cdef double radius = 2.0 * self.widest + 4.0, wanted
        cdef Py_ssize_t room, n = 0, i, j
        cdef Py_ssize_t* index = NULL
        cdef double* shift = NULL
        cdef double* near = NULL
        if not 0 <= middle < self.molecules or count < 1:
            raise ValueError("no such molecule, or no molecules wanted")
        result = cython_array((count,), sizeof(Py_ssize_t), "q")
        shifts = cython_array((count, 3), sizeof(double), "d")
        cdef Py_ssize_t[::1] chosen = result
        cdef double[:, ::1] moved = shifts
        while True:
            room = self.most_images(radius)
            if room < 0:
                raise MemoryError("the neighbours have no room: the cell is too flat")
            index = <Py_ssize_t*>malloc((room + 1) * sizeof(Py_ssize_t))
            shift = <double*>malloc(3 * (room + 1) * sizeof(double))
            near = <double*>malloc((room + 1) * sizeof(double))
            if index == NULL or shift == NULL or near == NULL:
                free(index)
                free(shift)
                free(near)
                raise MemoryError("no room for the neighbours")
            with nogil:
                n = self.images(middle, radius, index, shift)
                wanted = INFINITY
                if n >= count:
                    near[0] = -1.0
                    for i in range(1, n):
                        near[i] = self.contact(middle, index[i], shift + 3 * i)
                    for i in range(count):
                        j = smallest(near, n)
                        chosen[i] = index[j]
                        moved[i, 0], moved[i, 1], moved[i, 2] = shift[3 * j], shift[3 * j + 1], shift[3 * j + 2]
                        wanted = near[j]
                        near[j] = INFINITY
                free(index)
                free(shift)
                free(near)
            # What lies outside the radius touches no closer than this.
            if wanted <= radius - 2.0 * self.widest:
                return result, shifts
            radius = max(1.3 * radius, wanted + 2.0 * self.widest + 1e-6) if wanted < INFINITY else 1.3 * radius


cdef Py_ssize_t smallest(const double* values, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i, best = 0
    for i in range(1, n):
        if values[i] < values[best]:
            best = i
    return best


cdef int fill_cluster(
    Packing packing, const Py_ssize_t* index, const double* shift, Py_ssize_t n, double sign, Cluster* out
) noexcept nogil:
    cdef Py_ssize_t total = 0, i, j
    cdef int c
    for i in range(n):
        total += packing.begin[index[i] + 1] - packing.begin[index[i]]
    out.n = n
    out.kind = <Py_ssize_t*>malloc(n * sizeof(Py_ssize_t))
    out.start = <Py_ssize_t*>malloc((n + 1) * sizeof(Py_ssize_t))
    out.centres = <double*>malloc(3 * n * sizeof(double))
    out.atoms = <double*>malloc(3 * total * sizeof(double))
    if out.kind == NULL or out.start == NULL or out.centres == NULL or out.atoms == NULL:
        return -1
    total = 0
    for i in range(n):
        out.kind[i] = packing.kinds[index[i]]
        out.start[i] = total
        for j in range(packing.begin[index[i]], packing.begin[index[i] + 1]):
            for c in range(3):
                out.atoms[3 * total + c] = packing.atoms[j, c] + shift[3 * i + c]
            out.atoms[3 * total] *= sign
            total += 1
        for c in range(3):
            out.centres[3 * i + c] = packing.centres[index[i], c] + shift[3 * i + c]
        out.centres[3 * i] *= sign
    out.start[n] = total
    return 0


cdef void empty_cluster(Cluster* cluster) noexcept nogil:
    free(cluster.kind)
    free(cluster.start)
    free(cluster.centres)
    free(cluster.atoms)


cdef const int* best_order(
    const Cluster* a, Py_ssize_t i, const Cluster* b, Py_ssize_t j, const Orders* orders, const Motion* motion,
    double limit, double* moved,
) noexcept nogil:
    # The order of the atoms of b's molecule j that lies closest to a's molecule i, moved; none beyond the limit (mean
    # square distance).
    cdef Py_ssize_t n = a.start[i + 1] - a.start[i], kind = a.kind[i], k, p
    cdef const double* here = a.atoms + 3 * a.start[i]
    cdef const double* there = b.atoms + 3 * b.start[j]
    cdef const int* order
    cdef const int* best = NULL
    cdef double total, least = limit * n
    for k in range(n):
        move(motion, here + 3 * k, moved + 3 * k)
    for p in range(orders.count[kind]):
        order = orders.rows + orders.start[kind] + p * n
        total = 0.0
        for k in range(n):
            total += square_distance(moved + 3 * k, there + 3 * order[k])
            if total > least:
                break
        else:
            least = total
            best = order
    return best


cdef Py_ssize_t nearest_free(
    const Cluster* b, const double* place, Py_ssize_t kind, const unsigned char* used, double limit
) noexcept nogil:
    cdef double d, least = limit
    cdef Py_ssize_t j, best = -1
    for j in range(b.n):
        d = square_distance(place, b.centres + 3 * j)
        if d <= least and b.kind[j] == kind and not used[j]:
            least = d
            best = j
    return best


cdef void add_molecule(
    Sums* sums, const Cluster* a, Py_ssize_t i, const Cluster* b, Py_ssize_t j, const int* order
) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(a.start[i + 1] - a.start[i]):
        add(sums, a.atoms + 3 * (a.start[i] + k), b.atoms + 3 * (b.start[j] + order[k]))


cdef double grow(
    const Cluster* a, const Cluster* b, const Orders* orders, Motion* motion, double loose, double tight,
    Pairing* pairing, double* moved,
) noexcept nogil:
    # From a first superposition of the central molecules, find counterparts of one molecule after the other and fit
    # again each time that their number has doubled; then assign and fit until nothing changes. Returns the mean square
    # distance of all atoms, infinity where a molecule has no counterpart.
    cdef Sums sums
    cdef double place[3]
    cdef double limit, before, now = INFINITY
    cdef Py_ssize_t i, j, fitted = 1
    cdef int turn
    for turn in range(ROUNDS):
        memset(pairing.used, 0, b.n)
        memset(&sums, 0, sizeof(Sums))
        limit = loose if turn == 0 else tight
        for i in range(a.n):
            move(motion, a.centres + 3 * i, place)
            # The centre of a molecule moves no more than its atoms do on average.
            j = 0 if i == 0 else nearest_free(b, place, a.kind[i], pairing.used, limit)
            if j < 0:
                return INFINITY
            pairing.order[i] = best_order(a, i, b, j, orders, motion, limit, moved)
            if pairing.order[i] == NULL:
                return INFINITY
            pairing.used[j] = 1
            pairing.image[i] = j
            add_molecule(&sums, a, i, b, j, pairing.order[i])
            if turn == 0 and i == fitted:
                fit(&sums, motion)
                fitted *= 2
        before, now = now, fit(&sums, motion)
        if turn > 0 and fabs(before - now) < 1e-12:
            break
    now = 0.0
    for i in range(a.n):
        before = 0.0
        for j in range(a.start[i + 1] - a.start[i]):
            move(motion, a.atoms + 3 * (a.start[i] + j), place)
            before += square_distance(place, b.atoms + 3 * (b.start[pairing.image[i]] + pairing.order[i][j]))
        if before > tight * (a.start[i + 1] - a.start[i]):
            return INFINITY
        now += before
    return now / a.start[a.n]


cdef bint alike(const double* a, const double* b, const int* order, Py_ssize_t n, double limit) noexcept nogil:
    # Whether two molecules can lie within a mean square distance of one another: in that case their distances differ
    # by no more than twice its root (root mean square).
    cdef double total = 0.0, most = 2.0 * limit * n * (n - 1)
    cdef Py_ssize_t i, j
    for i in range(1, n):
        for j in range(i):
            total += (
                sqrt(square_distance(a + 3 * i, a + 3 * j))
                - sqrt(square_distance(b + 3 * order[i], b + 3 * order[j]))
            ) ** 2
        if total > most:
            return False
    return True


cdef int remember(Tried* tried, const Motion* motion, const double* centre) noexcept nogil:
    # Adds a motion to those known; of those that differ by less than 5 degrees and 0.2 Å at the centre, which grow to
    # the same, the first. -1 where there is no room.
    cdef double here[3]
    cdef double there[3]
    cdef double turned
    cdef Motion* more
    cdef Py_ssize_t k
    cdef int c
    move(motion, centre, here)
    for k in range(tried.n):
        move(&tried.motions[k], centre, there)
        if square_distance(here, there) > 0.04:
            continue
        turned = 0.0
        for c in range(9):
            turned += (motion.turn[c] - tried.motions[k].turn[c]) ** 2
        if turned < 0.0152:
            return 0
    if tried.n == tried.room:
        more = <Motion*>realloc(tried.motions, 2 * (tried.room + 32) * sizeof(Motion))
        if more == NULL:
            return -1
        tried.motions, tried.room = more, 2 * (tried.room + 32)
    tried.motions[tried.n] = motion[0]
    tried.n += 1
    return 0


cdef Py_ssize_t farthest_from(const double* p, Py_ssize_t n, Py_ssize_t i) noexcept nogil:
    cdef Py_ssize_t k, far = i
    for k in range(n):
        if square_distance(p + 3 * i, p + 3 * k) > square_distance(p + 3 * i, p + 3 * far):
            far = k
    return far


cdef bint is_straight(const double* p, Py_ssize_t n) noexcept nogil:
    # Whether points lie within 0.2 Å of a line, or are one: the turn about it is then free.
    cdef Py_ssize_t k, one = farthest_from(p, n, 0), other = farthest_from(p, n, one)
    cdef double axis[3]
    cdef double d[3]
    cdef double normal[3]
    cdef double longest = square_distance(p + 3 * one, p + 3 * other)
    cdef int c
    if longest == 0.0:
        return True
    for c in range(3):
        axis[c] = p[3 * other + c] - p[3 * one + c]
    for k in range(n):
        for c in range(3):
            d[c] = p[3 * k + c] - p[3 * one + c]
        cross(axis, d, normal)
        if dot(normal, normal) > 0.04 * longest:
            return False
    return True


cdef void two_guides(const Cluster* a, Py_ssize_t start, Py_ssize_t* first, Py_ssize_t* second) noexcept nogil:
    # The closest neighbours from one on whose centres make, with that of the central molecule, a triangle far from flat, and one
    # of which is off the axis of a straight molecule.
    cdef double u[3]
    cdef double v[3]
    cdef double axis[3]
    cdef double normal[3]
    cdef double area, length
    cdef Py_ssize_t i, j, one = farthest_from(a.atoms, a.start[1], 0), other = farthest_from(a.atoms, a.start[1], one)
    cdef int c
    first[0] = second[0] = -1
    for c in range(3):
        axis[c] = a.atoms[3 * other + c] - a.atoms[3 * one + c]
    length = dot(axis, axis)
    for i in range(start, a.n):
        for c in range(3):
            u[c] = a.centres[3 * i + c] - a.centres[c]
        cross(axis, u, normal)
        if length > 0.0 and dot(normal, normal) < 0.1 * length * dot(u, u):
            continue
        for j in range(1, a.n):
            for c in range(3):
                v[c] = a.centres[3 * j + c] - a.centres[c]
            cross(u, v, normal)
            area = dot(normal, normal)
            if j != i and area > 0.2 * dot(u, u) * dot(v, v):
                first[0] = i
                second[0] = j
                return


cdef int guided_motions(
    const Cluster* a, const Cluster* b, const Orders* orders, double loose, Py_ssize_t s, Py_ssize_t t, Tried* tried
) noexcept nogil:
    # First superpositions of the central molecule together with the centres of two neighbours.
    cdef Motion motion
    cdef Sums sums
    cdef Py_ssize_t n = a.start[1], kind = a.kind[0], p, j, k, i
    cdef double reach = sqrt(loose), d_s, d_t, d_st
    cdef const int* order
    d_s = sqrt(square_distance(a.centres, a.centres + 3 * s))
    d_t = sqrt(square_distance(a.centres, a.centres + 3 * t))
    d_st = sqrt(square_distance(a.centres + 3 * s, a.centres + 3 * t))
    for j in range(1, b.n):
        if b.kind[j] != a.kind[s] or fabs(sqrt(square_distance(b.centres, b.centres + 3 * j)) - d_s) > reach:
            continue
        for k in range(1, b.n):
            if (
                k == j
                or b.kind[k] != a.kind[t]
                or fabs(sqrt(square_distance(b.centres, b.centres + 3 * k)) - d_t) > reach
                or fabs(sqrt(square_distance(b.centres + 3 * j, b.centres + 3 * k)) - d_st) > reach
            ):
                continue
            for p in range(orders.count[kind]):
                order = orders.rows + orders.start[kind] + p * n
                memset(&sums, 0, sizeof(Sums))
                for i in range(n):
                    add(&sums, a.atoms + 3 * i, b.atoms + 3 * order[i])
                add(&sums, a.centres + 3 * s, b.centres + 3 * j)
                add(&sums, a.centres + 3 * t, b.centres + 3 * k)
                if fit(&sums, &motion) <= loose and remember(tried, &motion, a.centres):
                    return -1
    return 0


cdef int first_motions(
    const Cluster* a, const Cluster* b, const Orders* orders, double loose, double tight, int guides, Tried* tried
) noexcept nogil:
    # First superpositions of the central molecules, their atoms in every order; where they are straight, so many times
    # together with two neighbours. -1 where there is no room for them.
    cdef Motion motion
    cdef Sums sums
    cdef Py_ssize_t n = a.start[1], kind = a.kind[0], p, i, t, s = 0
    cdef const int* order
    tried.n = 0
    if is_straight(a.atoms, n) or is_straight(b.atoms, n):
        for p in range(guides):
            two_guides(a, s + 1, &s, &t)
            if s < 0:
                return 0
            if guided_motions(a, b, orders, loose, s, t, tried):
                return -1
        return 0
    for p in range(orders.count[kind]):
        order = orders.rows + orders.start[kind] + p * n
        if not alike(a.atoms, b.atoms, order, n, tight):
            continue
        memset(&sums, 0, sizeof(Sums))
        for i in range(n):
            add(&sums, a.atoms + 3 * i, b.atoms + 3 * order[i])
        if fit(&sums, &motion) <= tight and remember(tried, &motion, a.centres):
            return -1
    return 0


cdef double best_of(
    const Cluster* a, const Cluster* b, const Orders* orders, double loose, double tight, Pairing* pairing,
    double* moved, const Tried* tried,
) noexcept nogil:
    cdef double best = INFINITY
    cdef Motion motion
    cdef Py_ssize_t k
    for k in range(tried.n):
        motion = tried.motions[k]
        best = min(best, grow(a, b, orders, &motion, loose, tight, pairing, moved))
    return best


def superpose(
    Packing a,
    const Py_ssize_t[::1] index,
    const double[:, ::1] shift,
    Packing b,
    const Py_ssize_t[::1] middles,
    const int[::1] orders,
    const Py_ssize_t[::1] order_start,
    const Py_ssize_t[::1] order_count,
    double molecule_tolerance,
    bint mirror,
):
    """Lay a cluster of one crystal upon another crystal.

    Parameters
    ----------
    a : Packing
        The crystal of the cluster.
    index, shift : (n,), (n, 3) memoryview
        The cluster, as `Packing.shell` gives it.
    b : Packing
        The other crystal, its kinds numbered like those of a.
    middles : memoryview of Py_ssize_t
        Molecules of b, of the kind of the cluster's first one, which is laid upon each of them.
    orders : memoryview of int
        For every kind, the orders of the atoms that keep the bonds, one after the other.
    order_start, order_count : memoryview
        Where those of each kind begin, and how many there are.
    molecule_tolerance : float
        The largest root mean square distance of the atoms of one molecule from those of its counterpart, Å.
    mirror : bool
        Lay the mirror image of the cluster upon b as well.

    Returns
    -------
    float
        The lowest root mean square distance over all atoms of the cluster, Å; infinity where a molecule has no
        counterpart.

    Raises
    ------
    MemoryError
        When the images of an extreme cell have no room.
    """
    cdef Cluster hands[2]
    cdef Cluster around
    cdef Orders ordered
    cdef Pairing pairing
    cdef Tried tried
    cdef double tight = molecule_tolerance ** 2, loose = 4.0 * tight, radius = 0.0, best = INFINITY, found_here
    cdef Py_ssize_t n = index.shape[0], room, i, found, largest = 0
    cdef Py_ssize_t* images
    cdef double* moves
    cdef double* moved
    cdef double d[3]
    cdef int c, hand, failed = 0
    for i in range(middles.shape[0]):
        if not 0 <= middles[i] < b.molecules or b.kinds[middles[i]] != a.kinds[index[0]]:
            raise ValueError("a middle is no molecule of the kind")
    for i in range(n):
        for c in range(3):
            d[c] = a.centres[index[i], c] + shift[i, c] - a.centres[index[0], c] - shift[0, c]
        radius = max(radius, sqrt(dot(d, d)))
    radius += 2.0 * molecule_tolerance + 1.0
    room = b.most_images(radius)
    if room < 0:
        raise MemoryError("the neighbours have no room: the cell is too flat")
    for i in range(a.molecules):
        largest = max(largest, a.begin[i + 1] - a.begin[i])
    ordered.rows, ordered.start, ordered.count = &orders[0], &order_start[0], &order_count[0]
    tried.room, tried.motions = 0, NULL
    images = <Py_ssize_t*>malloc((room + 1) * sizeof(Py_ssize_t))
    moves = <double*>malloc(3 * (room + 1) * sizeof(double))
    moved = <double*>malloc(3 * largest * sizeof(double))
    pairing.image = <Py_ssize_t*>malloc(n * sizeof(Py_ssize_t))
    pairing.order = <const int**>malloc(n * sizeof(void*))
    pairing.used = <unsigned char*>malloc(room + 1)
    memset(hands, 0, 2 * sizeof(Cluster))
    memset(&around, 0, sizeof(Cluster))
    with nogil:
        if (
            images == NULL or moves == NULL or moved == NULL or pairing.image == NULL or pairing.order == NULL
            or pairing.used == NULL
            or fill_cluster(a, &index[0], &shift[0, 0], n, 1.0, &hands[0])
            or fill_cluster(a, &index[0], &shift[0, 0], n, -1.0, &hands[1])
        ):
            failed = 1
        else:
            for i in range(middles.shape[0]):
                found = b.images(middles[i], radius, images, moves)
                failed = fill_cluster(b, images, moves, found, 1.0, &around)
                for hand in range(2 if mirror else 1):
                    failed = failed or first_motions(&hands[hand], &around, &ordered, loose, tight, 1, &tried)
                    if not failed:
                        found_here = best_of(
                            &hands[hand], &around, &ordered, loose, tight, &pairing, moved, &tried
                        )
                        best = min(best, found_here)
                empty_cluster(&around)
                memset(&around, 0, sizeof(Cluster))
                if failed:
                    break
        empty_cluster(&hands[0])
        empty_cluster(&hands[1])
        free(images)
        free(moves)
        free(moved)
        free(pairing.image)
        free(pairing.order)
        free(pairing.used)
        free(tried.motions)
    if failed:
        raise MemoryError("no room for the molecules")
    return sqrt(best)
