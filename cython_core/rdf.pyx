"""Radial functions of a periodic cell, summed over every pair of atoms inside the cutoff."""

from libc.math cimport M_PI, cos, exp, hypot, rint, sqrt
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from genarris_fw._kernels.lattice cimport span

# The three innermost loops, in C so that they become vector instructions.
cdef extern from *:
    """
    #include <math.h>
    #if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
    #define RDF_CLONES __attribute__((target_clones("avx2", "default")))
    #else
    #define RDF_CLONES
    #endif
    #define MOMENTS 8

    /* The squared lengths of d + (x, y, z) above own and up to square; all is room for those of any length. */
    RDF_CLONES static long near(const double *x, const double *y, const double *z, long n, const double *d,
                                double own, double square, double *all, double *found) {
        long count = 0;
        #pragma omp simd
        for (long m = 0; m < n; ++m) {
            const double u = d[0] + x[m], v = d[1] + y[m], w = d[2] + z[m];
            all[m] = u * u + v * v + w * w;
        }
        /* Written always and counted when near: without a branch. */
        for (long m = 0; m < n; ++m) {
            found[count] = all[m];
            count += (own < all[m]) & (all[m] <= square);
        }
        return count;
    }

    /* Add the powers 0 to 7 of where each distance lies within its bin, from -1 to 1. A bin is a cache line. */
    RDF_CLONES static void deposit(double *squares, long n, double per_length, int bins, double *moments) {
        typedef double Row __attribute__((vector_size(32), aligned(8)));
        #pragma omp simd
        for (long i = 0; i < n; ++i) squares[i] = sqrt(squares[i]) * per_length;
        for (long i = 0; i < n; ++i) {
            const int place = (int)squares[i], bin = place < bins ? place : bins - 1;
            const double u = 2.0 * (squares[i] - bin) - 1.0, u2 = u * u, u4 = u2 * u2;
            const Row low = {1.0, u, u2, u2 * u};
            Row *m = (Row *)(moments + MOMENTS * bin);
            m[0] += low;
            m[1] += u4 * low;
        }
    }

    /* total[k] += sum over the bins of moments . pieces[:, k] */
    RDF_CLONES static void contract(const double *moments, long bins, const double *pieces, long n, double *total) {
        for (long b = 0; b < bins; ++b) {
            const double *m = moments + MOMENTS * b, *p = pieces + MOMENTS * b * n;
            if (m[0] == 0.0) continue;
            for (long k = 0; k < n; ++k)
                total[k] += ((m[0] * p[k] + m[1] * p[n + k]) + (m[2] * p[2 * n + k] + m[3] * p[3 * n + k]))
                          + ((m[4] * p[4 * n + k] + m[5] * p[5 * n + k]) + (m[6] * p[6 * n + k] + m[7] * p[7 * n + k]));
        }
    }
    """
    enum: MOMENTS
    long near(const double* x, const double* y, const double* z, long n, const double* d, double own, double square, double* all, double* found) noexcept nogil
    void deposit(double* squares, long n, double per_length, int bins, double* moments) noexcept nogil
    void contract(const double* moments, long bins, const double* pieces, long n, double* total) noexcept nogil


cdef enum:
    BATCH = 1024  # distances that are gathered before they are added up
    BLOCK = 125  # cells of a finite block, 5 x 5 x 5
    LINE = 8  # numbers of a cache line

cdef double OWN = 1e-12  # Å2; squared distances up to this are an atom's own place


cdef struct Images:
    # the lattice's points that may lead to a neighbour: plane after plane of the first two vectors, from -last to
    # last along the third
    double* x
    double* y
    double* z
    long* starts
    long last
    const double* lattice
    double cutoff
    # all neighbours inside the cutoff, or those of a finite block of cells, an atom's own place included
    bint whole


