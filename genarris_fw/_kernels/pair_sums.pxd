# The energy of two rigid molecules and its first and second derivatives, in C so that it becomes vector instructions.
#
# x = d + b_j - a_i joins site i of the first molecule and site j of the second, both about their centres. Of every
# pair only moments of f'(r)/r = A and (f'' - f'/r)/r^2 = B over the a_i are summed; for each j they give the force, the
# torques and the 9 x 9 matrix of second derivatives by d and the rotation vectors of both molecules (the exponential
# map's second-order terms included). Sums of A a_i a_i cancel between the two kinds of terms.

from genarris_fw._kernels.vectors cimport v8i_not_for_cython

cdef extern from *:
    """
    #ifndef GENARRIS_FW_PAIR_SUMS
    #define GENARRIS_FW_PAIR_SUMS

    /* Two groups of sites. a: x[a_stride], y, z; b the same with unused sites far away and padded to a multiple of 8.
       The pair's parameters: rows of b_sites. */
    typedef struct {
        int a_sites, a_stride, b_sites;
        const double *a, *b, *qa, *qb;
        const double *A, *B, *C, *guard, *D, *damping;
        double x, y, z;        /* d */
        double alpha;          /* of Ewald's sums, 1/A */
        double start, cut;     /* the interaction is switched off from start to cut, A */
        double radius;         /* of b about its centre, A */
    } Sites;
    enum { EXP6 = 1, LONG = 2, CHARGES = 4, DAMPED = 8, SUMS_1 = 11, SUMS_2 = 56 };
    #define CORE 0.8           /* A: below it charges and the smooth dispersion go on linearly */
    #define STIFF 5000.0       /* kJ/mol/A^2: of exp-6 below its guard */

    /* sums: 0, 1 energy of exp-6, of charges; 2 by d, 5 by the rotation of a, 8 of b; then the matrix: 11 dd (xx xy xz yy
       yz zz), 17 da (row: d), 26 db, 35 aa, 41 bb, 47 ab (row: a). */
    V_INLINE void pair_sum(const Sites *p, double *sums, const int what, const int second) {
        const double alpha = p->alpha, al2 = alpha * alpha, cut2 = p->cut * p->cut, start = p->start;
        const double al6 = 0.5 * al2 * al2 * al2, al8 = al6 * al2, per = 1.0 / (p->cut - p->start);
        const double ke = 1.12837916709551257390 * alpha, lim = (p->cut + p->radius) * (p->cut + p->radius);
        const v8 zero = {0};
        v8 out[SUMS_2];
        for (int k = 0; k < (second ? SUMS_2 : SUMS_1); ++k) out[k] = zero;
        for (int j = 0; j < p->b_sites; j += 8) {
            const v8 bx = V_AT(p->b + j), by = V_AT(p->b + p->b_sites + j), bz = V_AT(p->b + 2 * p->b_sites + j);
            const v8 yx = bx + p->x, yy = by + p->y, yz = bz + p->z;
            v8 es = zero, eq = zero, A0 = zero, Ax = zero, Ay = zero, Az = zero;
            v8 B0 = zero, Bx = zero, By = zero, Bz = zero, Bxx = zero, Bxy = zero, Bxz = zero, Byy = zero, Byz = zero, Bzz = zero;
            for (int i = 0; i < p->a_sites; ++i) {
                const double ax = p->a[i], ay = p->a[p->a_stride + i], az = p->a[2 * p->a_stride + i];
                const double cx = p->x - ax, cy = p->y - ay, cz = p->z - az;
                if (cx * cx + cy * cy + cz * cz > lim) continue;
                const v8 x = yx - ax, y = yy - ay, z = yz - az;
                v8 r2 = x * x + y * y + z * z;
                const v8i in = r2 < cut2;
                if (!v_any(in)) continue;
                r2 = V_PICK(in, r2, zero + cut2);
                r2 = V_PICK(r2 > 1e-4, r2, zero + 1e-4);
                const v8 ir = v_rsqrt(r2), r = r2 * ir, is0 = ir * ir;
                v8 core = zero + CORE;
                const size_t row = (size_t)i * p->b_sites + j;
                if (what & EXP6) core = V_AT(p->guard + row);
                const int near = v_any(r < core);
                v8 f = zero, f1 = zero, f2 = zero, charge = zero;
                if (what & (LONG | CHARGES)) {
                    v8 re = r, ire = ir, is = is0;
                    const v8i deep = r < CORE;
                    if (near) {
                        re = V_PICK(deep, zero + CORE, r); ire = V_PICK(deep, zero + 1.0 / CORE, ir); is = ire * ire;
                    }
                    const v8 a2 = al2 * re * re, e = v_exp_minus(a2);
                    if (what & CHARGES) {
                        const v8 q = p->qa[i] * V_AT(p->qb + j), u = v_erfc(alpha * re, e) * ire, k = ke * e;
                        const v8 u1 = -0.5 * (u + k) * is;
                        charge = q * u; f1 = q * u1; f2 = q * is * (0.5 * al2 * k - 1.5 * u1);
                    }
                    if (what & LONG) {
                        const v8 C = V_AT(p->C + row), g = (1.0 + a2 * (1.0 + 0.5 * a2)) * e, t = al6 * e * is;
                        const v8 h = (1.0 - g) * is * is * is, h1 = t - 3.0 * h * is;
                        f = C * h; f1 += C * h1; f2 += C * ((3.0 * h * is - 3.0 * h1 - t) * is - al8 * e * is);
                    }
                    if (near) {
                        const v8 slope = 2.0 * re * f1, apart = V_PICK(deep, r - re, zero);
                        /* the same slope belongs to both energies: share it by their values' own slopes */
                        v8 own = zero;
                        if (what & LONG) {
                            const v8 C = V_AT(p->C + row), g = (1.0 + a2 * (1.0 + 0.5 * a2)) * e;
                            own = 2.0 * re * C * (al6 * e * is - 3.0 * (1.0 - g) * is * is * is * is);
                        }
                        f += own * apart; charge += (slope - own) * apart;
                        f1 = V_PICK(deep, 0.5 * slope * ir, f1); f2 = V_PICK(deep, -0.5 * f1 * is0, f2);
                    }
                }
                if (what & EXP6) {
                    const v8 C = V_AT(p->C + row), B = V_AT(p->B + row);
                    v8 rg = r, irg = ir;
                    if (near) { rg = V_PICK(r < core, core, r); irg = 1.0 / rg; }
                    const v8 e = V_AT(p->A + row) * v_exp_minus(B * rg), i2 = irg * irg, c6 = C * i2 * i2 * i2;
                    v8 v = e - c6, v1 = 6.0 * c6 * irg - B * e, v2 = B * B * e - 42.0 * c6 * i2;
                    if (what & DAMPED) { /* K. T. Tang & J. P. Toennies, J. Chem. Phys. 80, 3726 (1984) */
                        const v8 b = V_AT(p->damping + row), t = b * rg, d6 = V_AT(p->D + row) * i2 * i2 * i2, w = v_exp_minus(t);
                        const v8 t2 = t * t, t5 = t2 * t2 * t * (1.0 / 120), t6 = t5 * t * (1.0 / 6);
                        const v8 s = w * (1.0 + t + t2 * (0.5 + t * (1.0 / 6) + t2 * (1.0 / 24)) + t5 + t6);
                        const v8 s1 = -b * w * t6, s2 = b * b * w * (t6 - t5);
                        v += d6 * s; v1 += d6 * (s1 - 6.0 * s * irg); v2 += d6 * (s2 - 12.0 * s1 * irg + 42.0 * s * i2);
                    }
                    if (near) {
                        const v8i below = r < core;
                        const v8 apart = r - rg;
                        v += V_PICK(below, v1 * apart + STIFF * apart * apart, zero);
                        v1 += V_PICK(below, 2.0 * STIFF * apart, zero);
                        v2 = V_PICK(below, zero + 2.0 * STIFF, v2);
                    }
                    f += v; f1 += 0.5 * v1 * ir; f2 += 0.25 * (v2 - v1 * ir) * is0;
                }
                /* the switch: 1 - 10 u^3 + 15 u^4 - 6 u^5 */
                v8 u = (r - start) * per;
                u = V_PICK(u > 0.0, u, zero); u = V_PICK(u < 1.0, u, zero + 1.0);
                const v8 left = 1.0 - u, w = 1.0 - u * u * u * (10.0 - u * (15.0 - 6.0 * u));
                const v8 w1 = -30.0 * per * u * u * left * left * 0.5 * ir;
                const v8 w2 = -15.0 * per * per * u * left * (1.0 - 2.0 * u) * is0 - 0.5 * w1 * is0;
                const v8 total = f + charge, A = 2.0 * (f1 * w + total * w1);
                es += f * w; eq += charge * w;
                A0 += A; Ax += A * ax; Ay += A * ay; Az += A * az;
                if (second) {
                    const v8 b = 4.0 * (f2 * w + 2.0 * f1 * w1 + total * w2), px = b * ax, py = b * ay, pz = b * az;
                    B0 += b; Bx += px; By += py; Bz += pz;
                    Bxx += px * ax; Bxy += px * ay; Bxz += px * az; Byy += py * ay; Byz += py * az; Bzz += pz * az;
                }
            }
            const v8 fx = A0 * yx - Ax, fy = A0 * yy - Ay, fz = A0 * yz - Az;
            out[0] += es; out[1] += eq;
            out[2] += fx; out[3] += fy; out[4] += fz;
            out[5] -= Ay * yz - Az * yy; out[6] -= Az * yx - Ax * yz; out[7] -= Ax * yy - Ay * yx;
            out[8] += by * fz - bz * fy; out[9] += bz * fx - bx * fz; out[10] += bx * fy - by * fx;
            if (second) {
                const v8 y[3] = {yx, yy, yz}, b[3] = {bx, by, bz}, A1[3] = {Ax, Ay, Az}, B1[3] = {Bx, By, Bz};
                const v8 B2[3][3] = {{Bxx, Bxy, Bxz}, {Bxy, Byy, Byz}, {Bxz, Byz, Bzz}};
                v8 M[3][3], N[3][3], P[3][3], K[3][3];
                int at = 11;
                for (int k = 0; k < 3; ++k)
                    for (int l = 0; l < 3; ++l) {
                        N[k][l] = y[k] * B1[l] - B2[k][l];                       /* sum B x a */
                        M[k][l] = B0 * y[k] * y[l] - B1[k] * y[l] - N[k][l];      /* sum A 1 + B x x */
                    }
                for (int k = 0; k < 3; ++k) M[k][k] += A0;
                for (int k = 0; k < 3; ++k) for (int l = k; l < 3; ++l) out[at++] += M[k][l];
                /* d, a: P[k][m] = sum B x_k (a x y)_m; minus eps_kml A1_l */
                for (int k = 0; k < 3; ++k) for (int m = 0; m < 3; ++m) {
                    const int u = (m + 1) % 3, v = (m + 2) % 3;
                    P[k][m] = N[k][u] * y[v] - N[k][v] * y[u];
                    v8 t = -P[k][m];
                    if (m == (k + 1) % 3) t -= A1[(k + 2) % 3];
                    if (m == (k + 2) % 3) t += A1[(k + 1) % 3];
                    out[at++] += t;
                }
                /* d, b: M times -[b]x, i.e. row k crossed: (b x M_k)_m */
                for (int k = 0; k < 3; ++k) for (int m = 0; m < 3; ++m) {
                    const int u = (m + 1) % 3, v = (m + 2) % 3;
                    K[k][m] = b[u] * M[k][v] - b[v] * M[k][u];
                    out[at++] += K[k][m];
                }
                /* a, a: B (a x y)(a x y) + y.A1 - (y A1 + A1 y) / 2 */
                {
                    const v8 trace = y[0] * A1[0] + y[1] * A1[1] + y[2] * A1[2];
                    v8 Q[3][3];
                    for (int k = 0; k < 3; ++k) for (int m = 0; m < 3; ++m) {
                        const int u = (m + 1) % 3, v = (m + 2) % 3;
                        Q[k][m] = B2[k][u] * y[v] - B2[k][v] * y[u];             /* sum B a_k (a x y)_m */
                    }
                    for (int k = 0; k < 3; ++k) for (int m = k; m < 3; ++m) {
                        const int u = (k + 1) % 3, v = (k + 2) % 3;
                        v8 t = Q[u][m] * y[v] - Q[v][m] * y[u] - 0.5 * (y[k] * A1[m] + A1[k] * y[m]);
                        if (k == m) t += trace;
                        out[at++] += t;
                    }
                }
                /* b, b: b x M (b x)^T, and the turn's second order by the force */
                {
                    const v8 F[3] = {fx, fy, fz}, dot = fx * bx + fy * by + fz * bz;
                    for (int k = 0; k < 3; ++k) for (int m = k; m < 3; ++m) {
                        const int u = (k + 1) % 3, v = (k + 2) % 3;
                        v8 t = b[u] * K[v][m] - b[v] * K[u][m] + 0.5 * (F[k] * b[m] + b[k] * F[m]);
                        if (k == m) t -= dot;
                        out[at++] += t;
                    }
                }
                /* a, b: -(b x P_m)_n - delta b.A1 + b_m A1_n */
                {
                    const v8 dot = b[0] * A1[0] + b[1] * A1[1] + b[2] * A1[2];
                    for (int m = 0; m < 3; ++m) for (int n = 0; n < 3; ++n) {
                        const int u = (n + 1) % 3, v = (n + 2) % 3;
                        v8 t = b[m] * A1[n] - (b[u] * P[v][m] - b[v] * P[u][m]);
                        if (m == n) t -= dot;
                        out[at++] += t;
                    }
                }
            }
        }
        for (int k = 0; k < (second ? SUMS_2 : SUMS_1); ++k) sums[k] += v_sum(out[k]);
    }

    #define PAIR_SUM(name, what) \\
        V_CLONES static void name##_1(const Sites *p, double *sums) { pair_sum(p, sums, what, 0); } \\
        V_CLONES static void name##_2(const Sites *p, double *sums) { pair_sum(p, sums, what, 1); }
    PAIR_SUM(sum_all, EXP6 | LONG | CHARGES)
    PAIR_SUM(sum_long, EXP6 | LONG)
    PAIR_SUM(sum_exp6, EXP6)
    PAIR_SUM(sum_charges, CHARGES)
    PAIR_SUM(sum_long_damped, EXP6 | LONG | DAMPED)
    PAIR_SUM(sum_exp6_damped, EXP6 | DAMPED)

    static void pair_sums(const Sites *p, int what, int second, double *sums) {
        switch (what) {
        case EXP6 | LONG | CHARGES: second ? sum_all_2(p, sums) : sum_all_1(p, sums); break;
        case EXP6 | LONG: second ? sum_long_2(p, sums) : sum_long_1(p, sums); break;
        case EXP6: second ? sum_exp6_2(p, sums) : sum_exp6_1(p, sums); break;
        case CHARGES: second ? sum_charges_2(p, sums) : sum_charges_1(p, sums); break;
        case EXP6 | LONG | DAMPED: second ? sum_long_damped_2(p, sums) : sum_long_damped_1(p, sums); break;
        case EXP6 | DAMPED: second ? sum_exp6_damped_2(p, sums) : sum_exp6_damped_1(p, sums); break;
        }
    }
    #endif
    """
    enum:
        EXP6
        LONG
        CHARGES
        DAMPED
        SUMS_1
        SUMS_2
    ctypedef struct Sites:
        int a_sites, a_stride, b_sites
        const double *a
        const double *b
        const double *qa
        const double *qb
        const double *A
        const double *B
        const double *C
        const double *guard
        const double *D
        const double *damping
        double x, y, z
        double alpha, start, cut, radius
    void pair_sums(const Sites *p, int what, int second, double *sums) noexcept nogil
