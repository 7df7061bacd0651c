"""How many molecules of a cluster of one crystal lie on molecules of another, and how well."""

from cython.view cimport array as cython_array
from libc.math cimport INFINITY, cos, fabs, sqrt
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from genarris_fw._kernels.lattice cimport dot
from genarris_fw._kernels.matching cimport (
    Cluster,
    Orders,
    Packing,
    Pairing,
    Tried,
    add_molecule,
    best_order,
    empty_cluster,
    farthest_from,
    fill_cluster,
    first_motions,
    is_straight,
    nearest_free,
)
from genarris_fw._kernels.superposition cimport Motion, Sums, add, fit, move, square_distance


cdef enum:
    ROUNDS = 8  # of assignment and fit at most
    GUIDES = 4  # pairs of neighbours that tell how a straight molecule is turned: not all of them have counterparts

cdef double LOOSENED = 2.0  # what the tolerances are multiplied by while only some molecules are fitted,
cdef double LESS = 1.25  # and in the first round with all of them
cdef double CENTRAL = 4.0  # Å2, mean square distance of the central molecules laid upon each other
cdef double UNSURE = 0.5  # Å by which distances within a molecule may differ in any case: rotations of methyl groups


cdef struct Limits:
    # of distances (fraction), of directions and turns (degrees), of the atoms of a molecule (Å2, mean square)
    double distance
    double angle
    double apart


cdef struct Laid:
    # a cluster laid upon another crystal: how many molecules, mean square distance of their atoms, and where
    Py_ssize_t matched
    double square
    Motion motion
    Py_ssize_t middle
    int hand


cdef double cosine(double degrees) noexcept nogil:
    # Of angles up to 180 degrees; below every cosine for larger ones.
    return cos(degrees * 0.017453292519943295) if degrees < 180.0 else -2.0


cdef double minor(const double* m, int i, int j, int k) noexcept nogil:
    # The determinant of three rows and columns of a symmetric 4 x 4 matrix.
    return (
        m[5 * i] * (m[5 * j] * m[5 * k] - m[4 * j + k] * m[4 * j + k])
        - m[4 * i + j] * (m[4 * i + j] * m[5 * k] - m[4 * j + k] * m[4 * i + k])
        + m[4 * i + k] * (m[4 * i + j] * m[4 * j + k] - m[5 * j] * m[4 * i + k])
    )


cdef double cosine_of_fit(const Sums* s) noexcept nogil:
    # The cosine of the angle of the turn that `fit` finds, for a fraction of its time: the largest eigenvalue of its
    # matrix by Newton's steps from above (Theobald, Acta Cryst. A 61, 478, 2005), and of the eigenvector, a unit
    # quaternion, the first component, of the minors.
    cdef double h[9]
    cdef double m[16]
    cdef double most = s.squares, c2 = 0.0, c1, c0, x, step, total, first
    cdef int i, j
    for i in range(3):
        most -= (s.a[i] * s.a[i] + s.b[i] * s.b[i]) / s.n
        for j in range(3):
            h[3 * i + j] = s.ab[3 * i + j] - s.a[i] * s.b[j] / s.n
            c2 -= 2.0 * h[3 * i + j] * h[3 * i + j]
    m[0] = h[0] + h[4] + h[8]
    m[5] = h[0] - h[4] - h[8]
    m[10] = h[4] - h[0] - h[8]
    m[15] = h[8] - h[0] - h[4]
    m[1] = m[4] = h[5] - h[7]
    m[2] = m[8] = h[6] - h[2]
    m[3] = m[12] = h[1] - h[3]
    m[6] = m[9] = h[1] + h[3]
    m[7] = m[13] = h[2] + h[6]
    m[11] = m[14] = h[5] + h[7]
    c1 = -8.0 * (
        h[0] * (h[4] * h[8] - h[5] * h[7]) - h[1] * (h[3] * h[8] - h[5] * h[6]) + h[2] * (h[3] * h[7] - h[4] * h[6])
    )
    c0 = determinant(m)
    x = 0.5 * most
    for i in range(50):
        step = 4.0 * x * x * x + 2.0 * c2 * x + c1
        if not fabs(step) > 0.0:
            break
        step = ((x * x + c2) * x * x + c1 * x + c0) / step
        x -= step
        if fabs(step) <= 1e-11 * fabs(x):
            break
    for i in range(4):
        m[5 * i] -= x
    first = minor(m, 1, 2, 3)
    total = first + minor(m, 0, 2, 3) + minor(m, 0, 1, 3) + minor(m, 0, 1, 2)
    return 2.0 * first / total - 1.0 if total != 0.0 else 1.0


