"""The machine's yardstick: rates are given as ratios to it, so that a slower machine asks less."""

import time

import numpy as np
from scipy.spatial.distance import cdist


def yardstick() -> float:
    """Return how many pairs per second scipy's cdist does of two fixed 2000 x 3 arrays: one thread, best of 20."""
    random = np.random.default_rng(0)
    first, second = random.random((2, 2000, 3))
    best = np.inf
    for _ in range(20):
        start = time.perf_counter()
        cdist(first, second)
        best = min(best, time.perf_counter() - start)
    return 4e6 / best
