"""Which settings of a grid are converged."""

from __future__ import annotations

import numpy as np
import pytest

from genarris_fw.energetics.convergence import cheapest, reached


def by_definition(differences, tolerance):
    rows, columns = differences.shape
    return np.array(
        [
            [
                all(abs(differences[k, m]) <= tolerance for k in range(i, rows) for m in range(j, columns))
                for j in range(columns)
            ]
            for i in range(rows)
        ]
    )


@pytest.mark.parametrize("seed", range(20))
def test_converged_is_what_everything_finer_agrees_with(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 6, 2))
    differences = rng.normal(0, 1, shape)
    differences[rng.random(shape) < 0.05] = np.nan
    differences[-1, -1] = 0.0
    converged = reached(differences, 1.0)
    assert converged.tolist() == by_definition(differences, 1.0).tolist()
    costs = rng.random(shape)
    found = cheapest(differences, 1.0, costs)
    converged[-1, -1] = False
    if not converged.any():
        assert found is None
    else:
        assert converged[found] and costs[found] == costs[converged].min()


def test_the_finest_alone_is_no_convergence():
    assert reached([[5.0, 0.0]], 1.0).tolist() == [[False, True]]
    assert cheapest([[5.0, 0.0]], 1.0, [[1.0, 2.0]]) is None
    assert cheapest([[0.5, 0.0]], 1.0, [[1.0, 2.0]]) == (0, 0)