cdef double determinant(const double* m) noexcept nogil:
    # Of a 4 x 4 matrix, by the minors of its first two and last two rows.
    return (
        (m[0] * m[5] - m[1] * m[4]) * (m[10] * m[15] - m[11] * m[14])
        - (m[0] * m[6] - m[2] * m[4]) * (m[9] * m[15] - m[11] * m[13])
        + (m[0] * m[7] - m[3] * m[4]) * (m[9] * m[14] - m[10] * m[13])
        + (m[1] * m[6] - m[2] * m[5]) * (m[8] * m[15] - m[11] * m[12])
        - (m[1] * m[7] - m[3] * m[5]) * (m[8] * m[14] - m[10] * m[12])
        + (m[2] * m[7] - m[3] * m[6]) * (m[8] * m[13] - m[9] * m[12])
    )


cdef bint is_turned(
    const double* moved, const double* there, const int* order, Py_ssize_t n, double degrees, double* counterpart
) noexcept nogil:
    # Whether a molecule has to be turned by more than this to lie on its counterpart as well as it can.
    cdef Sums sums
    cdef double u[3]
    cdef double v[3]
    cdef Py_ssize_t k, one, other
    cdef int c
    if degrees >= 180.0 or n < 2:
        return False
    memset(&sums, 0, sizeof(Sums))
    for k in range(n):
        for c in range(3):
            counterpart[3 * k + c] = there[3 * order[k] + c]
        add(&sums, moved + 3 * k, counterpart + 3 * k)
    if not is_straight(moved, n) and not is_straight(counterpart, n):
        return cosine_of_fit(&sums) < cosine(degrees)
    one = farthest_from(moved, n, 0)
    other = farthest_from(moved, n, one)
    for c in range(3):
        u[c] = moved[3 * other + c] - moved[3 * one + c]
        v[c] = counterpart[3 * other + c] - counterpart[3 * one + c]
    return dot(u, v) < cosine(degrees) * sqrt(dot(u, u) * dot(v, v))


cdef bint has_other_form(
    const double* moved, const double* there, const int* order, Py_ssize_t n, double tolerance
) noexcept nogil:
    # Whether a distance between two atoms of a molecule differs from that in its counterpart.
    cdef double here
    cdef Py_ssize_t i, j
    for i in range(1, n):
        for j in range(i):
            here = sqrt(square_distance(moved + 3 * i, moved + 3 * j))
            if fabs(here - sqrt(square_distance(there + 3 * order[i], there + 3 * order[j]))) > max(
                UNSURE, tolerance * here
            ):
                return True
    return False


