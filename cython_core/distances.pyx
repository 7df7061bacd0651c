"""Distances between the rows of a table, a tile of pairs at a time, each pair by direct differences."""

from libc.stddef cimport ptrdiff_t
from libc.string cimport memcpy

cdef extern from *:
    """
    #include <math.h>
    #include <stddef.h>
    #if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
    #define DISTANCE_CLONES __attribute__((target_clones("avx2", "default")))
    #else
    #define DISTANCE_CLONES
    #endif
    #ifdef __clang__
    #pragma STDC FP_CONTRACT OFF
    #endif

    /* Rows taken at once, columns taken at once, and the rows and columns of a tile. */
    #define DISTANCE_ROWS 4
    #define DISTANCE_PANEL 8
    #define DISTANCE_TILE 128

    /* Distances of some rows (d numbers each) from some panels. A panel holds 8 rows of the table with their numbers
       interleaved, so that 8 pairs grow side by side, each in the order of the d terms: the same bits whatever tile,
       instruction set or thread a pair falls to, and the same for (i, j) as for (j, i). No fused multiply-add
       therefore. Results go to tile[row][DISTANCE_TILE]; what is beyond the last row or column is not used. */
    #define DISTANCE_KERNEL(name, TERM)                                                                               \\
    DISTANCE_CLONES static void name(const double *rows, ptrdiff_t n_rows, ptrdiff_t d, const double *panels,         \\
                                     ptrdiff_t n_panels, double factor, int root, float *tile) {                      \\
        for (ptrdiff_t i = 0; i < n_rows; i += DISTANCE_ROWS) {                                                       \\
            const double *x[DISTANCE_ROWS];                                                                           \\
            const int count = n_rows - i < DISTANCE_ROWS ? (int)(n_rows - i) : DISTANCE_ROWS;                         \\
            for (int r = 0; r < DISTANCE_ROWS; ++r) x[r] = rows + (i + (r < count ? r : 0)) * d;                      \\
            for (ptrdiff_t p = 0; p < n_panels; ++p) {                                                                \\
                const double *y = panels + p * d * DISTANCE_PANEL;                                                    \\
                double sum[DISTANCE_ROWS][DISTANCE_PANEL] = {{0.0}};                                                  \\
                for (ptrdiff_t k = 0; k < d; ++k, y += DISTANCE_PANEL)                                                \\
                    for (int r = 0; r < DISTANCE_ROWS; ++r) {                                                         \\
                        const double u = x[r][k];                                                                     \\
                        _Pragma("omp simd")                                                                           \\
                        for (int j = 0; j < DISTANCE_PANEL; ++j) {                                                    \\
                            const double t = u - y[j], before = sum[r][j];                                            \\
                            sum[r][j] = TERM;                                                                         \\
                        }                                                                                             \\
                    }                                                                                                 \\
                for (int r = 0; r < DISTANCE_ROWS; ++r) {                                                             \\
                    float *out = tile + (i + r) * DISTANCE_TILE + p * DISTANCE_PANEL;                                 \\
                    for (int j = 0; j < DISTANCE_PANEL; ++j) {                                                        \\
                        const double s = factor * sum[r][j];                                                          \\
                        out[j] = (float)(root ? sqrt(s) : s);                                                         \\
                    }                                                                                                 \\
                }                                                                                                     \\
            }                                                                                                         \\
        }                                                                                                             \\
    }
    DISTANCE_KERNEL(distance_squares, before + t * t)
    DISTANCE_KERNEL(distance_sums, before + fabs(t))
    DISTANCE_KERNEL(distance_greatest, before > fabs(t) ? before : fabs(t))
    """
    const int DISTANCE_PANEL, DISTANCE_TILE
    void distance_squares(
        const double*, ptrdiff_t, ptrdiff_t, const double*, ptrdiff_t, double, int, float*
    ) noexcept nogil
    void distance_sums(
        const double*, ptrdiff_t, ptrdiff_t, const double*, ptrdiff_t, double, int, float*
    ) noexcept nogil
    void distance_greatest(
        const double*, ptrdiff_t, ptrdiff_t, const double*, ptrdiff_t, double, int, float*
    ) noexcept nogil


