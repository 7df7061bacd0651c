# Eight numbers at once, with functions that have no branch: what the loops of the lattice sums are made of.
#
# Vectors are those of GCC and Clang (vector_size); where a machine has narrower registers, the compiler takes several.
# Every function here is inlined into loops that are compiled for several instruction sets.

cdef extern from *:
    """
    #ifndef GENARRIS_FW_VECTORS
    #define GENARRIS_FW_VECTORS
    #include <stddef.h>
    #include <string.h>
    #pragma GCC diagnostic ignored "-Wpsabi"
    #if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
    #define V_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
    #else
    #define V_CLONES
    #endif
    #define V_INLINE static inline __attribute__((always_inline, unused))
    typedef double v8 __attribute__((vector_size(64)));
    typedef long long v8i __attribute__((vector_size(64)));
    typedef double v8_there __attribute__((vector_size(64), aligned(8), may_alias)); /* in memory, anywhere */
    #define V_AT(p) (*(const v8_there *)(p))
    #define V_PICK(m, a, b) ((v8)(((m) & (v8i)(a)) | (~(m) & (v8i)(b))))

    V_INLINE double v_sum(v8 a) { return ((a[0] + a[4]) + (a[1] + a[5])) + ((a[2] + a[6]) + (a[3] + a[7])); }
    V_INLINE int v_any(v8i m) { return (m[0] | m[1] | m[2] | m[3] | m[4] | m[5] | m[6] | m[7]) != 0; }

    /* 1 / sqrt(x) by Newton's iterations from the exponent: 1 ulp or two, and no division. */
    V_INLINE v8 v_rsqrt(v8 x) {
        v8 y = (v8)(0x5fe6eb50c7b537a9LL - ((v8i)x >> 1)), h = 0.5 * x;
        y *= 1.5 - h * y * y; y *= 1.5 - h * y * y; y *= 1.5 - h * y * y; y *= 1.5 - h * y * y;
        return y;
    }

    /* exp(-x), 0 <= x: to 1e-14 relative, 0 beyond 700. Taylor's series about the nearest multiple of ln 2. */
    V_INLINE v8 v_exp_minus(v8 x) {
        const double magic = 6755399441055744.0; /* 1.5 x 2^52: the sum's last digits are a whole number */
        const v8i in = x < 700.0;
        x = V_PICK(in, x, (v8){0} + 700.0);
        const v8 t = magic - x * 1.4426950408889634, n = t - magic;
        const v8 r = (-x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10, q = r * r;
        const v8 even = 1.0 + q * (0.5 + q * (1.0 / 24 + q * (1.0 / 720 + q * (1.0 / 40320 + q * (1.0 / 3628800)))));
        const v8 odd = 1.0 + q * (1.0 / 6 + q * (1.0 / 120 + q * (1.0 / 5040 + q * (1.0 / 362880 + q * (1.0 / 39916800)))));
        const v8 p = even + r * odd;
        return (v8)(in & ((v8i)p + ((v8i)t << 52)));
    }

    /* erfc(a) for 0 <= a <= 6, given exp(-a^2): (1 + 2a) exp(a^2) erfc(a) is a polynomial of (a - 3) / (a + 3), as in
       M. M. Shepherd & J. G. Laframboise, Math. Comp. 36, 249 (1981); coefficients fitted anew, to 4e-15. */
    V_INLINE v8 v_erfc(v8 a, v8 e) {
        const v8 one = 1.0 + 2.0 * a, three = a + 3.0, inverse = 1.0 / (one * three), t = (a - 3.0) * one * inverse;
        const v8 s = t * t;
        const v8 even = 1.2530080582697278 + s * (-0.04756229435261948 + s * (-0.11927366348929715 + s * (-0.02377051226132058
            + s * (0.001888647352827524 + s * (-0.00010487628890441961 + s * (4.7434036219724934e-06
            + s * (-4.01372432244308e-06 + s * 4.994012112620569e-07)))))));
        const v8 odd = -0.135621106124486 + s * (0.1296451586897545 + s * (0.06830802779396758 + s * (0.0025293873018241565
            + s * (-0.0007798557743544996 + s * (0.00012569997744565968 + s * (-2.2351834485384842e-05
            + s * 1.6282812545634843e-06))))));
        return (even + t * odd) * three * inverse * e;
    }

    /* sin and cos of |x| < 1e6, to 1e-15: series about the nearest multiple of pi / 2. */
    V_INLINE void v_sincos(v8 x, v8 *sine, v8 *cosine) {
        const double magic = 6755399441055744.0;
        const v8 t = x * 0.63661977236758134308 + magic, n = t - magic;
        const v8 r = ((x - n * 1.57079632673412561417) - n * 6.07710050630396597660e-11) - n * 2.02226624879595063154e-21;
        const v8 q = r * r;
        const v8 s = r + r * q * (-1.0 / 6 + q * (1.0 / 120 + q * (-1.0 / 5040 + q * (1.0 / 362880 + q * (-1.0 / 39916800
            + q * (1.0 / 6227020800.0 + q * (-1.0 / 1307674368000.0)))))));
        const v8 c = 1.0 + q * (-0.5 + q * (1.0 / 24 + q * (-1.0 / 720 + q * (1.0 / 40320 + q * (-1.0 / 3628800
            + q * (1.0 / 479001600.0 + q * (-1.0 / 87178291200.0)))))));
        const v8i k = (v8i)t, swap = -(k & 1), flip_s = (k & 2) << 62, flip_c = ((k + 1) & 2) << 62;
        *sine = (v8)((v8i)V_PICK(swap, c, s) ^ flip_s);
        *cosine = (v8)((v8i)V_PICK(swap, s, c) ^ flip_c);
    }
    #endif
    """
    # Only C uses what is here. Whoever cimports this name has the text above before its own.
    ctypedef int v8i_not_for_cython "int"