cdef bint lies_on(
    const Cluster* a, Py_ssize_t i, const Cluster* b, Py_ssize_t j, const Orders* orders, const Motion* motion,
    const Limits* limits, const int** order, double* moved,
) noexcept nogil:
    # Whether molecule i of the cluster, moved, matches molecule j; finds the order of its atoms.
    cdef Py_ssize_t n = a.start[i + 1] - a.start[i]
    cdef double u[3]
    cdef double v[3]
    cdef double middle[3]
    cdef double place[3]
    cdef double far, near
    cdef int c
    if i > 0:
        move(motion, a.centres, middle)
        move(motion, a.centres + 3 * i, place)
        for c in range(3):
            u[c] = place[c] - middle[c]
            v[c] = b.centres[3 * j + c] - b.centres[c]
        near, far = sqrt(dot(u, u)), sqrt(dot(v, v))
        if fabs(far - near) > limits.distance * near or dot(u, v) < cosine(limits.angle) * near * far:
            return False
    order[0] = best_order(a, i, b, j, orders, motion, limits.apart, moved)
    if order[0] == NULL:
        return False
    return not (
        is_turned(moved, b.atoms + 3 * b.start[j], order[0], n, limits.angle, moved + 3 * n)
        or has_other_form(moved, b.atoms + 3 * b.start[j], order[0], n, limits.distance)
    )


cdef Py_ssize_t grow(
    const Cluster* a, const Cluster* b, const Orders* orders, Motion* motion, const Limits* limits, Pairing* pairing,
    double* moved, Py_ssize_t most, double* square,
) noexcept nogil:
    # From a first superposition of the central molecules, find the molecules that have counterparts, one after the
    # other, and fit again each time that their number has doubled; then assign and fit until nothing changes. Returns
    # how many there are, and the mean square distance of their atoms; 0 where fewer than `most` have counterparts
    # within twice the tolerances.
    cdef Sums sums
    cdef Limits used
    cdef double factor
    cdef double place[3]
    cdef double before, now = INFINITY
    cdef Py_ssize_t i, j, fitted = 1, matched = 0, last
    cdef int turn
    for turn in range(ROUNDS):
        memset(pairing.used, 0, b.n)
        memset(&sums, 0, sizeof(Sums))
        factor = LOOSENED if turn == 0 else LESS if turn == 1 else 1.0
        used.distance, used.angle, used.apart = (
            factor * limits.distance, factor * limits.angle, factor * factor * limits.apart
        )
        last, matched = matched, 0
        for i in range(a.n):
            pairing.image[i] = -1
            move(motion, a.centres + 3 * i, place)
            j = 0 if i == 0 else nearest_free(b, place, a.kind[i], pairing.used, INFINITY)
            if j < 0 or not lies_on(a, i, b, j, orders, motion, &used, &pairing.order[i], moved):
                if i == 0:
                    return 0
                continue
            pairing.used[j] = 1
            pairing.image[i] = j
            matched += 1
            add_molecule(&sums, a, i, b, j, pairing.order[i])
            if turn == 0 and matched > fitted:
                fit(&sums, motion)
                fitted *= 2
        if turn == 0 and matched < most:
            return 0
        before, now = now, fit(&sums, motion)
        if turn > 1 and matched == last and fabs(before - now) < 1e-12:
            break
    square[0] = now
    return matched


