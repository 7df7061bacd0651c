# Squared distances to one atom's periodic images, in C so that they become vector instructions.

cdef extern from *:
    """
    #ifndef GENARRIS_FW_NEARBY
    #define GENARRIS_FW_NEARBY
    #if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
    #define NEARBY_CLONES __attribute__((target_clones("avx2", "default")))
    #else
    #define NEARBY_CLONES
    #endif

    /* Write the squared distances up to `square` from the origin to (dx, dy, dz) + images[n]; return how many there
       are. all[n] is room for all of them; found may be written one further. AVX2 without FMA: the same arithmetic as
       the plain version. */
    NEARBY_CLONES static int nearby(const double *x, const double *y, const double *z, int n, double dx, double dy,
                                    double dz, double square, double *all, double *found) {
        int count = 0;
        for (int m = 0; m < n; ++m) {
            const double u = dx + x[m], v = dy + y[m], w = dz + z[m];
            all[m] = u * u + v * v + w * w;
        }
        for (int m = 0; m < n; ++m) {  /* written always and counted when near: without a branch */
            found[count] = all[m];
            count += all[m] <= square;
        }
        return count;
    }
    #endif
    """
    int nearby(const double *x, const double *y, const double *z, int n, double dx, double dy, double dz, double square, double *all, double *found) noexcept nogil
