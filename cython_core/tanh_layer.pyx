"""What a layer of tanh units does to derivatives by space, and to a gradient on its way back: each in one pass."""

from libc.stddef cimport ptrdiff_t

cdef extern from *:
    """
    #include <stddef.h>
    #if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
    #define TANH_CLONES __attribute__((target_clones("avx2", "default")))
    #else
    #define TANH_CLONES
    #endif

    /* Of n numbers each: t, what came out of the layer; x, y and z, its derivatives before and after the factor. */
    #define TANH_SLOPES(name, real)                                                                                   \\
    TANH_CLONES static void name(const real *t, real *x, real *y, real *z, ptrdiff_t n) {                             \\
        _Pragma("omp simd")                                                                                           \\
        for (ptrdiff_t i = 0; i < n; ++i) {                                                                           \\
            const real slope = (real)1 - t[i] * t[i];                                                                 \\
            x[i] *= slope;                                                                                            \\
            y[i] *= slope;                                                                                            \\
            z[i] *= slope;                                                                                            \\
        }                                                                                                             \\
    }
    TANH_SLOPES(slopes_single, float)
    TANH_SLOPES(slopes_double, double)

    /* g, and gx, gy, gz: the gradient by t and by x, y, z after the factor, turned into that by the sums before. */
    #define TANH_BACK(name, real)                                                                                     \\
    TANH_CLONES static void name(const real *t, const real *x, const real *y, const real *z,                          \\
                                 real *g, real *gx, real *gy, real *gz, ptrdiff_t n) {                                \\
        _Pragma("omp simd")                                                                                           \\
        for (ptrdiff_t i = 0; i < n; ++i) {                                                                           \\
            const real slope = (real)1 - t[i] * t[i];                                                                 \\
            const real bend = (gx[i] * x[i] + gy[i] * y[i]) + gz[i] * z[i];                                           \\
            g[i] = slope * g[i] - (real)2 * t[i] * bend;                                                              \\
            gx[i] *= slope;                                                                                           \\
            gy[i] *= slope;                                                                                           \\
            gz[i] *= slope;                                                                                           \\
        }                                                                                                             \\
    }
    TANH_BACK(back_single, float)
    TANH_BACK(back_double, double)
    """
    void slopes_single(const float*, float*, float*, float*, ptrdiff_t) noexcept nogil
    void slopes_double(const double*, double*, double*, double*, ptrdiff_t) noexcept nogil
    void back_single(
        const float*, const float*, const float*, const float*, float*, float*, float*, float*, ptrdiff_t
    ) noexcept nogil
    void back_double(
        const double*, const double*, const double*, const double*, double*, double*, double*, double*, ptrdiff_t
    ) noexcept nogil


ctypedef fused real:
    float
    double


def multiply_by_slope(real[:, :, ::1] u):
    """Multiply derivatives by that of tanh.

    Parameters
    ----------
    u : (4, points, units) memoryview of float or double
        t = tanh of the sums that come in, and these sums' derivatives by x, y and z, which are multiplied by 1 - t^2.

    Raises
    ------
    ValueError
        When there are not four blocks.
    """
    cdef ptrdiff_t n = u.shape[1] * u.shape[2]
    if u.shape[0] != 4:
        raise ValueError("values and three derivatives are needed")
    if n == 0:
        return
    with nogil:
        if real is float:
            slopes_single(&u[0, 0, 0], &u[1, 0, 0], &u[2, 0, 0], &u[3, 0, 0], n)
        else:
            slopes_double(&u[0, 0, 0], &u[1, 0, 0], &u[2, 0, 0], &u[3, 0, 0], n)


def turn_back(real[:, :, ::1] gradient, const real[:, :, ::1] u):
    """Turn a gradient by what came out of a layer into that by the sums that came in.

    Parameters
    ----------
    gradient : (4, points, units) memoryview of float or double
        By t and its three derivatives; overwritten.
    u : (4, points, units) memoryview of float or double
        t and its derivatives, as `multiply_by_slope` left them.

    Raises
    ------
    ValueError
        When there are not four blocks, or the shapes differ.
    """
    cdef ptrdiff_t n = u.shape[1] * u.shape[2]
    if u.shape[0] != 4:
        raise ValueError("values and three derivatives are needed")
    if gradient.shape[0] != 4 or gradient.shape[1] != u.shape[1] or gradient.shape[2] != u.shape[2]:
        raise ValueError("the gradient has not the shape of the layer")
    if n == 0:
        return
    with nogil:
        if real is float:
            back_single(
                &u[0, 0, 0], &u[1, 0, 0], &u[2, 0, 0], &u[3, 0, 0],
                &gradient[0, 0, 0], &gradient[1, 0, 0], &gradient[2, 0, 0], &gradient[3, 0, 0], n,
            )
        else:
            back_double(
                &u[0, 0, 0], &u[1, 0, 0], &u[2, 0, 0], &u[3, 0, 0],
                &gradient[0, 0, 0], &gradient[1, 0, 0], &gradient[2, 0, 0], &gradient[3, 0, 0], n,
            )
