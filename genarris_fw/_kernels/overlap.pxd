# The innermost loops of the contact check, in C so that they become vector instructions.

cdef extern from *:
    """
    #include <stdlib.h>
    #ifndef GENARRIS_FW_OVERLAP
    #define GENARRIS_FW_OVERLAP
    #if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
    #define CLONES __attribute__((target_clones("avx2", "default")))
    #else
    #define CLONES
    #endif

    /* Does an atom of a come too close to an atom of b + (dx, dy, dz)? Arrays x[stride], y[stride], z[stride]; stride is a
       multiple of 8 and b's unused atoms lie far away. AVX2 without FMA: same arithmetic as the plain version. */
    CLONES static int too_close(const float *a, const float *b, const float *cut2, int n, int stride,
                                float dx, float dy, float dz) {
        const float *bx = b, *by = b + stride, *bz = b + 2 * stride;
        for (int i = 0; i < n; ++i) {
            const float x = a[i] - dx, y = a[stride + i] - dy, z = a[2 * stride + i] - dz;
            const float *c = cut2 + (size_t)i * stride;
            int bad = 0;
            for (int j = 0; j < stride; ++j) {
                const float u = bx[j] - x, v = by[j] - y, w = bz[j] - z;
                bad |= (u * u + v * v + w * w) < c[j];
            }
            if (bad) return 1;
        }
        return 0;
    }

    /* Which atoms come too close: writes (image, i, j) for each to out, which has room for n * n, and returns how many. */
    CLONES static int close_pairs(const float *a, const float *b, const float *cut2, int n, int stride,
                                  float dx, float dy, float dz, int image, int *out) {
        const float *bx = b, *by = b + stride, *bz = b + 2 * stride;
        int count = 0;
        for (int i = 0; i < n; ++i) {
            const float x = a[i] - dx, y = a[stride + i] - dy, z = a[2 * stride + i] - dz;
            const float *c = cut2 + (size_t)i * stride;
            int bad = 0;
            for (int j = 0; j < stride; ++j) {
                const float u = bx[j] - x, v = by[j] - y, w = bz[j] - z;
                bad |= (u * u + v * v + w * w) < c[j];
            }
            if (!bad) continue;
            for (int j = 0; j < n; ++j) {
                const float u = bx[j] - x, v = by[j] - y, w = bz[j] - z;
                if (u * u + v * v + w * w < c[j]) {
                    out[0] = image; out[1] = i; out[2] = j;
                    out += 3; ++count;
                }
            }
        }
        return count;
    }

    /* b = m a for the coordinates of all atoms */
    CLONES static void turn(const float *a, float *b, const double *m, int stride) {
        const float m0 = (float)m[0], m1 = (float)m[1], m2 = (float)m[2], m3 = (float)m[3], m4 = (float)m[4];
        const float m5 = (float)m[5], m6 = (float)m[6], m7 = (float)m[7], m8 = (float)m[8];
        const float *x = a, *y = a + stride, *z = a + 2 * stride;
        float *bx = b, *by = b + stride, *bz = b + 2 * stride;
        for (int j = 0; j < stride; ++j) {
            const float u = x[j], v = y[j], w = z[j];
            bx[j] = m0 * u + m1 * v + m2 * w;
            by[j] = m3 * u + m4 * v + m5 * w;
            bz[j] = m6 * u + m7 * v + m8 * w;
        }
    }
    #endif
    """
    int too_close(const float *a, const float *b, const float *cut2, int n, int stride, float dx, float dy, float dz) noexcept nogil
    void turn(const float *a, float *b, const double *m, int stride) noexcept nogil
    int close_pairs(const float *a, const float *b, const float *cut2, int n, int stride, float dx, float dy, float dz, int image, int *out) noexcept nogil
