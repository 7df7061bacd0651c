"""Search for k medoids by swaps (FasterPAM), on a matrix of distances that is read by rows alone."""

from libc.math cimport INFINITY, frexp, ldexp
from libc.stdlib cimport calloc, free, malloc

import numpy as np

cdef extern from *:
    """
    #include <float.h>

    #define BLOCK 16

    /* Whether any of BLOCK numbers lies below its bound. */
    static inline int any_below(const float* numbers, const float* bounds) {
        int any = 0;
        #pragma omp simd reduction(|:any)
        for (int i = 0; i < BLOCK; i++) any |= numbers[i] < bounds[i];
        return any;
    }

    static int all_distances(const float* row, Py_ssize_t n) {
        int bad = 0;
        #pragma omp simd reduction(|:bad)
        for (Py_ssize_t i = 0; i < n; i++) bad |= !(row[i] >= 0.0f && row[i] <= FLT_MAX);
        return !bad;
    }

    static float largest(const float* row, Py_ssize_t n) {
        float most = 0.0f;
        #pragma omp simd reduction(max:most)
        for (Py_ssize_t i = 0; i < n; i++) most = row[i] > most ? row[i] : most;
        return most;
    }

    /* A number on the grid that a sum with `grid` leaves of it: see grid_for. */
    static inline double on_grid(double number, double grid) { return (number + grid) - grid; }

    static double sum_on_grid(const float* row, Py_ssize_t n, double grid) {
        double sum = 0.0;
        #pragma omp simd reduction(+:sum)
        for (Py_ssize_t i = 0; i < n; i++) sum += on_grid(row[i], grid);
        return sum;
    }
    """
    const int BLOCK
    bint any_below(const float* numbers, const float* bounds) noexcept nogil
    bint all_distances(const float* row, Py_ssize_t n) noexcept nogil
    float largest(const float* row, Py_ssize_t n) noexcept nogil
    double on_grid(double number, double grid) noexcept nogil
    double sum_on_grid(const float* row, Py_ssize_t n, double grid) noexcept nogil


cdef double grid_for(double most, Py_ssize_t n) noexcept nogil:
    # A power of two above the sum of n numbers up to `most`. Numbers added to it and taken from it again are
    # multiples of its last bit; sums of n of them are exact, so the same in any order and by any threads, and
    # a swap that lowers the total lowers it truly: no tolerance, no going in circles.
    cdef int exponent
    frexp(most * n, &exponent)
    return ldexp(1.0, exponent)


def survey(
    const float[:, ::1] distances, Py_ssize_t start, Py_ssize_t stop, double[::1] sums, float[::1] most
) -> int:
    """Look at some rows of a distance matrix.

    Parameters
    ----------
    distances : (n, n) memoryview of float
    start, stop : int
        The rows to look at.
    sums : (n,) memoryview
        Receives the sums of these rows; the same whatever the order of the columns.
    most : (n,) memoryview of float
        Receives the largest distance of each.

    Returns
    -------
    int
        The first row with a number that is no distance (negative, infinite, none), or whose distance to itself is
        not 0; -1 when there is none.

    Raises
    ------
    ValueError
        When the shapes do not fit together.
    """
    cdef Py_ssize_t n = distances.shape[0]
    cdef Py_ssize_t i
    cdef const float* row
    if distances.shape[1] != n or sums.shape[0] != n or most.shape[0] != n or not 0 <= start <= stop <= n:
        raise ValueError("the matrix, the rows and the results do not fit together")
    with nogil:
        for i in range(start, stop):
            row = &distances[i, 0]
            if not all_distances(row, n) or row[i] != 0.0:
                with gil:
                    return i
            most[i] = largest(row, n)
            sums[i] = sum_on_grid(row, n, grid_for(most[i], n))
    return -1


