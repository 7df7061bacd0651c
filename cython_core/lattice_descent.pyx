"""The way down to a minimum in the variables that symmetry leaves free, by Newton's steps within a radius of trust."""

from libc.math cimport fabs, sqrt
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from genarris_fw._kernels.lattice_model cimport INFINITE, LatticeModel, Room


cdef int descend(LatticeModel model, double *state, const int *form, int most_steps, double tolerance, double longest,
                 Room *room, double *energy, double *norm, int *steps, int *evaluations) noexcept nogil:
    """Go down to a minimum in the free variables; `state` is where it ends. Returns how it ended."""
    cdef int n = model.variables, k, i, j, tries, states = 9 + 12 * model.parts, calm = 0
    cdef double *values = room.eigen
    cdef double *vectors = values + n
    cdef double *copy = vectors + n * n
    cdef double *step = copy + n * n
    cdef double *along = step + n
    cdef double *gradient = along + n
    cdef double *trial = <double *> malloc(states * sizeof(double))
    cdef double new, radius = longest, expected, size, value, start, lowest, floor_, gain, predicted
    cdef bint done = False
    cdef int ended = STEPS_USED
    if trial == NULL:
        return NO_MEMORY
    energy[0] = model.evaluate(state, form, True, room)
    evaluations[0] = 1
    start = room.volume
    if energy[0] >= INFINITE:
        free(trial)
        return STUCK
    while True:
        memcpy(copy, room.matrix, n * n * sizeof(double))
        eigen(copy, n, values, vectors)
        lowest, expected, norm[0] = INFINITE, 0.0, 0.0
        for k in range(n):
            gradient[k] = room.gradient[k]
            norm[0] += gradient[k] * gradient[k]
        norm[0] = sqrt(norm[0])
        for k in range(n):
            along[k] = 0.0
            for i in range(n):
                along[k] += vectors[i * n + k] * gradient[i]
            lowest = min(lowest, values[k])
        # Newton's step with the absolute curvatures: away from saddle points, down everywhere.
        floor_ = 1e-3 * model.copies
        for k in range(n):
            expected += 0.5 * along[k] * along[k] / max(fabs(values[k]), floor_)
        if expected < tolerance * model.copies and lowest > -floor_:
            done = True
        if done:
            ended = CONVERGED
            break
        if steps[0] >= most_steps:
            break
        steps[0] += 1
        for tries in range(25):
            size = 0.0
            for k in range(n):
                value = -along[k] / max(fabs(values[k]), floor_)
                if values[k] < -floor_ and fabs(value) < 0.05:
                    value = 0.05 if value >= 0 else -0.05  # off the saddle
                value = max(-radius, min(radius, value))
                copy[k] = value
                size += value * value
            size = sqrt(size)
            value = 1.0
            if size > 1.5 * radius:
                value = 1.5 * radius / size
            predicted = 0.0
            for k in range(n):
                copy[k] *= value
                predicted -= copy[k] * (along[k] + 0.5 * values[k] * copy[k])
            for i in range(n):
                step[i] = 0.0
                for k in range(n):
                    step[i] += vectors[i * n + k] * copy[k]
            model.move(state, form, step, trial)
            new = model.evaluate(trial, form, True, room)
            evaluations[0] += 1
            if new < energy[0]:
                break
            if expected < 10 * tolerance * model.copies and new < energy[0] + 1e-9 * fabs(energy[0]):
                done = True  # as good as the numbers allow
                break
            radius = 0.3 * min(radius, size)
            if radius < 1e-7:
                break
        if new >= energy[0]:
            if done:
                model.evaluate(state, form, True, room)
                evaluations[0] += 1
                ended = CONVERGED
            else:
                ended = STUCK
            break
        gain = energy[0] - new
        if gain > 0.75 * predicted:
            radius = min(longest, max(radius, 2.0 * size))
        elif gain < 0.25 * predicted:
            radius = 0.5 * min(radius, size)
        memcpy(state, trial, states * sizeof(double))
        energy[0] = new
        if room.volume > 3.0 * start:
            ended = EVAPORATED
            break
        if room.volume < 0.2 * start or new < -1e5 * model.copies:
            ended = COLLAPSED
            break
    free(trial)
    return ended


cdef void eigen(double *a, int n, double *values, double *vectors) noexcept nogil:
    """Eigenvalues and vectors (columns) of a symmetric matrix by Jacobi's cyclic rotations; the matrix is lost."""
    cdef int i, j, k, sweep
    cdef double off, total = 0.0, theta, t, c, s, x, y
    for i in range(n):
        for j in range(n):
            vectors[i * n + j] = 1.0 if i == j else 0.0
            total += a[i * n + j] * a[i * n + j]
    for sweep in range(30):
        off = 0.0
        for i in range(n):
            for j in range(i):
                off += a[i * n + j] * a[i * n + j]
        if not off > 1e-26 * total:
            break
        for i in range(n - 1):
            for j in range(i + 1, n):
                if a[i * n + j] == 0.0:
                    continue
                theta = 0.5 * (a[j * n + j] - a[i * n + i]) / a[i * n + j]
                t = (1.0 if theta >= 0 else -1.0) / (fabs(theta) + sqrt(theta * theta + 1.0))
                c = 1.0 / sqrt(t * t + 1.0)
                s = t * c
                for k in range(n):
                    x, y = a[k * n + i], a[k * n + j]
                    a[k * n + i], a[k * n + j] = c * x - s * y, s * x + c * y
                for k in range(n):
                    x, y = a[i * n + k], a[j * n + k]
                    a[i * n + k], a[j * n + k] = c * x - s * y, s * x + c * y
                for k in range(n):
                    x, y = vectors[k * n + i], vectors[k * n + j]
                    vectors[k * n + i], vectors[k * n + j] = c * x - s * y, s * x + c * y
    for i in range(n):
        values[i] = a[i * n + i]
