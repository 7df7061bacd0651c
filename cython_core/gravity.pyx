"""Trips of a category between zones, T_od = exp(ln A_o + gamma_d - beta c_od): sums and moments, a row at a time."""

from libc.math cimport INFINITY, log
from libc.stddef cimport ptrdiff_t
from libc.stdlib cimport free, malloc

from genarris_fw._kernels.gravity_rows cimport (
    gravity_along, gravity_curve, gravity_exponentials, gravity_exponents, gravity_moments, gravity_sums,
)


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