cdef class Medoids:
    """Medoids of a pool, and of every row the nearest two of them.

    The total deviation is the sum of the distances of all rows to their nearest medoid. Rows at distance 0 are one
    structure; the medoids are different structures.

    Parameters
    ----------
    distances : (n, n) memoryview of float
        Symmetric, finite, at least 0; only read, row by row.
    order : (n,) memoryview of Py_ssize_t
        The rows in the order in which they are tried as medoids.
    rows : (k,) sequence of int
        The medoids to begin with; k at least 2.
    most : float
        The largest distance.

    Raises
    ------
    ValueError
        When the shapes do not fit together or a row is none of the matrix.

    Notes
    -----
    Schubert and Rousseeuw, Information Systems 101, 101804 (2021): the loss of removing each medoid is kept, and one
    sweep over a candidate's distances tells the best medoid to give up for it.
    """

    cdef const float[:, ::1] distances
    cdef const Py_ssize_t[::1] order
    cdef readonly object rows, labels
    cdef Py_ssize_t[::1] medoids
    cdef Py_ssize_t[::1] near
    cdef int[::1] second
    cdef float[::1] to_near, to_second
    cdef double[::1] loss
    cdef Py_ssize_t cheapest
    cdef double grid

    def __init__(self, const float[:, ::1] distances, const Py_ssize_t[::1] order, rows, double most):
        cdef Py_ssize_t n = distances.shape[0]
        self.rows = np.array(rows, dtype=np.intp)
        if distances.shape[1] != n or order.shape[0] != n or self.rows.ndim != 1 or not 2 <= len(self.rows) <= n:
            raise ValueError("the matrix, the order and the medoids do not fit together")
        if min(self.rows) < 0 or max(self.rows) >= n or np.min(order) < 0 or np.max(order) >= n:
            raise ValueError("a row is none of the matrix")
        self.distances = distances
        self.order = order
        self.medoids = self.rows
        self.labels = np.zeros(n, dtype=np.intp)
        self.near = self.labels
        self.second = np.zeros(n, dtype=np.int32)
        self.to_near = np.empty(n, dtype=np.float32)
        self.to_second = np.empty(n, dtype=np.float32)
        self.loss = np.empty(len(self.rows))
        self.grid = grid_for(most, n)
        with nogil:
            self.assign()
            self.weigh()

    @property
    def total(self) -> float:
        """The total deviation."""
        return sum_on_grid(&self.to_near[0], self.near.shape[0], self.grid)

    def sort(self) -> None:
        """Number the medoids by rising rows; a row as near to two belongs to the first."""
        self.rows.sort()
        with nogil:
            self.assign()
            self.weigh()

    def find(self, Py_ssize_t start, Py_ssize_t stop) -> tuple[int, int]:
        """Find the first candidate whose swap for some medoid lowers the total deviation.

        Parameters
        ----------
        start, stop : int
            Which part of the order to look through. Several threads may do so at once.

        Returns
        -------
        place, medoid : int
            The candidate's place in the order and the number of the medoid to give up; -1, -1 if there is none.
        """
        cdef Py_ssize_t k = self.medoids.shape[0]
        cdef Py_ssize_t place, medoid = -1
        cdef double* change
        cdef Py_ssize_t* touched
        if not 0 <= start <= stop <= self.order.shape[0]:
            raise ValueError("the order has no such part")
        change = <double*>calloc(k, sizeof(double))
        touched = <Py_ssize_t*>malloc(k * sizeof(Py_ssize_t))
        if change == NULL or touched == NULL:
            free(change)
            free(touched)
            raise MemoryError()
        with nogil:
            place = start
            while place < stop:
                if self.gain(self.order[place], change, touched, &medoid) < 0.0:
                    break
                place += 1
            free(change)
            free(touched)
        if place == stop:
            return -1, -1
        return place, medoid

    def swap(self, Py_ssize_t place, Py_ssize_t medoid) -> None:
        """Put a candidate in place of a medoid, both as `find` names them."""
        if not (0 <= place < self.order.shape[0] and 0 <= medoid < self.medoids.shape[0]):
            raise ValueError("there is no such candidate or medoid")
        with nogil:
            self.replace(medoid, self.order[place])
            self.weigh()

    cdef double gain(
        self, Py_ssize_t candidate, double* change, Py_ssize_t* touched, Py_ssize_t* medoid
    ) noexcept nogil:
        # Change of the total deviation by the best swap for this candidate. `change` holds zeros, and does so again
        # in the end.
        cdef Py_ssize_t n = self.near.shape[0]
        cdef Py_ssize_t block = 0
        cdef Py_ssize_t i, c
        cdef Py_ssize_t n_touched = 0
        cdef const float* row = &self.distances[candidate, 0]
        cdef const float* to_near = &self.to_near[0]
        cdef const float* to_second = &self.to_second[0]
        cdef double common = 0.0
        cdef double part, best
        # It is one of the medoids, or the same structure as one.
        if to_near[candidate] == 0.0:
            return 0.0
        while block < n:
            # Most rows have two medoids nearer than the candidate: nothing changes for them.
            if block + BLOCK <= n and not any_below(row + block, to_second + block):
                block += BLOCK
                continue
            for i in range(block, min(block + BLOCK, n)):
                if not row[i] < to_second[i]:
                    continue
                # If its medoid goes, it need not go to the second.
                part = on_grid(max(row[i], to_near[i]), self.grid) - on_grid(to_second[i], self.grid)
                if part < 0.0:
                    c = self.near[i]
                    if change[c] == 0.0:
                        touched[n_touched] = c
                        n_touched += 1
                    change[c] += part
                if row[i] < to_near[i]:
                    common += on_grid(row[i], self.grid) - on_grid(to_near[i], self.grid)
            block += BLOCK
        medoid[0] = self.cheapest
        best = self.loss[self.cheapest]
        for i in range(n_touched):
            c = touched[i]
            part = self.loss[c] + change[c]
            if part < best or (part == best and c < medoid[0]):
                best = part
                medoid[0] = c
            change[c] = 0.0
        return best + common

    cdef void assign(self) noexcept nogil:
        # The nearest two medoids of every row.
        cdef Py_ssize_t i, m
        cdef const float* row
        for i in range(self.near.shape[0]):
            self.to_near[i] = self.to_second[i] = INFINITY
        for m in range(self.medoids.shape[0]):
            row = &self.distances[self.medoids[m], 0]
            for i in range(self.near.shape[0]):
                if row[i] < self.to_second[i]:
                    self.meet(i, <int>m, row[i])

    cdef inline void meet(self, Py_ssize_t i, int m, float distance) noexcept nogil:
        # A row learns of a medoid that is none of its nearest two.
        if distance < self.to_near[i]:
            self.second[i], self.to_second[i] = <int>self.near[i], self.to_near[i]
            self.near[i], self.to_near[i] = m, distance
        elif distance < self.to_second[i]:
            self.second[i], self.to_second[i] = m, distance

    cdef void replace(self, Py_ssize_t medoid, Py_ssize_t candidate) noexcept nogil:
        cdef Py_ssize_t i
        cdef const float* row = &self.distances[candidate, 0]
        self.medoids[medoid] = candidate
        for i in range(self.near.shape[0]):
            if self.near[i] == medoid:
                if row[i] <= self.to_second[i]:
                    self.to_near[i] = row[i]
                else:
                    self.near[i], self.to_near[i] = self.second[i], self.to_second[i]
                    self.find_second(i)
            elif self.second[i] == medoid:
                if row[i] < self.to_near[i]:
                    self.meet(i, <int>medoid, row[i])
                elif row[i] <= self.to_second[i]:
                    self.to_second[i] = row[i]
                else:
                    self.find_second(i)
            else:
                self.meet(i, <int>medoid, row[i])

    cdef void find_second(self, Py_ssize_t i) noexcept nogil:
        # In the row's own distances: a column would be all over the memory.
        cdef const float* row = &self.distances[i, 0]
        cdef Py_ssize_t m
        self.to_second[i] = INFINITY
        for m in range(self.medoids.shape[0]):
            if m != self.near[i] and row[self.medoids[m]] < self.to_second[i]:
                self.second[i], self.to_second[i] = <int>m, row[self.medoids[m]]

    cdef void weigh(self) noexcept nogil:
        # What the total deviation gains when a medoid is removed and its rows go to their second.
        cdef Py_ssize_t i, m
        for m in range(self.medoids.shape[0]):
            self.loss[m] = 0.0
        for i in range(self.near.shape[0]):
            self.loss[self.near[i]] += on_grid(self.to_second[i], self.grid) - on_grid(self.to_near[i], self.grid)
        self.cheapest = 0
        for m in range(1, self.medoids.shape[0]):
            if self.loss[m] < self.loss[self.cheapest]:
                self.cheapest = m
