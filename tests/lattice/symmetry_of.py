"""What the kernel is told of a symmetry, written down from operations; all molecules in general positions."""

import numpy as np


def symmetry_of(operations, parts, lattice):
    inverse = np.linalg.inv(lattice).T
    count = len(operations)
    entries, copies = [], []
    for p in range(parts):
        for q in range(p, parts):
            for k, (w, t) in enumerate(operations):
                own = int(p == q and k == 0)
                weight = count if own or p != q else count / 2
                entries.append((p, q, own, weight, w, t, lattice.T @ w @ inverse))
        copies += [(p, w, t, lattice.T @ w @ inverse) for w, t in operations]
    names = ["first", "second", "own", "weights", "rotations", "translations", "turns"]
    out = {name: np.array([entry[i] for entry in entries]) for i, name in enumerate(names)}
    names = ["copy_part", "copy_rotations", "copy_translations", "copy_turns"]
    return out | {name: np.array([copy[i] for copy in copies]) for i, name in enumerate(names)}