cdef struct Functions:
    # exp(-eta (r - centre)^2) times the cosine cutoff, n of them
    const double* eta
    const double* centre
    long n
    double cutoff
    # distance of neighbouring centres where they are even and eta is common; 0 otherwise
    double spacing
    # exp(-eta spacing^2)
    double fall
    # the same functions as polynomials on even bins, (bins, MOMENTS, n); NULL where they are too narrow for it
    const double* pieces
    long bins


cdef struct Atoms:
    # those of one element stand together
    const double* points
    const Py_ssize_t* kinds
    long n


cdef struct Room:
    void* block
    double* moments
    double* own
    double* total
    # squared distances: of all images of an atom that are looked at, and those that are near
    double* all
    double* found


cdef bint open_room(const Functions* functions, Images* images, Room* room) noexcept nogil:
    # Room for a structure's images and sums, and the images themselves.
    cdef long most = BLOCK, planes = 1
    cdef double* place
    images.last = 0
    if images.whole:
        images.last = <long>(images.cutoff / images.lattice[8] + 0.5)
        planes = 2 * images.last + 1
        most = most_images(images.lattice, images.cutoff, images.last)
    room.block = malloc(
        (LINE + functions.bins * MOMENTS + 2 * functions.n + 5 * most + BATCH + 1) * sizeof(double)
        + (planes + 1) * sizeof(long)
    )
    if room.block == NULL:
        return False
    # Moments begin at a cache line.
    place = <double*>room.block + LINE - <size_t>room.block // sizeof(double) % LINE
    room.moments = place
    room.own = room.moments + functions.bins * MOMENTS
    room.total = room.own + functions.n
    images.x = room.total + functions.n
    images.y = images.x + most
    images.z = images.y + most
    room.all = images.z + most
    # One more than are found: it is written before it is known not to be near.
    room.found = room.all + most
    images.starts = <long*>(room.found + most + BATCH + 1)
    if images.whole:
        list_images(images.lattice, images.cutoff, images)
    else:
        list_block(images.lattice, images)
    return True


cdef inline double plane_reach(const double* lattice, double cutoff, long plane) noexcept nogil:
    # How far from the origin a point of the plane can be that leads to a neighbour. Neighbours are first moved to
    # within half a cell of the centre: by half of the diagonal at most within a plane.
    cdef double height = max(0.0, abs(plane) - 0.5) * lattice[8]
    cdef double square = cutoff * cutoff - height * height
    return (sqrt(square) if square > 0.0 else 0.0) + 0.5 * hypot(lattice[0], lattice[4]) + 1e-9 * cutoff


cdef long most_images(const double* lattice, double cutoff, long last) noexcept nogil:
    # One more along each line than fit between its ends, for rounding.
    cdef double across = 2.0 * plane_reach(lattice, cutoff, 0)
    return (2 * last + 1) * (<long>(across / lattice[0]) + 2) * (<long>(across / lattice[4]) + 2)


cdef void list_images(const double* lattice, double cutoff, Images* images) noexcept nogil:
    # The lattice is lower triangular: a plane is cut into lines, and each is walked from end to end.
    cdef double ax = lattice[0], bx = lattice[3], by = lattice[4]
    cdef double cx = lattice[6], cy = lattice[7], cz = lattice[8]
    cdef double y, reach, left
    cdef int64_t i, i0, i1, j, j0, j1
    cdef long n = 0
    cdef long k
    for k in range(-images.last, images.last + 1):
        images.starts[k + images.last] = n
        reach = plane_reach(lattice, cutoff, k)
        span(reach, k * cy, by, &j0, &j1)
        for j in range(j0, j1 + 1):
            y = k * cy + j * by
            left = sqrt(max(0.0, reach * reach - y * y))
            span(left, k * cx + j * bx, ax, &i0, &i1)
            for i in range(i0, i1 + 1):
                images.x[n] = k * cx + j * bx + i * ax
                images.y[n] = y
                images.z[n] = k * cz
                n += 1
    images.starts[2 * images.last + 1] = n


