# The reciprocal part of Ewald's sums for rigid molecules and its first and second derivatives, eight waves at a time.
#
# S(k) = sum over the molecules of the cell of w_j exp(i k.r_j); summed is G = sum over k of c(k^2) |S(k)|^2. The waves are
# one of each orbit of the point group (the multiplicity is in c), the molecules are the independent ones (parts) and
# their images by the operations, whose waves R^T k meet the part's own sites: so a derivative is one by what its part
# does. Variables: 6 strains (basis: xx yy zz, then yz xz xy over sqrt 2), then 3 shifts and 3 turns of every part.

from genarris_fw._kernels.vectors cimport v8i_not_for_cython

cdef extern from *:
    """
    #ifndef GENARRIS_FW_WAVES
    #define GENARRIS_FW_WAVES
    #include <math.h>
    #include <stdlib.h>

    enum { CHANNELS = 6, TENSORS = 69 }; /* of a part: 6 k k N0, 18 k k N1, 36 k k N2, 9 k P1 */
    typedef struct {
        int part, sites, stride, images;
        const double *x;              /* x[stride], y, z about the part's centre */
        const double *w[CHANNELS];    /* weights of the sites, 0 where a channel does not see them */
        const double *turns, *places; /* of the images: (images, 9) rotations, (images, 3) Cartesian centres, A */
        const int *alike;             /* of the images: an earlier one with the same rotation or minus it, or -1 */
    } Source;

    static const int V_I[6] = {0, 1, 2, 1, 0, 0}, V_J[6] = {0, 1, 2, 2, 2, 1};
    #define ROOT_HALF 0.70710678118654752440

    /* Adds to gradient (n) and matrix (n, n; upper triangle), n = 6 + 6 parts. waves: kx, ky, kz and, of every channel, c,
       c', c'' by k^2, each `count` (a multiple of 8). room: wave_room(...) numbers, aligned to 64 bytes. G (channels). */
    static size_t wave_room(int parts, int images, int sites) {
        const size_t n = 6 + 6 * (size_t)parts;
        return 8 * (3 * n + n * (n + 1) / 2 + (size_t)TENSORS * parts + 6 + 40 * (size_t)images * CHANNELS + 2 * (size_t)sites);
    }

    V_INLINE void wave_sum(const double *waves, int count, const Source *sources, int n_sources, int parts, int images,
                           int channels, double *gradient, double *matrix, double *room, double *G_, const int second) {
        const int n = 6 + 6 * parts, numbers = second ? 20 : 8;
        v8 *const Dr = (v8 *)room, *const Di = Dr + n, *const first = Di + n, *const outer = first + n;
        v8 *const tensors = outer + (size_t)n * (n + 1) / 2, *const shape = tensors + (size_t)TENSORS * parts;
        v8 *const raw = shape + 6, *const moments = raw + (size_t)20 * images * CHANNELS;
        v8 *const phases = moments + (size_t)20 * images * CHANNELS;
        const v8 zero = {0};
        v8 G[CHANNELS];
        for (int q = 0; q < channels; ++q) G[q] = zero;
        for (int v = 0; v < n; ++v) first[v] = zero;
        if (second) {
            for (int v = 0; v < n * (n + 1) / 2; ++v) outer[v] = zero;
            for (int v = 0; v < TENSORS * parts; ++v) tensors[v] = zero;
            for (int v = 0; v < 6; ++v) shape[v] = zero;
        }
        for (int b = 0; b < count; b += 8) {
            const v8 kx = V_AT(waves + b), ky = V_AT(waves + count + b), kz = V_AT(waves + 2 * count + b);
            const v8 k0[3] = {kx, ky, kz};
            /* Moments of w exp(i k x): 0 re im, 2 re x, 5 im x, 8 re x x, 14 im x x; of each image and channel. */
            int image = 0;
            for (int s = 0; s < n_sources; ++s) {
                const Source *source = sources + s;
                const int begin = image;
                for (int g = 0; g < source->images; ++g, ++image) {
                    const double *R = source->turns + 9 * g, *o = source->places + 3 * g;
                    const double *X = source->x, *Y = X + source->stride, *Z = Y + source->stride;
                    const int other = source->alike[g];
                    double side = 1.0; /* -1: the waves of the other are this one's conjugates */
                    if (other >= 0) {
                        side = 0.0;
                        for (int v = 0; v < 9; ++v) side += R[v] * source->turns[9 * other + v];
                        side = side > 0.0 ? 1.0 : -1.0;
                    }
                    v8 ps, pc;
                    v_sincos(kx * o[0] + ky * o[1] + kz * o[2], &ps, &pc);
                    if (other < 0) {
                        const v8 k[3] = {R[0] * kx + R[3] * ky + R[6] * kz, R[1] * kx + R[4] * ky + R[7] * kz,
                                         R[2] * kx + R[5] * ky + R[8] * kz};
                        for (int j = 0; j < source->sites; ++j)
                            v_sincos(k[0] * X[j] + k[1] * Y[j] + k[2] * Z[j], phases + 2 * j, phases + 2 * j + 1);
                    }
                    for (int q = 0; q < channels; ++q) {
                        v8 *r = raw + 20 * ((size_t)q * images + image), *m = moments + 20 * ((size_t)q * images + image);
                        const double *w = source->w[q];
                        if (!w) { for (int v = 0; v < numbers; ++v) r[v] = m[v] = zero; continue; }
                        if (other < 0) {
                            v8 r0 = zero, i0 = zero, rx = zero, ry = zero, rz = zero, ix = zero, iy = zero, iz = zero;
                            v8 r2[6] = {zero, zero, zero, zero, zero, zero}, i2[6] = {zero, zero, zero, zero, zero, zero};
                            for (int j = 0; j < source->sites; ++j) {
                                const double t = w[j], x = X[j], y = Y[j], z = Z[j];
                                const v8 si = phases[2 * j] * t, co = phases[2 * j + 1] * t;
                                r0 += co; i0 += si;
                                rx += co * x; ry += co * y; rz += co * z;
                                ix += si * x; iy += si * y; iz += si * z;
                                if (second) {
                                    r2[0] += co * (x * x); r2[1] += co * (y * y); r2[2] += co * (z * z);
                                    r2[3] += co * (y * z); r2[4] += co * (x * z); r2[5] += co * (x * y);
                                    i2[0] += si * (x * x); i2[1] += si * (y * y); i2[2] += si * (z * z);
                                    i2[3] += si * (y * z); i2[4] += si * (x * z); i2[5] += si * (x * y);
                                }
                            }
                            r[0] = r0; r[1] = i0; r[2] = rx; r[3] = ry; r[4] = rz; r[5] = ix; r[6] = iy; r[7] = iz;
                            if (second) for (int v = 0; v < 6; ++v) { r[8 + v] = r2[v]; r[14 + v] = i2[v]; }
                        } else r = raw + 20 * ((size_t)q * images + begin + other);
                        /* times the phase of the image's place */
                        const v8 sign = zero + side;
                        #define V_PHASED(re, im) { const v8 i_ = sign * r[im]; m[re] = pc * r[re] - ps * i_; m[im] = pc * i_ + ps * r[re]; }
                        V_PHASED(0, 1)
                        for (int v = 2; v < 5; ++v) V_PHASED(v, v + 3)
                        if (second) for (int v = 8; v < 14; ++v) V_PHASED(v, v + 6)
                    }
                }
            }
            for (int q = 0; q < channels; ++q) {
                const double *shapes = waves + (size_t)(3 + 3 * q) * count + b;
                const v8 c = V_AT(shapes), c1 = V_AT(shapes + count), c2 = V_AT(shapes + 2 * (size_t)count);
                v8 Sr = zero, Si = zero;
                for (int v = 0; v < n; ++v) Dr[v] = Di[v] = zero;
                const v8 *m = moments + (size_t)20 * q * images;
                for (int s = 0; s < n_sources; ++s) {
                    const Source *source = sources + s;
                    v8 *dr = Dr + 6 + 6 * source->part, *di = Di + 6 + 6 * source->part;
                    if (!source->w[q]) { m += 20 * source->images; continue; }
                    for (int g = 0; g < source->images; ++g, m += 20) {
                        const double *R = source->turns + 9 * g;
                        const v8 k[3] = {R[0] * kx + R[3] * ky + R[6] * kz, R[1] * kx + R[4] * ky + R[7] * kz,
                                         R[2] * kx + R[5] * ky + R[8] * kz};
                        const v8 *r1 = m + 2, *i1 = m + 5;
                        Sr += m[0]; Si += m[1];
                        for (int v = 0; v < 6; ++v) { /* i x (-k.E x) */
                            const int a = V_I[v], d = V_J[v];
                            const v8 re = a == d ? k[a] * r1[a] : ROOT_HALF * (k[a] * r1[d] + k[d] * r1[a]);
                            const v8 im = a == d ? k[a] * i1[a] : ROOT_HALF * (k[a] * i1[d] + k[d] * i1[a]);
                            Dr[v] += im; Di[v] -= re;
                        }
                        for (int a = 0; a < 3; ++a) {
                            const int u = (a + 1) % 3, v = (a + 2) % 3;
                            dr[a] -= k[a] * m[1]; di[a] += k[a] * m[0];
                            dr[3 + a] -= i1[u] * k[v] - i1[v] * k[u]; di[3 + a] += r1[u] * k[v] - r1[v] * k[u];
                        }
                    }
                }
                const v8 power = Sr * Sr + Si * Si, twice = 2.0 * c;
                v8 stretch[6]; /* of k^2 by the strains */
                for (int v = 0; v < 6; ++v) stretch[v] = (v < 3 ? -2.0 : -4.0 * ROOT_HALF) * k0[V_I[v]] * k0[V_J[v]];
                G[q] += c * power;
                for (int v = 0; v < n; ++v) first[v] += twice * (Sr * Dr[v] + Si * Di[v]);
                for (int v = 0; v < 6; ++v) first[v] += c1 * stretch[v] * power;
                if (!second) continue;
                v8 *o = outer;
                for (int v = 0; v < n; ++v) {
                    const v8 tr = twice * Dr[v], ti = twice * Di[v];
                    for (int w = v; w < n; ++w) *o++ += tr * Dr[w] + ti * Di[w];
                }
                o = outer;
                for (int v = 0; v < 6; ++v) {
                    const v8 t = 2.0 * c1 * stretch[v], own = Sr * Dr[v] + Si * Di[v];
                    for (int w = v; w < n; ++w, ++o) {
                        *o += t * (Sr * Dr[w] + Si * Di[w]);
                        if (w < 6) *o += 2.0 * c1 * stretch[w] * own + c2 * stretch[v] * stretch[w] * power;
                    }
                }
                for (int v = 0; v < 6; ++v) shape[v] += c1 * power * k0[V_I[v]] * k0[V_J[v]];
                m = moments + (size_t)20 * q * images;
                for (int s = 0; s < n_sources; ++s) {
                    const Source *source = sources + s;
                    v8 *t = tensors + (size_t)TENSORS * source->part;
                    if (!source->w[q]) { m += 20 * source->images; continue; }
                    for (int g = 0; g < source->images; ++g, m += 20) {
                        const double *R = source->turns + 9 * g;
                        const v8 k[3] = {R[0] * kx + R[3] * ky + R[6] * kz, R[1] * kx + R[4] * ky + R[7] * kz,
                                         R[2] * kx + R[5] * ky + R[8] * kz};
                        const v8 tr = twice * Sr, ti = twice * Si;
                        v8 N[10], *at = t + 60;
                        N[0] = tr * m[0] + ti * m[1];
                        for (int a = 0; a < 3; ++a) N[1 + a] = tr * m[2 + a] + ti * m[5 + a];
                        for (int a = 0; a < 6; ++a) N[4 + a] = tr * m[8 + a] + ti * m[14 + a];
                        for (int v = 0; v < 6; ++v) {
                            const v8 kk = k[V_I[v]] * k[V_J[v]];
                            t[v] += kk * N[0];
                            for (int a = 0; a < 3; ++a) t[6 + 3 * v + a] += kk * N[1 + a];
                            for (int a = 0; a < 6; ++a) t[24 + 6 * v + a] += kk * N[4 + a];
                        }
                        for (int a = 0; a < 3; ++a) {
                            const v8 P = tr * m[5 + a] - ti * m[2 + a];
                            for (int i = 0; i < 3; ++i) at[3 * i + a] += k[i] * P;
                        }
                    }
                }
            }
        }
        for (int v = 0; v < n; ++v) gradient[v] += v_sum(first[v]);
        for (int q = 0; q < channels; ++q) G_[q] = v_sum(G[q]);
        if (second) {
            const v8 *o = outer;
            for (int v = 0; v < n; ++v) for (int w = v; w < n; ++w) matrix[(size_t)v * n + w] += v_sum(*o++);
            /* The tensors' sums stay where they are, in their first lanes, for waves_own. */
            for (int v = 0; v < TENSORS * parts; ++v) tensors[v][0] = v_sum(tensors[v]);
            for (int v = 0; v < 6; ++v) shape[v][0] = v_sum(shape[v]);
        }
    }
    V_CLONES static void waves_1(const double *waves, int count, const Source *sources, int n_sources, int parts, int images,
                                 int channels, double *gradient, double *matrix, double *room, double *G) {
        wave_sum(waves, count, sources, n_sources, parts, images, channels, gradient, matrix, room, G, 0);
    }
    V_CLONES static void waves_2(const double *waves, int count, const Source *sources, int n_sources, int parts, int images,
                                 int channels, double *gradient, double *matrix, double *room, double *G) {
        wave_sum(waves, count, sources, n_sources, parts, images, channels, gradient, matrix, room, G, 1);
    }

    /* The basis of the strains */
    static const double V_E[6][3][3] = {
        {{1, 0, 0}, {0, 0, 0}, {0, 0, 0}}, {{0, 0, 0}, {0, 1, 0}, {0, 0, 0}}, {{0, 0, 0}, {0, 0, 0}, {0, 0, 1}},
        {{0, 0, 0}, {0, 0, ROOT_HALF}, {0, ROOT_HALF, 0}}, {{0, 0, ROOT_HALF}, {0, 0, 0}, {ROOT_HALF, 0, 0}},
        {{0, ROOT_HALF, 0}, {ROOT_HALF, 0, 0}, {0, 0, 0}}};
    static const double V_EE(int v, int w, int a, int b) { /* E_v E_w + E_w E_v */
        double t = 0;
        for (int c = 0; c < 3; ++c) t += V_E[v][a][c] * V_E[w][c][b] + V_E[w][a][c] * V_E[v][c][b];
        return t;
    }

    /* Second derivatives of S itself, from the sums that waves_2 left in its room. */
    static void waves_own(int parts, double *matrix, const double *room) {
        static const int at[3][3] = {{0, 5, 4}, {5, 1, 3}, {4, 3, 2}};
        const int n = 6 + 6 * parts;
        const double *tensors = room + 8 * (3 * (size_t)n + (size_t)n * (n + 1) / 2);
        const double *shape = tensors + 8 * (size_t)TENSORS * parts;
        for (int v = 0; v < 6; ++v) for (int w = v; w < 6; ++w)
            for (int a = 0; a < 3; ++a) for (int b = 0; b < 3; ++b)
                matrix[(size_t)v * n + w] += 3.0 * V_EE(v, w, a, b) * shape[8 * at[a][b]];
        for (int p = 0; p < parts; ++p) {
            double t[TENSORS];
            for (int v = 0; v < TENSORS; ++v) t[v] = tensors[8 * ((size_t)TENSORS * p + v)];
            const double *T0 = t, *T1 = t + 6, *T2 = t + 24, *R1 = t + 60;
            const int u0 = 6 + 6 * p, t0 = u0 + 3;
            #define T2_(b, d, a, c) T2[6 * at[b][d] + at[a][c]]
            #define T1_(i, b, a) T1[3 * at[i][b] + (a)]
            for (int i = 0; i < 3; ++i) {
                for (int j = i; j < 3; ++j) matrix[(size_t)(u0 + i) * n + u0 + j] -= T0[at[i][j]];
                for (int m = 0; m < 3; ++m) {
                    const int a = (m + 1) % 3, b = (m + 2) % 3;
                    matrix[(size_t)(u0 + i) * n + t0 + m] -= T1_(i, b, a) - T1_(i, a, b);
                }
                for (int v = 0; v < 6; ++v) {
                    double sum = 0;
                    for (int a = 0; a < 3; ++a) for (int b = 0; b < 3; ++b) sum += V_E[v][b][a] * T1_(i, b, a);
                    matrix[(size_t)v * n + u0 + i] += sum;
                }
            }
            const double trace = R1[0] + R1[4] + R1[8];
            for (int m = 0; m < 3; ++m) {
                const int a = (m + 1) % 3, b = (m + 2) % 3;
                for (int q = m; q < 3; ++q) {
                    const int c = (q + 1) % 3, d = (q + 2) % 3;
                    /* (x_a k_b - x_b k_a)(x_c k_d - x_d k_c) */
                    double sum = T2_(b, d, a, c) - T2_(b, c, a, d) - T2_(a, d, b, c) + T2_(a, c, b, d);
                    sum += 0.5 * (R1[3 * m + q] + R1[3 * q + m]) - (m == q ? trace : 0.0);
                    matrix[(size_t)(t0 + m) * n + t0 + q] -= sum;
                }
                for (int v = 0; v < 6; ++v) {
                    double sum = 0;
                    for (int d = 0; d < 3; ++d) for (int c = 0; c < 3; ++c)
                        sum += V_E[v][d][c] * (T2_(b, d, a, c) - T2_(a, d, b, c));
                    for (int c = 0; c < 3; ++c) sum += V_E[v][b][c] * R1[3 * c + a] - V_E[v][a][c] * R1[3 * c + b];
                    matrix[(size_t)v * n + t0 + m] += sum;
                }
            }
            for (int v = 0; v < 6; ++v) for (int w = v; w < 6; ++w) {
                double sum = 0;
                for (int a = 0; a < 3; ++a) for (int b = 0; b < 3; ++b) {
                    if (V_E[v][b][a] != 0)
                        for (int c = 0; c < 3; ++c) for (int d = 0; d < 3; ++d)
                            if (V_E[w][d][c] != 0) sum += V_E[v][b][a] * V_E[w][d][c] * T2_(b, d, a, c);
                    sum += V_EE(v, w, b, a) * R1[3 * b + a];
                }
                matrix[(size_t)v * n + w] -= sum;
            }
        }
    }

    /* c, c', c'' by s = k^2 of 8 waves: of charges 4 pi / s exp(-s / 4 alpha^2); of r^-6 (D. E. Williams, Acta Cryst. A 27,
       452 (1971)) pi^1.5 / 12 [k^3 sqrt(pi) erfc(b) + (4 alpha^3 - 2 alpha s) exp(-b^2)], b = k / 2 alpha. Switched off
       between two s. weights: multiplicity and prefactor, 0 where a wave does not count. */
    V_INLINE void wave_shape(const double *s_, const double *weight, int count, int sixth, double alpha, double start,
                             double end, double *c_) {
        for (int b = 0; b < count; b += 8) {
            const v8 zero = {0}, s = V_AT(s_ + b), quarter = s * (0.25 / (alpha * alpha)), e = v_exp_minus(quarter);
            v8 f, f1, f2;
            if (sixth) {
                const v8 ik = v_rsqrt(s), k = s * ik, erfc = 1.77245385090551602730 * v_erfc(k * (0.5 / alpha), e);
                const double scale = 5.56832799683170784528 / 12.0;
                f = scale * (s * k * erfc + (4.0 * alpha * alpha * alpha - 2.0 * alpha * s) * e);
                f1 = scale * (1.5 * k * erfc - 3.0 * alpha * e);
                f2 = scale * 0.75 * erfc * ik;
            } else {
                const v8 is = 1.0 / s, t = is + 0.25 / (alpha * alpha);
                f = 12.56637061435917295385 * e * is; f1 = -f * t; f2 = f * (t * t + is * is);
            }
            v8 u = (s - start) * (1.0 / (end - start));
            u = V_PICK(u > 0.0, u, zero); u = V_PICK(u < 1.0, u, zero + 1.0);
            const double per = 1.0 / (end - start);
            const v8 left = 1.0 - u, w = 1.0 - u * u * u * (10.0 - u * (15.0 - 6.0 * u)), m = V_AT(weight + b);
            const v8 w1 = -30.0 * per * u * u * left * left, w2 = -60.0 * per * per * u * left * (1.0 - 2.0 * u);
            *(v8_there *)(c_ + b) = m * f * w;
            *(v8_there *)(c_ + count + b) = m * (f1 * w + f * w1);
            *(v8_there *)(c_ + 2 * count + b) = m * (f2 * w + 2.0 * f1 * w1 + f * w2);
        }
    }
    V_CLONES static void wave_shapes(const double *s, const double *weight, int count, int sixth, double alpha,
                                     double start, double end, double *c) {
        wave_shape(s, weight, count, sixth, alpha, start, end, c);
    }
    #endif
    """
    enum:
        CHANNELS
    ctypedef struct Source:
        int part, sites, stride, images
        const double *x
        const double *w[CHANNELS]
        const double *turns
        const double *places
        const int *alike
    size_t wave_room(int parts, int images, int sites) noexcept nogil
    void waves_1(const double *waves, int count, const Source *sources, int n_sources, int parts, int images, int channels, double *gradient, double *matrix, double *room, double *G) noexcept nogil
    void waves_2(const double *waves, int count, const Source *sources, int n_sources, int parts, int images, int channels, double *gradient, double *matrix, double *room, double *G) noexcept nogil
    void waves_own(int parts, double *matrix, const double *room) noexcept nogil
    void wave_shapes(const double *s, const double *weight, int count, int sixth, double alpha, double start, double end, double *c) noexcept nogil
