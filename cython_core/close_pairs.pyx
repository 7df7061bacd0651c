"""Pairs of vectors that differ nowhere by more than one."""

from libc.math cimport fabs
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

import numpy as np


def close_pairs(const double[:, ::1] rows):
    """Find the pairs of rows that differ in no column by more than 1.

    Parameters
    ----------
    rows : (n, k) memoryview
        Rising in the first column; the other columns had better come most telling first.

    Returns
    -------
    (m, 2) ndarray of intp
        Pairs i < j, sorted.

    Raises
    ------
    MemoryError
        When the pairs have no room.
    """
    cdef Py_ssize_t n = rows.shape[0], k = rows.shape[1], room = 0, found = 0, i, j, c
    cdef Py_ssize_t* pairs = NULL
    cdef Py_ssize_t* moved
    cdef bint failed = False
    cdef const double* here
    cdef const double* there
    if k == 0:
        raise ValueError("rows without columns cannot be compared")
    with nogil:
        for i in range(n):
            here = &rows[i, 0]
            for j in range(i + 1, n):
                there = &rows[j, 0]
                if there[0] - here[0] > 1.0:
                    break
                for c in range(1, k):
                    if fabs(there[c] - here[c]) > 1.0:
                        break
                else:
                    if found == room:
                        room = 2 * room + 1024
                        moved = <Py_ssize_t*>realloc(pairs, 2 * room * sizeof(Py_ssize_t))
                        if moved == NULL:
                            failed = True
                            break
                        pairs = moved
                    pairs[2 * found] = i
                    pairs[2 * found + 1] = j
                    found += 1
            if failed:
                break
    if failed:
        free(pairs)
        raise MemoryError("the pairs have no room")
    result = np.empty((found, 2), dtype=np.intp)
    cdef Py_ssize_t[:, ::1] out = result
    if found:
        memcpy(&out[0, 0], pairs, 2 * found * sizeof(Py_ssize_t))
    free(pairs)
    return result
