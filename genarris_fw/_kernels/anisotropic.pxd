# What an anisotropic repulsion adds to exp-6: A exp(-B r) (exp(B rho) - 1), rho = rho_a P2(cos) + rho_b P2(cos).
#
# The angles are between an atom's axis, which turns with its molecule, and the line to the other atom (S. L. Price et al.,
# Phys. Chem. Chem. Phys. 12, 8478 (2010), section 3). Scalar and slow: only pairs with an anisotropic atom come here.

cdef extern from *:
    """
    #ifndef GENARRIS_FW_ANISOTROPIC
    #define GENARRIS_FW_ANISOTROPIC
    #include <math.h>

    static const double EPSILON_[3][3][3] = {
        {{0, 0, 0}, {0, 0, 1}, {0, -1, 0}}, {{0, 0, -1}, {0, 0, 0}, {1, 0, 0}}, {{0, 1, 0}, {-1, 0, 0}, {0, 0, 0}}};
    static inline double dot3(const double *a, const double *b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
    static inline void cross3(const double *a, const double *b, double *c) {
        c[0] = a[1] * b[2] - a[2] * b[1]; c[1] = a[2] * b[0] - a[0] * b[2]; c[2] = a[0] * b[1] - a[1] * b[0];
    }
    /* h (rows from r, columns from r) += factor (v w + w v) / 2 - delta v.w : the second order of a turn of w, along v */
    static inline void turn_order(double h[9][9], int r, const double *v, const double *w, double factor) {
        const double t = dot3(v, w);
        for (int i = 0; i < 3; ++i) for (int j = 0; j < 3; ++j)
            h[r + i][r + j] += factor * (0.5 * (v[i] * w[j] + w[i] * v[j]) - (i == j ? t : 0.0));
    }

    /* One pair: a and b about their centres, na and nb their unit axes. Returns the energy; adds to g, h (h may be 0). */
    static double anisotropic_pair(const double *d, const double *a, const double *b, const double *na, const double *nb,
                                   double A, double B, double rho_a, double rho_b, double g[9], double h[9][9]) {
        double x[3], y[3], z[3], dr[9], dsa[9], dsb[9], t[3];
        for (int k = 0; k < 3; ++k) { x[k] = d[k] + b[k] - a[k]; y[k] = d[k] + b[k]; z[k] = d[k] - a[k]; }
        const double r = sqrt(dot3(x, x) + 1e-12), sa = dot3(na, x), sb = dot3(nb, x), ca = sa / r, cb = sb / r;
        const double rho = rho_a * (1.5 * ca * ca - 0.5) + rho_b * (1.5 * cb * cb - 0.5);
        const double f0 = A * exp(-B * r), f1 = f0 * exp(B * rho);
        cross3(a, x, t); for (int k = 0; k < 3; ++k) { dr[k] = x[k] / r; dr[3 + k] = -t[k] / r; }
        cross3(b, x, t); for (int k = 0; k < 3; ++k) dr[6 + k] = t[k] / r;
        for (int k = 0; k < 3; ++k) { dsa[k] = na[k]; dsb[k] = nb[k]; }
        cross3(na, y, dsa + 3); cross3(b, na, dsa + 6);
        cross3(nb, a, dsb + 3); cross3(nb, z, dsb + 6);
        double dca[9], dcb[9], drho[9];
        const double wa = 3.0 * rho_a, wb = 3.0 * rho_b;
        for (int k = 0; k < 9; ++k) {
            dca[k] = (dsa[k] - ca * dr[k]) / r; dcb[k] = (dsb[k] - cb * dr[k]) / r;
            drho[k] = wa * ca * dca[k] + wb * cb * dcb[k];
            g[k] += B * (f0 - f1) * dr[k] + B * f1 * drho[k];
        }
        if (!h) return f1 - f0;
        double r2[9][9] = {{0}}, sa2[9][9] = {{0}}, sb2[9][9] = {{0}};
        /* r d2r = J^T J + x.d2x - dr dr^T */
        double J[3][9] = {{0}};
        for (int k = 0; k < 3; ++k) {
            J[k][k] = 1.0;
            for (int m = 0; m < 3; ++m) for (int l = 0; l < 3; ++l) { /* (turn x b)_k = eps_kml turn_m b_l */
                J[k][3 + m] -= EPSILON_[k][m][l] * a[l];
                J[k][6 + m] += EPSILON_[k][m][l] * b[l];
                sa2[k][3 + m] += EPSILON_[k][m][l] * na[l]; sa2[3 + m][k] += EPSILON_[k][m][l] * na[l];
                sb2[k][6 + m] += EPSILON_[k][m][l] * nb[l]; sb2[6 + m][k] += EPSILON_[k][m][l] * nb[l];
            }
        }
        turn_order(r2, 3, x, a, -1.0); turn_order(r2, 6, x, b, 1.0);
        turn_order(sa2, 3, y, na, 1.0); turn_order(sa2, 6, na, b, 1.0);
        turn_order(sb2, 3, nb, a, -1.0); turn_order(sb2, 6, z, nb, 1.0);
        const double nab = dot3(na, b), nba = dot3(nb, a);
        for (int m = 0; m < 3; ++m) for (int n = 0; n < 3; ++n) {
            const double one = (m == n ? nab : 0.0) - b[m] * na[n], two = nb[m] * a[n] - (m == n ? nba : 0.0);
            sa2[3 + m][6 + n] += one; sa2[6 + n][3 + m] += one;
            sb2[3 + m][6 + n] += two; sb2[6 + n][3 + m] += two;
        }
        for (int i = 0; i < 9; ++i) for (int j = 0; j < 9; ++j) {
            const double rr = (r2[i][j] + J[0][i] * J[0][j] + J[1][i] * J[1][j] + J[2][i] * J[2][j] - dr[i] * dr[j]) / r;
            const double ca2 = (sa2[i][j] - ca * rr - dca[i] * dr[j] - dr[i] * dca[j]) / r;
            const double cb2 = (sb2[i][j] - cb * rr - dcb[i] * dr[j] - dr[i] * dcb[j]) / r;
            const double rho2 = wa * (dca[i] * dca[j] + ca * ca2) + wb * (dcb[i] * dcb[j] + cb * cb2);
            h[i][j] += B * B * (f1 * (dr[i] - drho[i]) * (dr[j] - drho[j]) - f0 * dr[i] * dr[j])
                     + B * (f0 - f1) * rr + B * f1 * rho2;
        }
        return f1 - f0;
    }

    /* All pairs of two molecules that lie within `cut`: adds to the sums of pair_sums.pxd. Strides of a and b; their axes in
       the same layout; the pair's A and B in rows of b_stride. */
    static void anisotropic_sum(int na, int a_stride, const double *a, const double *a_axes, const double *a_rho, int nb,
                                int b_stride, const double *b, const double *b_axes, const double *b_rho,
                                const double *A, const double *B, const double *d, double cut, int second, double *sums) {
        double g[9] = {0}, h[9][9] = {{0}};
        int any = 0;
        for (int i = 0; i < na; ++i) for (int j = 0; j < nb; ++j) {
            if (a_rho[i] == 0.0 && b_rho[j] == 0.0) continue;
            const double p[3] = {a[i], a[a_stride + i], a[2 * a_stride + i]};
            const double q[3] = {b[j], b[b_stride + j], b[2 * b_stride + j]};
            const double x[3] = {d[0] + q[0] - p[0], d[1] + q[1] - p[1], d[2] + q[2] - p[2]};
            if (dot3(x, x) > cut * cut) continue;
            const double u[3] = {a_axes[i], a_axes[a_stride + i], a_axes[2 * a_stride + i]};
            const double v[3] = {b_axes[j], b_axes[b_stride + j], b_axes[2 * b_stride + j]};
            any = 1;
            sums[0] += anisotropic_pair(d, p, q, u, v, A[(size_t)i * b_stride + j], B[(size_t)i * b_stride + j], a_rho[i],
                                        b_rho[j], g, second ? h : 0);
        }
        if (!any) return;
        for (int k = 0; k < 9; ++k) sums[2 + k] += g[k];
        if (!second) return;
        static const int first[6][4] = {{0, 0, 11, 1}, {0, 3, 17, 0}, {0, 6, 26, 0}, {3, 3, 35, 1}, {6, 6, 41, 1}, {3, 6, 47, 0}};
        for (int block = 0; block < 6; ++block) {
            int at = first[block][2];
            for (int k = 0; k < 3; ++k) for (int l = first[block][3] ? k : 0; l < 3; ++l)
                sums[at++] += h[first[block][0] + k][first[block][1] + l];
        }
    }
    #endif
    """
    void anisotropic_sum(int na, int a_stride, const double *a, const double *a_axes, const double *a_rho, int nb, int b_stride, const double *b, const double *b_axes, const double *b_rho, const double *A, const double *B, const double *d, double cut, int second, double *sums) noexcept nogil
