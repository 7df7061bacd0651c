# The rigid motion that brings some points closest to others.

from libc.math cimport fabs, sqrt

from genarris_fw._kernels.lattice cimport dot


cdef inline double square_distance(const double* a, const double* b) noexcept nogil:
    return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2


cdef struct Motion:
    double turn[9]
    double shift[3]


cdef struct Sums:
    # of pairs of points a -> b: number, sums, sum of products a_i b_j, sum of squares
    double n
    double a[3]
    double b[3]
    double ab[9]
    double squares


cdef inline void add(Sums* s, const double* a, const double* b) noexcept nogil:
    cdef int i, j
    s.n += 1.0
    for i in range(3):
        s.a[i] += a[i]
        s.b[i] += b[i]
        s.squares += a[i] * a[i] + b[i] * b[i]
        for j in range(3):
            s.ab[3 * i + j] += a[i] * b[j]


cdef inline void move(const Motion* motion, const double* a, double* out) noexcept nogil:
    cdef int i
    for i in range(3):
        out[i] = dot(motion.turn + 3 * i, a) + motion.shift[i]


cdef inline void largest_eigenvector(double m[4][4], double* out) noexcept nogil:
    # Jacobi's rotations; m is destroyed.
    cdef double v[4][4]
    cdef double theta, t, c, s, x, y, off
    cdef int sweep, p, q, k, best = 0
    for p in range(4):
        for q in range(4):
            v[p][q] = 1.0 if p == q else 0.0
    for sweep in range(30):
        off = 0.0
        x = 0.0
        for p in range(4):
            x += m[p][p] * m[p][p]
            for q in range(p):
                off += m[p][q] * m[p][q]
        if off <= 1e-26 * x or off == 0.0:
            break
        for p in range(3):
            for q in range(p + 1, 4):
                if m[p][q] == 0.0:
                    continue
                theta = (m[q][q] - m[p][p]) / (2.0 * m[p][q])
                t = 1.0 / (fabs(theta) + sqrt(theta * theta + 1.0))
                if theta < 0.0:
                    t = -t
                c = 1.0 / sqrt(t * t + 1.0)
                s = t * c
                for k in range(4):
                    x, y = m[k][p], m[k][q]
                    m[k][p], m[k][q] = c * x - s * y, s * x + c * y
                for k in range(4):
                    x, y = m[p][k], m[q][k]
                    m[p][k], m[q][k] = c * x - s * y, s * x + c * y
                    x, y = v[k][p], v[k][q]
                    v[k][p], v[k][q] = c * x - s * y, s * x + c * y
    for p in range(1, 4):
        if m[p][p] > m[best][best]:
            best = p
    for k in range(4):
        out[k] = v[k][best]


cdef inline double fit(const Sums* s, Motion* motion) noexcept nogil:
    # The rigid motion that brings the points a closest to the points b, by unit quaternions (Horn, J. Opt. Soc. Am. A
    # 4, 629, 1987); returns the mean square distance left.
    cdef double h[3][3]
    cdef double m[4][4]
    cdef double q[4]
    cdef double left, w, x, y, z
    cdef double* r = motion.turn
    cdef int i, j
    left = s.squares
    for i in range(3):
        left -= (s.a[i] * s.a[i] + s.b[i] * s.b[i]) / s.n
        for j in range(3):
            h[i][j] = s.ab[3 * i + j] - s.a[i] * s.b[j] / s.n
    m[0][0] = h[0][0] + h[1][1] + h[2][2]
    m[1][1] = h[0][0] - h[1][1] - h[2][2]
    m[2][2] = h[1][1] - h[0][0] - h[2][2]
    m[3][3] = h[2][2] - h[0][0] - h[1][1]
    m[0][1] = m[1][0] = h[1][2] - h[2][1]
    m[0][2] = m[2][0] = h[2][0] - h[0][2]
    m[0][3] = m[3][0] = h[0][1] - h[1][0]
    m[1][2] = m[2][1] = h[0][1] + h[1][0]
    m[1][3] = m[3][1] = h[2][0] + h[0][2]
    m[2][3] = m[3][2] = h[1][2] + h[2][1]
    largest_eigenvector(m, q)
    w, x, y, z = q[0], q[1], q[2], q[3]
    r[0], r[1], r[2] = w * w + x * x - y * y - z * z, 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)
    r[3], r[4], r[5] = 2.0 * (x * y + w * z), w * w - x * x + y * y - z * z, 2.0 * (y * z - w * x)
    r[6], r[7], r[8] = 2.0 * (x * z - w * y), 2.0 * (y * z + w * x), w * w - x * x - y * y + z * z
    for i in range(3):
        motion.shift[i] = s.b[i] / s.n
        for j in range(3):
            left -= 2.0 * r[3 * i + j] * h[j][i]
            motion.shift[i] -= r[3 * i + j] * s.a[j] / s.n
    return max(left, 0.0) / s.n
