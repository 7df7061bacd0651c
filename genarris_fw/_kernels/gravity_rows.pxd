# One origin's trips to all destinations: exponents, exponentials, and what is added up of them. Sums are reordered as
# vector instructions have it, so their last digits depend on the processor; they do not depend on threads.

from libc.stddef cimport ptrdiff_t

cdef extern from *:
    """
    #ifndef GENARRIS_FW_GRAVITY_ROWS
    #define GENARRIS_FW_GRAVITY_ROWS
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
    #endif
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
