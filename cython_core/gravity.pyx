"""Trips of a category between zones, T_od = exp(ln A_o + gamma_d - beta c_od): sums and moments, a row at a time."""

from libc.math cimport INFINITY, log
from libc.stddef cimport ptrdiff_t
from libc.stdlib cimport free, malloc

cdef extern from *:
    """
    #include <stddef.h>
    #include <stdint.h>
    #include <string.h>
    #if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
    #define GRAVITY_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
    #else
    #define GRAVITY_CLONES
    #endif
    /* What a forbidden pair has as exponent; exponentials of less than the lowest are 0, of more than the highest no
       higher. */
    #define GRAVITY_FORBIDDEN -1e300
    #define GRAVITY_LOWEST -700.0
    #define GRAVITY_HIGHEST 700.0

    /* exp(x) = 2^n exp(r), x = n ln 2 + r (Cody and Waite 1980); exp(r) by a polynomial that interpolates at the zeros
       of a Chebyshev polynomial, to 2e-17. The C library's function is not called: loops with it stay scalar. */
    static inline double gravity_exp(double x) {
        const double shift = 6755399441055744.0;
        const double held = x < GRAVITY_LOWEST ? GRAVITY_LOWEST : (x > GRAVITY_HIGHEST ? GRAVITY_HIGHEST : x);
        const double shifted = held * 1.4426950408889634 + shift;
        const double n = shifted - shift;
        const double r = (held - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
        double p = 2.510038549551032e-08;
        int64_t bits, power;
        p = p * r + 2.7620088445409746e-07;
        p = p * r + 2.7557268459997064e-06;
        p = p * r + 2.4801521295954376e-05;
        p = p * r + 0.00019841269863053618;
        p = p * r + 0.0013888888917213717;
        p = p * r + 0.008333333333330062;
        p = p * r + 0.04166666666662413;
        p = p * r + 0.16666666666666669;
        p = p * r + 0.5;
        p = (p * r * r + r) + 1.0;
        memcpy(&power, &shifted, sizeof power);
        memcpy(&bits, &p, sizeof bits);
        bits += (int64_t)((uint64_t)power << 52);
        memcpy(&p, &bits, sizeof p);
        return x < GRAVITY_LOWEST ? 0.0 : p;
    }

    /* e = shift + gamma - beta c, or what is forbidden; returns the highest. */
    GRAVITY_CLONES static double gravity_exponents(const double *c, const unsigned char *allowed, double beta,
                                                   const double *gamma, double shift, double *e, ptrdiff_t n) {
        double highest = GRAVITY_FORBIDDEN;
        if (allowed) {
            _Pragma("omp simd")
            for (ptrdiff_t i = 0; i < n; ++i)
                e[i] = allowed[i] ? (shift + gamma[i]) - beta * c[i] : GRAVITY_FORBIDDEN;
        } else {
            _Pragma("omp simd")
            for (ptrdiff_t i = 0; i < n; ++i) e[i] = (shift + gamma[i]) - beta * c[i];
        }
        _Pragma("omp simd reduction(max : highest)")
        for (ptrdiff_t i = 0; i < n; ++i) highest = e[i] > highest ? e[i] : highest;
        return highest;
    }

    /* e = exp(e - highest); returns the sum. */
    GRAVITY_CLONES static double gravity_exponentials(double *e, double highest, ptrdiff_t n) {
        double sum = 0.0;
        _Pragma("omp simd reduction(+ : sum)")
        for (ptrdiff_t i = 0; i < n; ++i) {
            e[i] = gravity_exp(e[i] - highest);
            sum += e[i];
        }
        return sum;
    }

    /* Adds the row's T = factor e, c T and c^2 T to the columns; row[0] and row[1] are its sums of c T and c^2 T. */
    GRAVITY_CLONES static void gravity_sums(const double *c, const double *e, double factor, double *sums,
                                            double *row, ptrdiff_t n) {
        double *zeroth = sums, *first = sums + n, *second = sums + 2 * n;
        double cost = 0.0, squared = 0.0;
        _Pragma("omp simd reduction(+ : cost, squared)")
        for (ptrdiff_t i = 0; i < n; ++i) {
            const double t = factor * e[i], ct = c[i] * t, cct = c[i] * ct;
            zeroth[i] += t;
            first[i] += ct;
            second[i] += cct;
            cost += ct;
            squared += cct;
        }
        row[0] = cost;
        row[1] = squared;
    }

    /* The sums of T, c T and c^2 T of a row. */
    GRAVITY_CLONES static void gravity_moments(const double *c, const double *e, double *row, ptrdiff_t n) {
        double trips = 0.0, cost = 0.0, squared = 0.0;
        _Pragma("omp simd reduction(+ : trips, cost, squared)")
        for (ptrdiff_t i = 0; i < n; ++i) {
            const double ct = c[i] * e[i];
            trips += e[i];
            cost += ct;
            squared += c[i] * ct;
        }
        row[0] = trips;
        row[1] = cost;
        row[2] = squared;
    }

    /* The row's sum of T (along - along_beta c). */
    GRAVITY_CLONES static double gravity_along(const double *c, const double *e, const double *along,
                                               double along_beta, ptrdiff_t n) {
        double sum = 0.0;
        _Pragma("omp simd reduction(+ : sum)")
        for (ptrdiff_t i = 0; i < n; ++i) sum += e[i] * (along[i] - along_beta * c[i]);
        return sum;
    }

    /* Adds T (along - along_beta c - mean) to the columns; returns the row's sum of c times that. */
    GRAVITY_CLONES static double gravity_curve(const double *c, const double *e, const double *along,
                                               double along_beta, double mean, double *columns, ptrdiff_t n) {
        double cost = 0.0;
        _Pragma("omp simd reduction(+ : cost)")
        for (ptrdiff_t i = 0; i < n; ++i) {
            const double w = e[i] * ((along[i] - along_beta * c[i]) - mean);
            columns[i] += w;
            cost += c[i] * w;
        }
        return cost;
    }
    """
    double gravity_exponents(
        const double*, const unsigned char*, double, const double*, double, double*, ptrdiff_t
    ) noexcept nogil
    double gravity_exponentials(double*, double, ptrdiff_t) noexcept nogil
    void gravity_sums(const double*, const double*, double, double*, double*, ptrdiff_t) noexcept nogil
    void gravity_moments(const double*, const double*, double*, ptrdiff_t) noexcept nogil
    double gravity_along(const double*, const double*, const double*, double, ptrdiff_t) noexcept nogil
    double gravity_curve(
        const double*, const double*, const double*, double, double, double*, ptrdiff_t
    ) noexcept nogil


