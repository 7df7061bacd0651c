# Strains of a cell, xx yy zz and yz xz xy times the root of 2, and products of 3 x 3 matrices.

cdef extern from *:
    """
    #ifndef GENARRIS_FW_STRAINS
    #define GENARRIS_FW_STRAINS
    /* of both of its places, of a strain of the basis */
    static const double WEIGHT[6] = {
        1.0, 1.0, 1.0, 0.70710678118654752440, 0.70710678118654752440, 0.70710678118654752440
    };
    #endif
    """
    const double WEIGHT[6]


cdef inline void product(const double *a, const double *b, double *out) noexcept nogil:
    # out = a b
    cdef int i, j
    for i in range(3):
        for j in range(3):
            out[3 * i + j] = a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j]
