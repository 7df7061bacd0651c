# The sum over atom pairs of the press's repulsion, in C so that it becomes vector instructions.

cdef extern from *:
    """
    #include <math.h>
    #include <stdlib.h>
    #ifndef GENARRIS_FW_REPULSION
    #define GENARRIS_FW_REPULSION
    #if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
    #define REPULSION_CLONES __attribute__((target_clones("avx2", "default")))
    #else
    #define REPULSION_CLONES
    #endif

    /* Sum of (R - r) / (r - r0) over the atoms of a and of b + d with r < R, where r0 is the pair's cutoff.
       Arrays x[stride], y[stride], z[stride] about each molecule's centre; b's unused atoms lie far away; its others
       within radius of its centre. sums: force on b (3), position x force over the atoms of a (3), the same over b (3); gap: smallest r - r0. */
    REPULSION_CLONES static double repulsion(const double *a, const double *b, const double *cut, int n, int stride,
                                             double dx, double dy, double dz, double R, double radius,
                                             double *sums, double *gap) {
        const double *bx = b, *by = b + stride, *bz = b + 2 * stride;
        double energy = 0, closest = *gap;
        double fx = 0, fy = 0, fz = 0, ix = 0, iy = 0, iz = 0, jx = 0, jy = 0, jz = 0;
        for (int i = 0; i < n; ++i) {
            const double px = a[i], py = a[stride + i], pz = a[2 * stride + i];
            const double x = px - dx, y = py - dy, z = pz - dz;
            const double *c = cut + (size_t)i * stride;
            double gx = 0, gy = 0, gz = 0;
            if (x * x + y * y + z * z > (R + radius) * (R + radius)) continue;
            #pragma omp simd reduction(+:energy, gx, gy, gz, jx, jy, jz) reduction(min:closest)
            for (int j = 0; j < stride; ++j) {
                const double u = bx[j] - x, v = by[j] - y, w = bz[j] - z;
                const double r = sqrt(u * u + v * v + w * w), g = r - c[j];
                const double gr = g * r, inverse = (r < R ? 1.0 : 0.0) / (g * gr);
                const double slope = -(R - c[j]) * inverse;
                const double sx = slope * u, sy = slope * v, sz = slope * w;
                energy += (R - r) * gr * inverse;
                closest = g < closest ? g : closest;
                gx += sx; gy += sy; gz += sz;
                jx += by[j] * sz - bz[j] * sy;
                jy += bz[j] * sx - bx[j] * sz;
                jz += bx[j] * sy - by[j] * sx;
            }
            fx += gx; fy += gy; fz += gz;
            ix += py * gz - pz * gy;
            iy += pz * gx - px * gz;
            iz += px * gy - py * gx;
        }
        sums[0] = fx; sums[1] = fy; sums[2] = fz;
        sums[3] = ix; sums[4] = iy; sums[5] = iz;
        sums[6] = jx; sums[7] = jy; sums[8] = jz;
        *gap = closest;
        return energy;
    }
    #endif
    """
    double repulsion(const double *a, const double *b, const double *cut, int n, int stride, double dx, double dy, double dz, double R, double radius, double *sums, double *gap) noexcept nogil
