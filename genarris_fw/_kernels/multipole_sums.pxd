# Sums over pairs of sites with multipoles, in C so that they become vector instructions: lanes are the sites of the image.
#
# The irregular solid harmonics are scaled so that their recursions and derivatives need no roots: (l - m)! P_lm(cos)
# exp(i m phi) / r^(l + 1) = c_lm + i s_lm without the Condon-Shortley phase. Then d/dz lowers nothing but raises l:
# -c_(l+1)m, and d/dx -+ i d/dy give c_(l+1)(m-1) and -c_(l+1)(m+1) (Epton and Dembart, SIAM J. Sci. Comput. 16, 865
# (1995)). Components are in the order l0, l1c, l1s, l2c, ...; those with l = 2 to 4 begin at 4, those with 3 to 5 at 9.

cdef extern from *:
    """
    #include <math.h>
    #include <stddef.h>
    #include <stdint.h>
    #include <string.h>
    #ifndef GENARRIS_FW_MULTIPOLE_SUMS
    #define GENARRIS_FW_MULTIPOLE_SUMS
    #if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
    #define MULTIPOLE_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
    #define MULTIPOLE_INLINE static inline __attribute__((always_inline))
    #else
    #define MULTIPOLE_CLONES
    #define MULTIPOLE_INLINE static inline
    #endif

    /* exp(x) for -700 < x <= 0 to 2e-16: x = n ln 2 + f, and the series of exp(f). */
    MULTIPOLE_INLINE double falling_exp(double x) {
        const double shift = 6755399441055744.0;  /* 1.5 x 2^52: what is added rounds to a whole number in the low bits */
        const double moved = x * 1.4426950408889634 + shift, n = moved - shift;
        const double f = (x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
        double power;
        int64_t bits;
        memcpy(&bits, &moved, 8);
        bits = (int64_t)((uint64_t)(bits + 1023) << 52);
        memcpy(&power, &bits, 8);
        double p = 1.0 / 6227020800.0;
        p = p * f + 1.0 / 479001600.0; p = p * f + 1.0 / 39916800.0; p = p * f + 1.0 / 3628800.0;
        p = p * f + 1.0 / 362880.0; p = p * f + 1.0 / 40320.0; p = p * f + 1.0 / 5040.0;
        p = p * f + 1.0 / 720.0; p = p * f + 1.0 / 120.0; p = p * f + 1.0 / 24.0;
        p = p * f + 1.0 / 6.0; p = p * f + 0.5; p = p * f + 1.0; p = p * f + 1.0;
        return p * power;
    }

    /* exp(x^2) erfc(x) for 0 <= x < 8 to 3e-15: a polynomial in (x - 3) / (x + 3), fitted at Chebyshev's points. */
    MULTIPOLE_INLINE double scaled_erfc(double x) {
        const double t = (x - 3.0) / (x + 3.0);
        double p = 1.6957846484211237e-07;
        p = p * t + 1.4752116661914693e-06; p = p * t + 3.9540042779310162e-06; p = p * t - 1.1508120265993801e-06;
        p = p * t - 2.0626684734245774e-05; p = p * t + 4.8752286203612007e-06; p = p * t + 0.00012524315037843156;
        p = p * t - 0.00010510046810839464; p = p * t - 0.00077984756379410609; p = p * t + 0.0018886788848222651;
        p = p * t + 0.002529392150202659; p = p * t - 0.023770513905806822; p = p * t + 0.068308027388336814;
        p = p * t - 0.11927366345715938; p = p * t + 0.1296451587003728; p = p * t - 0.047562294352785764;
        p = p * t - 0.13562110612455699; p = p * t + 1.2530080582697283;
        return p / (1.0 + 2.0 * x);
    }

    /* Where two sites are so near that they overlap, their terms fade away: exp-6 alone drives them apart. From 0 at 0.7 Å
       to 1 at 1.1 Å, twice continuously differentiable; no crystal that is a minimum has sites of two molecules there. */
    #define CORE_START 0.7
    #define CORE_RISE 2.5  /* 1 / (1.1 - 0.7) */
    MULTIPOLE_INLINE double core_part(double r) {
        const double over = (r - CORE_START) * CORE_RISE;
        return over < 0.0 ? 0.0 : over > 1.0 ? 1.0 : over;
    }

    /* out[a][j] (+)= sum over b of matrix[a][b] x in[b][j]. */
    MULTIPOLE_CLONES static void combine(const double *matrix, int rows, int columns, const double *in, ptrdiff_t stride,
                                         int add, double *out) {
        for (int a = 0; a < rows; ++a) {
            double *target = out + (size_t)a * stride;
            if (!add) for (ptrdiff_t j = 0; j < stride; ++j) target[j] = 0.0;
            for (int b = 0; b < columns; ++b) {
                const double factor = matrix[(size_t)a * columns + b], *source = in + (size_t)b * stride;
                if (factor == 0.0) continue;
                #pragma omp simd
                for (ptrdiff_t j = 0; j < stride; ++j) target[j] += factor * source[j];
            }
        }
    }

    /* out[b][j] += sum over a of matrix[a][b] x in[a][j]. */
    MULTIPOLE_CLONES static void combine_back(const double *matrix, int rows, int columns, const double *in,
                                              ptrdiff_t stride, double *out) {
        for (int a = 0; a < rows; ++a) {
            const double *source = in + (size_t)a * stride;
            for (int b = 0; b < columns; ++b) {
                const double factor = matrix[(size_t)a * columns + b];
                double *target = out + (size_t)b * stride;
                if (factor == 0.0) continue;
                #pragma omp simd
                for (ptrdiff_t j = 0; j < stride; ++j) target[j] += factor * source[j];
            }
        }
    }

    /* out[a][b] += scale x sum over j of left[a][j] x right[b][j], where pattern[a][b] is not 0. */
    MULTIPOLE_CLONES static void contract(const double *left, int rows, const double *right, int columns, ptrdiff_t stride,
                                          double scale, const double *pattern, double *out) {
        for (int a = 0; a < rows; ++a)
            for (int b = 0; b < columns; ++b) {
                if (pattern[(size_t)a * columns + b] == 0.0) continue;
                double total = 0.0;
                #pragma omp simd reduction(+:total)
                for (ptrdiff_t j = 0; j < stride; ++j) total += left[(size_t)a * stride + j] * right[(size_t)b * stride + j];
                out[(size_t)a * columns + b] += scale * total;
            }
    }

    /* The gradient of sum a_k I_k, l = 2 to 4 (21 rows), as coefficients of the harmonics with l = 3 to 5 (27 rows in x,
       27 in y, 27 in z). */
    MULTIPOLE_CLONES static void gradients(const double *a, ptrdiff_t stride, double *g) {
        for (ptrdiff_t k = 0; k < 81 * stride; ++k) g[k] = 0.0;
        for (int l = 2; l <= 4; ++l) {
            const int from = l * l - 4, to = (l + 1) * (l + 1) - 9;
            double *gx = g + (size_t)to * stride, *gy = gx + 27 * stride, *gz = gy + 27 * stride;
            const double *zero = a + (size_t)from * stride;
            #pragma omp simd
            for (ptrdiff_t j = 0; j < stride; ++j) {
                gz[j] -= zero[j];
                gx[stride + j] -= zero[j];
                gy[2 * stride + j] -= zero[j];
            }
            for (int m = 1; m <= l; ++m) {
                const double *c = zero + (size_t)(2 * m - 1) * stride, *s = c + stride;
                const ptrdiff_t here = (2 * m - 1) * stride, up = here + 2 * stride, down = m > 1 ? here - 2 * stride : 0;
                const double sine = m > 1 ? 0.5 : 0.0;  /* there is no s_l0 */
                #pragma omp simd
                for (ptrdiff_t j = 0; j < stride; ++j) {
                    const double p = 0.5 * c[j], q = 0.5 * s[j];
                    gz[here + j] -= c[j];
                    gz[here + stride + j] -= s[j];
                    gx[up + j] -= p;
                    gx[up + stride + j] -= q;
                    gy[up + stride + j] -= p;
                    gy[up + j] += q;
                    gx[down + j] += p;
                    gy[down + j] += q;
                }
                #pragma omp simd
                for (ptrdiff_t j = 0; j < stride; ++j) {
                    gx[down + stride + j] += sine * s[j];
                    gy[down + stride + j] -= sine * c[j];
                }
            }
        }
    }

    /* A site at p about its molecule's centre, seen by the sites of images: b[3][stride] about their centre, which is at
       near[count][5]: d, a weight, and what is not looked at (an Image of entries.pxd). Adds the tapered harmonics to sums[21][stride], the gradient by the image's sites
       to forces[3][stride] and these times d to virial[9][stride]. Images whose centre is farther than reach from the
       site, or than gate from the centre, are left out.
       scale multiplies all; the energy goes smoothly from start to end to 0 (1 - 10 u^3 + 15 u^4 - 6 u^5). */
    #define VIRIAL virial[j] += ex * dx; virial[stride + j] += ex * dy; virial[2 * stride + j] += ex * dz; \\
        virial[3 * stride + j] += ey * dx; virial[4 * stride + j] += ey * dy; virial[5 * stride + j] += ey * dz; \\
        virial[6 * stride + j] += ez * dx; virial[7 * stride + j] += ez * dy; virial[8 * stride + j] += ez * dz;
    #define GIVE(k, v) { const double value = (v); u += a[(k) * stride + j] * value; sums[(k) * stride + j] += w * value; }
    #define RISE(k, v) { const double value = (v); gx += g[(k) * stride + j] * value; \\
        gy += g[(27 + (k)) * stride + j] * value; gz += g[(54 + (k)) * stride + j] * value; }
    MULTIPOLE_CLONES static void direct_sums(const double *near, int count, const double *b, double px, double py,
                                             double pz, const double *a, const double *g, ptrdiff_t stride, double start,
                                             double end, double scale, double reach, double gate, double *sums,
                                             double *forces, double *virial) {
        const double *bx = b, *by = b + stride, *bz = b + 2 * stride;
        double *ox = forces, *oy = forces + stride, *oz = forces + 2 * stride;
        const double width = end > start ? 1.0 / (end - start) : 0.0;
        for (int image = 0; image < count; ++image) {
            const double dx = near[5 * image], dy = near[5 * image + 1], dz = near[5 * image + 2];
            const double weight = scale * near[5 * image + 3], cx = dx - px, cy = dy - py, cz = dz - pz;
            if (cx * cx + cy * cy + cz * cz > reach * reach || dx * dx + dy * dy + dz * dz > gate * gate) continue;
            #pragma omp simd
            for (ptrdiff_t j = 0; j < stride; ++j) {
                const double x = bx[j] + cx, y = by[j] + cy, z = bz[j] + cz;
                const double true2 = x * x + y * y + z * z, r2 = true2 < 0.25 ? 0.25 : true2, ii = 1.0 / r2, r = sqrt(r2);
                const double v = core_part(r), core = v * v * v * (10.0 - v * (15.0 - 6.0 * v));
                const double xi = x * ii, yi = y * ii, zi = z * ii;
                const double over = (r - start) * width, t = over < 0.0 ? 0.0 : over > 1.0 ? 1.0 : over;
                const double part = r > end ? 0.0 : weight * (1.0 - t * t * t * (10.0 - t * (15.0 - 6.0 * t))), w = part * core;
                const double slope = 30.0 * r * ii * (part * v * v * (1.0 - v) * (1.0 - v) * CORE_RISE
                                                      - weight * core * t * t * (1.0 - t) * (1.0 - t) * width);
                double u = 0, gx = 0, gy = 0, gz = 0;
                const double c0 = r * ii, c10 = zi * c0, c11 = xi * c0, s11 = yi * c0;
                const double c20 = 3 * zi * c10 - ii * c0, c21 = 3 * zi * c11, s21 = 3 * zi * s11;
                const double c22 = 3 * (xi * c11 - yi * s11), s22 = 3 * (xi * s11 + yi * c11);
                const double c30 = 5 * zi * c20 - 4 * ii * c10, c31 = 5 * zi * c21 - 3 * ii * c11;
                const double s31 = 5 * zi * s21 - 3 * ii * s11, c32 = 5 * zi * c22, s32 = 5 * zi * s22;
                const double c33 = 5 * (xi * c22 - yi * s22), s33 = 5 * (xi * s22 + yi * c22);
                const double c40 = 7 * zi * c30 - 9 * ii * c20, c41 = 7 * zi * c31 - 8 * ii * c21;
                const double s41 = 7 * zi * s31 - 8 * ii * s21, c42 = 7 * zi * c32 - 5 * ii * c22;
                const double s42 = 7 * zi * s32 - 5 * ii * s22, c43 = 7 * zi * c33, s43 = 7 * zi * s33;
                const double c44 = 7 * (xi * c33 - yi * s33), s44 = 7 * (xi * s33 + yi * c33);
                GIVE(0, c20) GIVE(1, c21) GIVE(2, s21) GIVE(3, c22) GIVE(4, s22)
                GIVE(5, c30) GIVE(6, c31) GIVE(7, s31) GIVE(8, c32) GIVE(9, s32) GIVE(10, c33) GIVE(11, s33)
                GIVE(12, c40) GIVE(13, c41) GIVE(14, s41) GIVE(15, c42) GIVE(16, s42) GIVE(17, c43) GIVE(18, s43)
                GIVE(19, c44) GIVE(20, s44)
                RISE(0, c30) RISE(1, c31) RISE(2, s31) RISE(3, c32) RISE(4, s32) RISE(5, c33) RISE(6, s33)
                RISE(7, c40) RISE(8, c41) RISE(9, s41) RISE(10, c42) RISE(11, s42) RISE(12, c43) RISE(13, s43)
                RISE(14, c44) RISE(15, s44)
                RISE(16, 9 * zi * c40 - 16 * ii * c30)
                RISE(17, 9 * zi * c41 - 15 * ii * c31) RISE(18, 9 * zi * s41 - 15 * ii * s31)
                RISE(19, 9 * zi * c42 - 12 * ii * c32) RISE(20, 9 * zi * s42 - 12 * ii * s32)
                RISE(21, 9 * zi * c43 - 7 * ii * c33) RISE(22, 9 * zi * s43 - 7 * ii * s33)
                RISE(23, 9 * zi * c44) RISE(24, 9 * zi * s44)
                RISE(25, 9 * (xi * c44 - yi * s44)) RISE(26, 9 * (xi * s44 + yi * c44))
                const double ex = w * gx + slope * u * x, ey = w * gy + slope * u * y, ez = w * gz + slope * u * z;
                ox[j] += ex; oy[j] += ey; oz[j] += ez;
                VIRIAL
            }
        }
    }

    /* The real part of Ewald's sum for charges and dipoles, of one site seen by the sites of images. With r from the site
       to the image's: B0 = erfc(alpha r) / r, B(n+1) = -(dBn/dr) / r (Smith, CCP5 Newsletter 46, 18 (1998)), and
       U = q q' B0 + (q' m - q m').r B1 + m.m' B1 - (m.r)(m'.r) B2.
       pair[5][stride]: q q', q' m - q m' (3), m.m'; image_dipoles[3][stride]: m'; m: the site's dipole.
       sums[11][stride]: weight x core x (B0, r B1 (3), B1, xx yy zz yz xz xy x B2). */
    MULTIPOLE_CLONES static void damped_sums(const double *near, int count, const double *b, double px, double py,
                                             double pz, const double *pair, const double *image_dipoles, const double *m,
                                             ptrdiff_t stride, double alpha, double scale, double reach, double *sums,
                                             double *forces, double *virial) {
        const double *bx = b, *by = b + stride, *bz = b + 2 * stride;
        double *ox = forces, *oy = forces + stride, *oz = forces + 2 * stride;
        const double rise = 2.0 * alpha * alpha, first = 2.0 * alpha * 0.56418958354775628695;
        const double mx = m[0], my = m[1], mz = m[2];
        for (int image = 0; image < count; ++image) {
            const double dx = near[5 * image], dy = near[5 * image + 1], dz = near[5 * image + 2];
            const double weight = scale * near[5 * image + 3], cx = dx - px, cy = dy - py, cz = dz - pz;
            if (cx * cx + cy * cy + cz * cz > reach * reach) continue;
            #pragma omp simd
            for (ptrdiff_t j = 0; j < stride; ++j) {
                const double x = bx[j] + cx, y = by[j] + cy, z = bz[j] + cz;
                const double true2 = x * x + y * y + z * z, r2 = true2 < 0.25 ? 0.25 : true2, ii = 1.0 / r2, r = sqrt(r2);
                const double v = core_part(r), core = v * v * v * (10.0 - v * (15.0 - 6.0 * v));
                const double far = alpha * r > 20.0 ? 20.0 : alpha * r;
                const double e = weight * falling_exp(-far * far), k = first * e;
                const double b0 = e * scaled_erfc(far) * r * ii;
                const double b1 = (b0 + k) * ii, b2 = (3 * b1 + k * rise) * ii, b3 = (5 * b2 + k * rise * rise) * ii;
                const double nx = image_dipoles[j], ny = image_dipoles[stride + j], nz = image_dipoles[2 * stride + j];
                const double qx = pair[stride + j], qy = pair[2 * stride + j], qz = pair[3 * stride + j];
                const double mr = mx * x + my * y + mz * z, nr = nx * x + ny * y + nz * z;
                const double along = -pair[j] * b1 - (qx * x + qy * y + qz * z) * b2 - pair[4 * stride + j] * b2 + mr * nr * b3;
                const double pr = qx * x + qy * y + qz * z, u = pair[j] * b0 + (pr + pair[4 * stride + j]) * b1 - mr * nr * b2;
                const double slope = u * 30.0 * v * v * (1.0 - v) * (1.0 - v) * CORE_RISE * r * ii;
                const double ex = core * (along * x + qx * b1 - (mx * nr + nx * mr) * b2) + slope * x;
                const double ey = core * (along * y + qy * b1 - (my * nr + ny * mr) * b2) + slope * y;
                const double ez = core * (along * z + qz * b1 - (mz * nr + nz * mr) * b2) + slope * z;
                const double w0 = core * b0, w1 = core * b1, w2 = core * b2;
                sums[j] += w0;
                sums[stride + j] += x * w1; sums[2 * stride + j] += y * w1; sums[3 * stride + j] += z * w1;
                sums[4 * stride + j] += w1;
                sums[5 * stride + j] += x * x * w2; sums[6 * stride + j] += y * y * w2; sums[7 * stride + j] += z * z * w2;
                sums[8 * stride + j] += y * z * w2; sums[9 * stride + j] += x * z * w2; sums[10 * stride + j] += x * y * w2;
                ox[j] += ex; oy[j] += ey; oz[j] += ez;
                VIRIAL
            }
        }
    }

    /* One wave: charges and dipoles of all sites with phases (cosine, sine); along: G.m of each. out: sums of
       (q cos, q sin, -g sin, g cos), the real and imaginary parts of both structure factors. */
    MULTIPOLE_CLONES static void structure_factor(const double *cosine, const double *sine, const double *charge,
                                                  const double *dipole, ptrdiff_t n, double gx, double gy, double gz,
                                                  double *out) {
        double a = 0, b = 0, c = 0, d = 0;
        #pragma omp simd reduction(+:a, b, c, d)
        for (ptrdiff_t i = 0; i < n; ++i) {
            const double g = gx * dipole[i] + gy * dipole[n + i] + gz * dipole[2 * n + i];
            a += charge[i] * cosine[i]; b += charge[i] * sine[i];
            c -= g * sine[i]; d += g * cosine[i];
        }
        out[0] = a; out[1] = b; out[2] = c; out[3] = d;
    }

    /* What one wave with structure factor re + i im does to the first sites: adds factor x the derivatives of |S|^2 by
       position and by dipole to field[6][n]. */
    MULTIPOLE_CLONES static void wave_field(const double *cosine, const double *sine, const double *charge,
                                            const double *dipole, ptrdiff_t n, ptrdiff_t count, double gx, double gy, double gz,
                                            double re, double im, double factor, double *field) {
        #pragma omp simd
        for (ptrdiff_t i = 0; i < count; ++i) {
            const double g = gx * dipole[i] + gy * dipole[n + i] + gz * dipole[2 * n + i];
            /* conjugate of S x exp(i phase) */
            const double x = re * cosine[i] + im * sine[i], y = re * sine[i] - im * cosine[i];
            const double p = -2.0 * factor * (charge[i] * y + g * x), t = -2.0 * factor * y;
            field[i] += p * gx; field[n + i] += p * gy; field[2 * n + i] += p * gz;
            field[3 * n + i] += t * gx; field[4 * n + i] += t * gy; field[5 * n + i] += t * gz;
        }
    }

    /* (c, s) = (a, b) x (p, q) as complex numbers. */
    MULTIPOLE_CLONES static void advance(const double *a, const double *b, const double *p, const double *q, ptrdiff_t n,
                                         double *c, double *s) {
        #pragma omp simd
        for (ptrdiff_t i = 0; i < n; ++i) {
            const double u = a[i] * p[i] - b[i] * q[i], v = a[i] * q[i] + b[i] * p[i];
            c[i] = u; s[i] = v;
        }
    }
    #endif
    """
    void combine(const double *matrix, int rows, int columns, const double *in_, int stride, int add, double *out) noexcept nogil
    void combine_back(const double *matrix, int rows, int columns, const double *in_, Py_ssize_t stride, double *out) noexcept nogil
    void contract(const double *left, int rows, const double *right, int columns, int stride, double scale, const double *pattern, double *out) noexcept nogil
    void gradients(const double *a, int stride, double *g) noexcept nogil
    void direct_sums(const double *near, int count, const double *b, double px, double py, double pz, const double *a, const double *g, Py_ssize_t stride, double start, double end, double scale, double reach, double gate, double *sums, double *forces, double *virial) noexcept nogil
    void damped_sums(const double *near, int count, const double *b, double px, double py, double pz, const double *pair, const double *image_dipoles, const double *m, Py_ssize_t stride, double alpha, double scale, double reach, double *sums, double *forces, double *virial) noexcept nogil
    void structure_factor(const double *cosine, const double *sine, const double *charge, const double *dipole, int n, double gx, double gy, double gz, double *out) noexcept nogil
    void wave_field(const double *cosine, const double *sine, const double *charge, const double *dipole, int n, int count, double gx, double gy, double gz, double re, double im, double factor, double *field) noexcept nogil
    void advance(const double *a, const double *b, const double *p, const double *q, int n, double *c, double *s) noexcept nogil