def lay(
    Packing a,
    const Py_ssize_t[::1] index,
    const double[:, ::1] shift,
    Packing b,
    const Py_ssize_t[::1] middles,
    const int[::1] orders,
    const Py_ssize_t[::1] order_start,
    const Py_ssize_t[::1] order_count,
    double distance_tolerance,
    double angle_tolerance,
    double molecule_tolerance,
    bint mirror,
):
    """Lay a cluster of one crystal upon another crystal, so that as many of its molecules as can be have counterparts.

    Parameters
    ----------
    a, index, shift, b, middles, orders, order_start, order_count, mirror
        As of `genarris_fw._kernels.matching.superpose`.
    distance_tolerance : float
        Of the distance between the centres of a molecule and the central one, and of distances within a molecule, as a
        fraction.
    angle_tolerance : float
        Of the direction from the central molecule to a molecule, and of its turn, degrees; from 180 on there is none.
    molecule_tolerance : float
        The largest root mean square distance of the atoms of one molecule from those of its counterpart, Å; infinity
        where there is none.

    Returns
    -------
    matched : int
        How many of the molecules of the cluster have a counterpart; 0 where not even the central one has.
    rmsd : float
        Root mean square distance of their atoms, Å; infinity where there are none.
    mirrored : bool
        Whether x of the cluster is to be taken with the other sign first.
    turn, move : (3, 3), (3,) memoryview
        What then brings a point p of the cluster to its place: turn p + move.
    counterpart : (n,) memoryview of Py_ssize_t
        Molecule of b that each molecule lies on, -1 where there is none.
    places : (n, 3) memoryview
        The lattice vectors that it is moved by, Å.

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
    cdef Limits limits
    cdef Laid best
    cdef Motion motion
    cdef double radius = 0.0, square = INFINITY
    cdef Py_ssize_t n = index.shape[0], room, i, k, m, found, matched, largest = 0
    cdef Py_ssize_t* images
    cdef double* moves
    cdef double* moved
    cdef double d[3]
    cdef int c, hand, failed = 0
    for i in range(middles.shape[0]):
        if not 0 <= middles[i] < b.molecules or b.kinds[middles[i]] != a.kinds[index[0]]:
            raise ValueError("a middle is no molecule of the kind")
    counterpart = cython_array((n,), sizeof(Py_ssize_t), "q")
    places = cython_array((n, 3), sizeof(double), "d")
    turn_of = cython_array((3, 3), sizeof(double), "d")
    move_of = cython_array((3,), sizeof(double), "d")
    cdef Py_ssize_t[::1] images_of = counterpart
    cdef double[:, ::1] moves_of = places
    cdef double[:, ::1] turn = turn_of
    cdef double[::1] shifted = move_of
    for i in range(n):
        images_of[i] = -1
        for c in range(3):
            d[c] = a.centres[index[i], c] + shift[i, c] - a.centres[index[0], c] - shift[0, c]
        radius = max(radius, sqrt(dot(d, d)))
    radius = radius * (1.0 + min(LOOSENED * distance_tolerance, 1.0)) + 1.0
    room = b.most_images(radius)
    if room < 0:
        raise MemoryError("the neighbours have no room: the cell is too flat")
    for i in range(a.molecules):
        largest = max(largest, a.begin[i + 1] - a.begin[i])
    limits.distance, limits.angle, limits.apart = distance_tolerance, angle_tolerance, molecule_tolerance**2
    ordered.rows, ordered.start, ordered.count = &orders[0], &order_start[0], &order_count[0]
    tried.room, tried.motions = 0, NULL
    best.matched, best.square, best.middle, best.hand = 0, INFINITY, -1, 0
    images = <Py_ssize_t*>malloc((room + 1) * sizeof(Py_ssize_t))
    moves = <double*>malloc(3 * (room + 1) * sizeof(double))
    moved = <double*>malloc(6 * largest * sizeof(double))  # and a counterpart's
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
            for m in range(middles.shape[0]):
                found = b.images(middles[m], radius, images, moves)
                failed = fill_cluster(b, images, moves, found, 1.0, &around)
                for hand in range(2 if mirror else 1):
                    failed = failed or first_motions(&hands[hand], &around, &ordered, CENTRAL, CENTRAL, GUIDES, &tried)
                    if failed:
                        break
                    for k in range(tried.n):
                        motion = tried.motions[k]
                        matched = grow(
                            &hands[hand], &around, &ordered, &motion, &limits, &pairing, moved, best.matched, &square
                        )
                        if matched < best.matched or (matched == best.matched and square >= best.square):
                            continue
                        best.matched, best.square, best.motion, best.hand = matched, square, motion, hand
                        for i in range(n):
                            images_of[i] = -1
                            if pairing.image[i] >= 0:
                                images_of[i] = images[pairing.image[i]]
                                for c in range(3):
                                    moves_of[i, c] = moves[3 * pairing.image[i] + c]
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
    if best.matched:
        memcpy(&turn[0, 0], best.motion.turn, 9 * sizeof(double))
        memcpy(&shifted[0], best.motion.shift, 3 * sizeof(double))
    return best.matched, sqrt(best.square), best.hand == 1, turn_of, move_of, counterpart, places