cdef struct Category:
    # One category's costs and parameters, and room for a row of exponentials.
    ptrdiff_t rows, columns
    const double *costs
    const unsigned char *allowed
    const double *gamma
    double beta
    double *e


cdef Category taken(
    const double[:, ::1] costs, const unsigned char[:, ::1] allowed, double beta, const double[::1] gamma
) except *:
    # Checks the shapes; the caller frees `e`.
    cdef Category category
    category.rows, category.columns = costs.shape[0], costs.shape[1]
    if category.columns == 0 or gamma.shape[0] != category.columns:
        raise ValueError("gamma has not as many numbers as the costs have columns")
    if allowed is not None and (allowed.shape[0] != category.rows or allowed.shape[1] != category.columns):
        raise ValueError("the allowed pairs have not the shape of the costs")
    category.costs = &costs[0, 0] if category.rows else NULL
    category.allowed = &allowed[0, 0] if allowed is not None and category.rows else NULL
    category.gamma = &gamma[0]
    category.beta = beta
    category.e = <double*>malloc(category.columns * sizeof(double))
    if category.e == NULL:
        raise MemoryError
    return category


cdef inline double exponents(Category *category, ptrdiff_t row, double shift) noexcept nogil:
    return gravity_exponents(
        category.costs + row * category.columns,
        category.allowed + row * category.columns if category.allowed != NULL else NULL,
        category.beta, category.gamma, shift, category.e, category.columns,
    )


cdef inline void trips_of_row(Category *category, ptrdiff_t row, double log_a) noexcept nogil:
    exponents(category, row, log_a)
    gravity_exponentials(category.e, 0.0, category.columns)


def balance(
    const double[:, ::1] costs,
    const unsigned char[:, ::1] allowed,
    double beta,
    const double[::1] gamma,
    const double[::1] origins,
    double[::1] log_a,
    double[:, ::1] sums,
):
    """Find the factors of the origins that meet their totals, and sums of the trips that follow.

    Parameters
    ----------
    costs : (rows, columns) memoryview of float
        Costs from some origins to all destinations.
    allowed : (rows, columns) memoryview of unsigned char, or None
        0 for a pair that no trip may take.
    beta : float
        The parameter of cost.
    gamma : (columns,) memoryview of float
        ln B_d.
    origins : (rows,) memoryview of float
        The trips from each origin.
    log_a : (rows,) memoryview of float
        Filled with ln A_o; -inf where no trip begins.
    sums : (3, columns) memoryview of float
        The sums over the rows of T, c T and c^2 T are added.

    Returns
    -------
    float
        The sum over the rows of sum_d T (c - mean of the row)^2.

    Raises
    ------
    ValueError
        When the shapes do not go together.
    """
    cdef Category category
    cdef ptrdiff_t row
    cdef double highest, sum, within = 0.0
    cdef double moments[2]
    if origins.shape[0] != costs.shape[0] or log_a.shape[0] != costs.shape[0]:
        raise ValueError("the origins are not as many as the costs have rows")
    if sums.shape[0] != 3 or sums.shape[1] != costs.shape[1]:
        raise ValueError("the sums have not three rows, or not as many columns as the costs")
    category = taken(costs, allowed, beta, gamma)
    with nogil:
        for row in range(category.rows):
            if not origins[row] > 0.0:
                log_a[row] = -INFINITY
                continue
            highest = exponents(&category, row, 0.0)
            sum = gravity_exponentials(category.e, highest, category.columns)
            log_a[row] = log(origins[row] / sum) - highest
            gravity_sums(
                category.costs + row * category.columns, category.e, origins[row] / sum,
                &sums[0, 0], moments, category.columns,
            )
            within += moments[1] - moments[0] * moments[0] / origins[row]
    free(category.e)
    return within