cdef void list_block(const double* lattice, Images* images) noexcept nogil:
    cdef long i, j, k
    cdef long n = 0
    for i in range(-2, 3):
        for j in range(-2, 3):
            for k in range(-2, 3):
                images.x[n] = i * lattice[0] + j * lattice[3] + k * lattice[6]
                images.y[n] = i * lattice[1] + j * lattice[4] + k * lattice[7]
                images.z[n] = i * lattice[2] + j * lattice[5] + k * lattice[8]
                n += 1
    images.starts[0] = 0
    images.starts[1] = n


cdef inline long find(const Images* images, const double* p, const double* q, double* all, double* found) noexcept nogil:
    # Squared distances up to the cutoff from p to q and its images.
    cdef const double* v = images.lattice
    cdef double cutoff = images.cutoff
    cdef double d[3]
    cdef double cells
    cdef long first = 0, after = 1
    cdef int c
    for c in range(3):
        d[c] = q[c] - p[c]
    if images.whole:
        for c in range(2, -1, -1):
            cells = rint(d[c] / v[4 * c])
            d[0] -= cells * v[3 * c]
            d[1] -= cells * v[3 * c + 1]
            d[2] -= cells * v[3 * c + 2]
        first = images.last - min(images.last, <long>((cutoff + d[2]) / v[8]))
        after = images.last + min(images.last, <long>((cutoff - d[2]) / v[8])) + 1
    first, after = images.starts[first], images.starts[after]
    return near(
        images.x + first, images.y + first, images.z + first, after - first, d,
        OWN if images.whole else -1.0, cutoff * cutoff, all, found,
    )


cdef inline void add_even(const Functions* functions, double r, double smooth, double* total) noexcept nogil:
    # Neighbouring Gaussians of an even grid differ by a factor that itself grows geometrically, so two
    # exponentials serve all of them. Starting at the nearest centre keeps every factor harmless.
    cdef double eta = functions.eta[0]
    cdef double step = functions.spacing
    cdef long last = functions.n - 1
    cdef double place = (r - functions.centre[0]) / step + 0.5
    cdef long nearest = 0 if place < 0 else (last if place > last else <long>place)
    cdef double t = r - functions.centre[nearest]
    cdef double start = smooth * exp(-eta * t * t)
    cdef double tilt = exp(2.0 * eta * step * t)
    cdef double fall = functions.fall
    cdef double bend = fall * fall
    cdef double value, factor
    cdef long k
    total[nearest] += start
    value = start
    factor = tilt * fall
    for k in range(nearest + 1, functions.n):
        value *= factor
        factor *= bend
        total[k] += value
    value = start
    factor = fall / tilt
    for k in range(nearest - 1, -1, -1):
        value *= factor
        factor *= bend
        total[k] += value


cdef void add_each(const Functions* functions, const double* squares, long n, double* total) noexcept nogil:
    cdef double r, smooth, t
    cdef long i, k
    for i in range(n):
        r = squares[i] ** 0.5
        smooth = 0.5 * (cos(M_PI * r / functions.cutoff) + 1.0)
        if functions.spacing > 0.0:
            add_even(functions, r, smooth, total)
            continue
        for k in range(functions.n):
            t = r - functions.centre[k]
            total[k] += smooth * exp(-functions.eta[k] * t * t)


cdef void begin(const Functions* functions, const Room* room, double* total) noexcept nogil:
    memset(total, 0, functions.n * sizeof(double))
    memset(room.moments, 0, functions.bins * MOMENTS * sizeof(double))


cdef void gather(const Functions* functions, const Room* room, long n, double* total) noexcept nogil:
    if functions.pieces == NULL:
        add_each(functions, room.found, n, total)
    else:
        deposit(room.found, n, functions.bins / functions.cutoff, functions.bins, room.moments)


cdef void finish(const Functions* functions, const Room* room, double* total) noexcept nogil:
    if functions.pieces != NULL:
        contract(room.moments, functions.bins, functions.pieces, functions.n, total)


