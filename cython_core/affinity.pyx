"""Messages of affinity propagation between all members of a pool.

Of the two messages between every pair only the availabilities are stored. Without damping, the responsibility
r(i, k) is s(i, k) less the best that row i finds elsewhere: one number for the whole row, except at the row's best
column, which gets the second best. Damping is linear, so after any number of iterations

    r(i, k) = g s(i, k) - u(i) + c(i, k),

where g is common to all pairs, u belongs to the row, and c is kept for the few columns that were lately the best of
their row. This is exact, and an iteration reads and writes half of what it would with both messages stored.
"""

from libc.math cimport INFINITY
from libc.stdint cimport int32_t, uint8_t
from libc.string cimport memset

import numpy as np


cdef extern from *:
    """
    #include <stdlib.h>
    /* Wider registers where the processor has them; without fused multiplication every number stays the same. */
    #if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
    #define AFFINITY_CLONES __attribute__((target_clones("avx2", "default")))
    #else
    #define AFFINITY_CLONES
    #endif

    AFFINITY_CLONES
    static void renew_row(long n, const float *restrict s, double *restrict a, const double *restrict total,
                          double g, double u, double damping)
    {
        const double step = 1.0 - damping;
        for (long k = 0; k < n; k++) {
            double r = g * s[k] - u;
            double room = total[k] - (r > 0.0 ? r : 0.0);
            a[k] = damping * a[k] + step * (room < 0.0 ? room : 0.0);
        }
    }

    AFFINITY_CLONES
    static double largest_sum(long n, const float *restrict s, const double *restrict a)
    {
        double best = -__builtin_inf();
        #pragma omp simd reduction(max : best)
        for (long k = 0; k < n; k++) {
            double sum = a[k] + s[k];
            best = sum > best ? sum : best;
        }
        return best;
    }

    AFFINITY_CLONES
    static void add_positive(long n, const float *restrict s, double *restrict total, double g, double u)
    {
        for (long k = 0; k < n; k++) {
            double r = g * s[k] - u;
            total[k] += r > 0.0 ? r : 0.0;
        }
    }

    AFFINITY_CLONES
    static void add_row(long n, const double *restrict part, double *restrict total)
    {
        for (long k = 0; k < n; k++)
            total[k] += part[k];
    }
    """
    void renew_row(long n, const float* s, double* a, const double* total, double g, double u, double damping) nogil
    double largest_sum(long n, const float* s, const double* a) nogil
    void add_positive(long n, const float* s, double* total, double g, double u) nogil
    void add_row(long n, const double* part, double* total) nogil


cdef enum:
    STRIP = 64  # rows whose positive responsibilities are summed together, whoever does it
    BLOCK = 256  # columns whose largest sum is remembered
    RECENT = 64  # columns of a row that may have been its best lately; the faintest makes room


cdef inline double positive(double x) noexcept nogil:
    return x if x > 0.0 else 0.0