ctypedef void (*Kernel)(
    const double*, ptrdiff_t, ptrdiff_t, const double*, ptrdiff_t, double, int, float*
) noexcept nogil


PANEL = DISTANCE_PANEL
TILE = DISTANCE_TILE


cdef void fill(
    Kernel kernel,
    const double[:, ::1] rows,
    const double[:, :, ::1] panels,
    Py_ssize_t first,
    Py_ssize_t last,
    double factor,
    bint root,
    bint mirror,
    float* tile,
    float[:, ::1] out,
) noexcept nogil:
    cdef Py_ssize_t n = rows.shape[0], d = rows.shape[1]
    cdef Py_ssize_t top = 0 if mirror else first
    cdef Py_ssize_t start = first
    cdef Py_ssize_t height, left, width, i, j
    while start < last:
        height = min(DISTANCE_TILE, last - start)
        left = start if mirror else 0
        while left < n:
            width = min(DISTANCE_TILE, n - left)
            kernel(
                &rows[start, 0],
                height,
                d,
                &panels[left // DISTANCE_PANEL, 0, 0],
                (width + DISTANCE_PANEL - 1) // DISTANCE_PANEL,
                factor,
                root,
                tile,
            )
            for i in range(height):
                memcpy(&out[start + i - top, left], tile + i * DISTANCE_TILE, width * sizeof(float))
            if mirror and left != start:
                for j in range(width):
                    for i in range(height):
                        out[left + j, start + i] = tile[i * DISTANCE_TILE + j]
            left += DISTANCE_TILE
        start += DISTANCE_TILE


def compare(
    const double[:, ::1] rows,
    const double[:, :, ::1] panels,
    Py_ssize_t first,
    Py_ssize_t last,
    str kind,
    double factor,
    bint root,
    bint mirror,
    float[:, ::1] out,
):
    """Write distances of some rows of a table from all its rows to ``out``; several threads may each do some rows.

    Parameters
    ----------
    rows : (n, d) memoryview
        The table.
    panels : (ceil(n / PANEL), d, PANEL) memoryview
        The same numbers: row ``PANEL * p + j`` is ``panels[p, :, j]``. What is beyond the last row is not used.
    first, last : int
        Rows ``first`` to ``last - 1`` are compared.
    kind : str
        ``squares``, ``sums`` or ``greatest``: sum of the squared differences, sum of the absolute differences, or
        the greatest of these.
    factor : float
        The result is multiplied by it.
    root : bool
        Take the square root after that.
    mirror : bool
        Do only the pairs (i, j) with j in the tile of i or in a later one, and write them as (j, i) too; ``first``
        must be a multiple of ``TILE``.
    out : (n, n) memoryview with `mirror`, else (last - first, n)
        Receives the distances in single precision.

    Raises
    ------
    ValueError
        When the shapes do not fit together or the kind is unknown.
    """
    cdef Py_ssize_t n = rows.shape[0], d = rows.shape[1]
    cdef float tile[DISTANCE_TILE * DISTANCE_TILE]
    cdef Kernel kernel
    if kind == "squares":
        kernel = distance_squares
    elif kind == "sums":
        kernel = distance_sums
    elif kind == "greatest":
        kernel = distance_greatest
    else:
        raise ValueError(f"there is no kind {kind!r} of distance")
    if panels.shape[0] * DISTANCE_PANEL < n or panels.shape[1] != d or panels.shape[2] != DISTANCE_PANEL:
        raise ValueError("the panels do not fit the rows")
    if not 0 <= first <= last <= n or (mirror and first % DISTANCE_TILE):
        raise ValueError("the rows to compare are not rows of the table")
    if out.shape[1] != n or out.shape[0] != (n if mirror else last - first):
        raise ValueError("the result's shape does not fit the rows")
    if first == last or d == 0:
        return
    with nogil:
        fill(kernel, rows, panels, first, last, factor, root, mirror, tile, out)