cdef inline long end_of_run(const Atoms* atoms, long first) noexcept nogil:
    cdef long after = first + 1
    while after < atoms.n and atoms.kinds[after] == atoms.kinds[first]:
        after += 1
    return after


cdef void sum_runs(
    const Images* images, const Functions* functions, const Atoms* atoms, long first, long other, const Room* room
) noexcept nogil:
    # Over the pairs of two runs of atoms, or over any two of one run once.
    cdef long after = end_of_run(atoms, first), other_after = end_of_run(atoms, other)
    cdef long n = 0
    cdef long i, j
    begin(functions, room, room.total)
    for i in range(first, after):
        for j in range(max(i + 1, other), other_after):
            n += find(images, atoms.points + 3 * i, atoms.points + 3 * j, room.all, room.found + n)
            if n > BATCH:
                gather(functions, room, n, room.total)
                n = 0
    gather(functions, room, n, room.total)
    finish(functions, room, room.total)


cdef void describe(
    const Images* images, const Functions* functions, const Atoms* atoms, const Room* room, double[:, :, ::1] out
) noexcept nogil:
    cdef long first = 0
    cdef long other, k
    cdef Py_ssize_t a, b
    # An atom's own images lie at the lattice's points, the same for every atom.
    begin(functions, room, room.own)
    gather(functions, room, find(images, atoms.points, atoms.points, room.all, room.found), room.own)
    finish(functions, room, room.own)
    while first < atoms.n:
        a = atoms.kinds[first]
        other = first
        while other < atoms.n:
            b = atoms.kinds[other]
            sum_runs(images, functions, atoms, first, other, room)
            for k in range(functions.n):
                out[a, b, k] = out[b, a, k] = room.total[k]
            other = end_of_run(atoms, other)
        for k in range(functions.n):
            out[a, a, k] = 2.0 * out[a, a, k] + (end_of_run(atoms, first) - first) * room.own[k]
        first = end_of_run(atoms, first)


cdef void surround(
    const Images* images, const Functions* functions, const Atoms* atoms, const Room* room, double[:, :, ::1] out
) noexcept nogil:
    cdef long i, j, k, n
    for i in range(atoms.n):
        for j in range(i, atoms.n):
            memset(room.total, 0, functions.n * sizeof(double))
            n = find(images, atoms.points + 3 * i, atoms.points + 3 * j, room.all, room.found)
            add_each(functions, room.found, n, room.total)
            for k in range(functions.n):
                out[i, atoms.kinds[j], k] += room.total[k]
                if i != j:
                    out[j, atoms.kinds[i], k] += room.total[k]


ctypedef void (*Summation)(
    const Images*, const Functions*, const Atoms*, const Room*, double[:, :, ::1]
) noexcept nogil