cdef class Messages:
    """The state of one fit; a fit is any number of iterations, each `rows` and then `columns`.

    Both may be shared out among any number of workers: the numbers are the same bit for bit.

    Parameters
    ----------
    similarities : (n, n) memoryview of float
        s(i, k), how well k would stand for i; the diagonal must be 0.
    preferences : (n,) memoryview
        Similarity of every row to itself.
    """

    cdef const float[:, ::1] s
    cdef const double[::1] preference
    cdef double[:, ::1] a  # availabilities; the diagonal holds the self-availability plus the preference
    cdef double[:, ::1] parts  # sums of positive responsibilities over strips of rows
    cdef double[::1] total  # the self-responsibility plus all positive responsibilities of others
    cdef double[::1] u
    cdef double[::1] held  # self-availabilities
    cdef double[::1] own  # self-responsibilities
    cdef double[:, ::1] c
    cdef int32_t[:, ::1] recent
    cdef int32_t[::1] n_recent
    cdef uint8_t[::1] exemplar
    cdef double g

    def __init__(self, const float[:, ::1] similarities, const double[::1] preferences):
        cdef Py_ssize_t i, n = similarities.shape[0]
        if similarities.shape[1] != n or preferences.shape[0] != n:
            raise ValueError("similarities and preferences do not fit together")
        self.s = similarities
        self.preference = preferences
        self.a = np.zeros((n, n))
        self.parts = np.zeros(((n + STRIP - 1) // STRIP, n))
        self.total = np.zeros(n)
        self.u = np.zeros(n)
        self.held = np.zeros(n)
        self.own = np.zeros(n)
        self.c = np.zeros((n, RECENT))
        self.recent = np.zeros((n, RECENT), dtype=np.int32)
        self.n_recent = np.zeros(n, dtype=np.int32)
        self.exemplar = np.zeros(n, dtype=np.uint8)
        self.g = 0.0
        for i in range(n):
            self.a[i, i] = preferences[i]

    @property
    def exemplars(self):
        """Rows that stand for themselves, ascending."""
        return np.flatnonzero(np.asarray(self.exemplar))

    def rows(self, double damping, Py_ssize_t worker=0, Py_ssize_t n_workers=1):
        """Bring the availabilities up to date and send responsibilities, for every n_workers-th strip of rows."""
        cdef Py_ssize_t strip = worker
        with nogil:
            while strip < self.parts.shape[0]:
                self.send_strip(strip, damping)
                strip += n_workers

    cdef void send_strip(self, Py_ssize_t strip, double damping) noexcept nogil:
        cdef Py_ssize_t n = self.s.shape[0]
        cdef Py_ssize_t i
        memset(&self.parts[strip, 0], 0, n * sizeof(double))
        for i in range(strip * STRIP, min(n, (strip + 1) * STRIP)):
            self.send_row(i, &self.parts[strip, 0], damping)

    cdef void send_row(self, Py_ssize_t i, double* part, double damping) noexcept nogil:
        cdef Py_ssize_t n = self.s.shape[0]
        cdef const float* s = &self.s[i, 0]
        cdef double* a = &self.a[i, 0]
        cdef double* c = &self.c[i, 0]
        cdef int32_t* recent = &self.recent[i, 0]
        cdef double kept[RECENT]
        cdef double own = a[i], step = 1.0 - damping
        cdef double first, second, g, u
        cdef Py_ssize_t j, k, best
        # Whole rows run through without exceptions; the few columns with a c, and the diagonal, are put right after.
        for j in range(self.n_recent[i]):
            kept[j] = a[recent[j]]
        renew_row(n, s, a, &self.total[0], self.g, self.u[i], damping)
        for j in range(self.n_recent[i]):
            k = recent[j]
            a[k] = damping * kept[j] + step * min(0.0, self.total[k] - positive(self.g * s[k] - self.u[i] + c[j]))
        a[i] = own

        best = self.two_largest(s, a, &first, &second)
        g = damping * self.g + step
        u = self.u[i] = damping * self.u[i] + step * first
        self.own[i] = damping * self.own[i] + step * (self.preference[i] - (second if best == i else first))
        for j in range(self.n_recent[i]):
            c[j] *= damping
        if best != i and second > -INFINITY:
            self.remember(i, best, step * (first - second))

        own = part[i]
        for j in range(self.n_recent[i]):
            kept[j] = part[recent[j]]
        add_positive(n, s, part, g, u)
        for j in range(self.n_recent[i]):
            k = recent[j]
            part[k] = kept[j] + positive(g * s[k] - u + c[j])
        part[i] = own

    cdef Py_ssize_t two_largest(
        self, const float* s, const double* a, double* first, double* second
    ) noexcept nogil:
        # The largest and second largest of a + s, and the first column of the largest.
        cdef Py_ssize_t n = self.s.shape[0]
        cdef Py_ssize_t k, best, start = 0, winner = 0
        cdef double most
        first[0] = second[0] = -INFINITY
        while start < n:
            most = largest_sum(min(BLOCK, n - start), s + start, a + start)
            if most > first[0]:
                second[0] = first[0]
                first[0] = most
                winner = start
            elif most > second[0]:
                second[0] = most
            start += BLOCK
        best = winner
        while a[best] + s[best] != first[0]:
            best += 1
        for k in range(winner, min(n, winner + BLOCK)):
            if k != best and a[k] + s[k] > second[0]:
                second[0] = a[k] + s[k]
        return best

    cdef void remember(self, Py_ssize_t i, Py_ssize_t column, double value) noexcept nogil:
        cdef Py_ssize_t j, place = self.n_recent[i]
        for j in range(self.n_recent[i]):
            if self.recent[i, j] == column:
                self.c[i, j] += value
                return
        if place < RECENT:
            self.n_recent[i] += 1
        else:
            place = 0
            for j in range(1, RECENT):
                if self.c[i, j] < self.c[i, place]:
                    place = j
        self.recent[i, place] = column
        self.c[i, place] = value

    def columns(self, double damping, Py_ssize_t worker=0, Py_ssize_t n_workers=1):
        """Collect the responsibilities of a worker's share of columns, and say how many rows changed their mind.

        Returns
        -------
        int
            Number of rows that became, or ceased to be, an exemplar.
        """
        cdef Py_ssize_t n = self.s.shape[0]
        cdef Py_ssize_t start = n * worker // n_workers, stop = n * (worker + 1) // n_workers
        cdef Py_ssize_t strip, k, changed = 0
        cdef double others
        cdef uint8_t now
        if start == stop:
            return 0
        with nogil:
            memset(&self.total[start], 0, (stop - start) * sizeof(double))
            for strip in range(self.parts.shape[0]):
                add_row(stop - start, &self.parts[strip, start], &self.total[start])
            for k in range(start, stop):
                others = self.total[k]
                self.held[k] = damping * self.held[k] + (1.0 - damping) * others
                self.a[k, k] = self.held[k] + self.preference[k]
                now = self.held[k] + self.own[k] > 0.0
                self.total[k] = self.own[k] + others
                changed += now != self.exemplar[k]
                self.exemplar[k] = now
        return changed

    def finish_iteration(self, double damping):
        """Take the common factor of the responsibilities one iteration further."""
        self.g = damping * self.g + 1.0 - damping


def sums_within(const float[:, ::1] similarities, const int32_t[::1] members, double[::1] sums):
    """Write how well each member of a cluster would stand for all others: the sum of their similarities to it.

    Parameters
    ----------
    similarities : (n, n) memoryview of float
    members : (m,) memoryview of int
        Rows.
    sums : (m,) memoryview
        Receives the sums.
    """
    cdef Py_ssize_t i, j, m = members.shape[0]
    cdef const float* row
    if sums.shape[0] != m:
        raise ValueError("members and sums do not fit together")
    for i in range(m):
        if not 0 <= members[i] < similarities.shape[0]:
            raise ValueError("a member is no row of the similarities")
        sums[i] = 0.0
    with nogil:
        for i in range(m):
            row = &similarities[members[i], 0]
            for j in range(m):
                sums[j] += row[members[j]]