def moments(
    const double[:, ::1] costs,
    const unsigned char[:, ::1] allowed,
    double beta,
    const double[::1] gamma,
    const double[::1] log_a,
):
    """Return the sums of T, c T and c^2 T over all pairs, by given factors of the origins.

    Parameters
    ----------
    costs, allowed, beta, gamma
        As of `balance`.
    log_a : (rows,) memoryview of float
        ln A_o.

    Returns
    -------
    tuple of float
        The three sums.

    Raises
    ------
    ValueError
        When the shapes do not go together.
    """
    cdef Category category
    cdef ptrdiff_t row
    cdef double zeroth = 0.0, first = 0.0, second = 0.0
    cdef double found[3]
    if log_a.shape[0] != costs.shape[0]:
        raise ValueError("the origins are not as many as the costs have rows")
    category = taken(costs, allowed, beta, gamma)
    with nogil:
        for row in range(category.rows):
            if log_a[row] == -INFINITY:
                continue
            trips_of_row(&category, row, log_a[row])
            gravity_moments(category.costs + row * category.columns, category.e, found, category.columns)
            zeroth += found[0]
            first += found[1]
            second += found[2]
    free(category.e)
    return zeroth, first, second


def curve(
    const double[:, ::1] costs,
    const unsigned char[:, ::1] allowed,
    double beta,
    const double[::1] gamma,
    const double[::1] origins,
    const double[::1] log_a,
    const double[::1] along,
    double along_beta,
    double[::1] columns,
):
    """Multiply a category's part of the Fisher matrix of (gamma, beta) by a vector.

    Parameters
    ----------
    costs, allowed, beta, gamma, origins
        As of `balance`.
    log_a : (rows,) memoryview of float
        What `balance` found.
    along : (columns,) memoryview of float
        The vector's part of gamma.
    along_beta : float
        Its part of this category's beta.
    columns : (columns,) memoryview of float
        The product's part of gamma is added.

    Returns
    -------
    float
        The product's part of beta.

    Raises
    ------
    ValueError
        When the shapes do not go together.
    """
    cdef Category category
    cdef ptrdiff_t row
    cdef double mean, by_beta = 0.0
    if origins.shape[0] != costs.shape[0] or log_a.shape[0] != costs.shape[0]:
        raise ValueError("the origins are not as many as the costs have rows")
    if along.shape[0] != costs.shape[1] or columns.shape[0] != costs.shape[1]:
        raise ValueError("the vectors have not as many numbers as the costs have columns")
    category = taken(costs, allowed, beta, gamma)
    with nogil:
        for row in range(category.rows):
            if log_a[row] == -INFINITY:
                continue
            trips_of_row(&category, row, log_a[row])
            mean = gravity_along(
                category.costs + row * category.columns, category.e, &along[0], along_beta, category.columns
            ) / origins[row]
            by_beta -= gravity_curve(
                category.costs + row * category.columns, category.e, &along[0], along_beta, mean,
                &columns[0], category.columns,
            )
    free(category.e)
    return by_beta


def fill(
    const double[:, ::1] costs,
    const unsigned char[:, ::1] allowed,
    double beta,
    const double[::1] gamma,
    const double[::1] log_a,
    double[:, ::1] trips,
):
    """Write down T.

    Parameters
    ----------
    costs, allowed, beta, gamma
        As of `balance`.
    log_a : (rows,) memoryview of float
        ln A_o.
    trips : (rows, columns) memoryview of float
        Filled.

    Raises
    ------
    ValueError
        When the shapes do not go together.
    """
    cdef Category category
    cdef ptrdiff_t row
    cdef double *e
    if log_a.shape[0] != costs.shape[0]:
        raise ValueError("the origins are not as many as the costs have rows")
    if trips.shape[0] != costs.shape[0] or trips.shape[1] != costs.shape[1]:
        raise ValueError("the trips have not the shape of the costs")
    category = taken(costs, allowed, beta, gamma)
    e = category.e
    with nogil:
        for row in range(category.rows):
            category.e = &trips[row, 0]
            if log_a[row] == -INFINITY:
                trips[row, :] = 0.0
            else:
                trips_of_row(&category, row, log_a[row])
    free(e)