cdef class Sum:
    """The functions that are summed, and over which neighbours.

    Parameters
    ----------
    eta, centres : (m,) memoryviews
        Widths in 1/Å2 and centres in Å of the Gaussians.
    spacing : float
        Distance of neighbouring centres in Å when they are even and eta is common, else 0.
    cutoff : float
        Radius in Å.
    pieces : (bins, 8, m) memoryview
        The functions, cutoff included, on even bins from 0 to the cutoff: coefficients of the powers of the place
        within the bin, from -1 to 1. With no bins every function is evaluated at every distance.
    whole : bool
        All neighbours inside the cutoff, an atom's own place excluded; else those of the cells -2 to 2 along each
        lattice vector, its own place included.

    Raises
    ------
    ValueError
        When the shapes do not fit together.
    """

    cdef Functions functions
    cdef const double[::1] eta, centres
    cdef const double[:, :, ::1] pieces
    cdef bint whole

    def __init__(
        self,
        const double[::1] eta,
        const double[::1] centres,
        double spacing,
        double cutoff,
        const double[:, :, ::1] pieces,
        bint whole,
    ):
        if eta.shape[0] == 0 or eta.shape[0] != centres.shape[0] or not cutoff > 0.0:
            raise ValueError("there must be functions, each with a width and a centre, and a positive cutoff")
        if pieces.shape[0] and (pieces.shape[1] != MOMENTS or pieces.shape[2] != eta.shape[0]):
            raise ValueError("the polynomials do not fit the functions")
        self.eta, self.centres, self.pieces, self.whole = eta, centres, pieces, whole
        self.functions.eta = &eta[0]
        self.functions.centre = &centres[0]
        self.functions.n = eta.shape[0]
        self.functions.cutoff = cutoff
        self.functions.spacing = spacing
        self.functions.fall = exp(-eta[0] * spacing * spacing)
        self.functions.bins = pieces.shape[0]
        self.functions.pieces = &pieces[0, 0, 0] if pieces.shape[0] else NULL

    def describe(
        self,
        const double[:, ::1] lattice,
        const double[:, ::1] points,
        const Py_ssize_t[::1] kinds,
        double[:, :, ::1] out,
    ):
        """Sum over a structure's pairs of elements.

        Parameters
        ----------
        lattice : (3, 3) memoryview
            Lattice rows in Å, a lower triangle with a positive diagonal where all neighbours are wanted.
        points : (n, 3) memoryview
            Positions in Å; they need not lie in the cell.
        kinds : (n,) memoryview of Py_ssize_t
            Element of each atom; atoms of one element stand together.
        out : (elements, elements, m) memoryview
            Receives the sums over centres of one element and neighbours of another; pairs of elements that are
            not there are left as they are.

        Raises
        ------
        ValueError
            When the shapes do not fit together.
        MemoryError
            When the neighbours have no room.
        """
        if out.shape[0] != out.shape[1]:
            raise ValueError("the result's shape does not fit the pairs of elements")
        self.run(lattice, points, kinds, out, describe)

    def surround(
        self,
        const double[:, ::1] lattice,
        const double[:, ::1] points,
        const Py_ssize_t[::1] kinds,
        double[:, :, ::1] out,
    ):
        """Add to ``out``, (n, elements, m), the sums around each atom over the neighbours of each element.

        Every function is evaluated at every distance; all else is as in `describe`.
        """
        if out.shape[0] != points.shape[0]:
            raise ValueError("the result's shape does not fit the atoms")
        self.run(lattice, points, kinds, out, surround)

    cdef int run(
        self,
        const double[:, ::1] lattice,
        const double[:, ::1] points,
        const Py_ssize_t[::1] kinds,
        double[:, :, ::1] out,
        Summation summation,
    ) except -1:
        cdef const Functions* functions = &self.functions
        cdef Atoms atoms
        cdef Images images
        cdef Room room
        cdef bint opened
        cdef long i
        atoms.n = points.shape[0]
        if lattice.shape[0] != 3 or lattice.shape[1] != 3 or points.shape[1] != 3 or kinds.shape[0] != atoms.n:
            raise ValueError("lattice, points and kinds do not fit together")
        if out.shape[2] != functions.n:
            raise ValueError("the result's shape does not fit the functions")
        for i in range(atoms.n):
            if not 0 <= kinds[i] < out.shape[1]:
                raise ValueError("an element index lies outside the result")
        if self.whole and not (lattice[0, 0] > 0.0 and lattice[1, 1] > 0.0 and lattice[2, 2] > 0.0):
            raise ValueError("the lattice's diagonal must be positive")
        if atoms.n == 0:
            return 0
        atoms.points = &points[0, 0]
        atoms.kinds = &kinds[0]
        images.lattice = &lattice[0, 0]
        images.cutoff = functions.cutoff
        images.whole = self.whole
        with nogil:
            opened = open_room(functions, &images, &room)
            if opened:
                summation(&images, functions, &atoms, &room, out)
            free(room.block)
        if not opened:
            raise MemoryError("the neighbours have no room: the cutoff is too large for the cell")
        return 0
