"""Times, rates and results in words."""

import pytest

from genarris_fw.views.wording import duration, rate, result


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0.0, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.7, "1 min 00 s"),
        (61, "1 min 01 s"),
        (3599.6, "1 h 00 min"),
        (7260, "2 h 01 min"),
        (90000, "1 d 01 h"),
    ],
)
def test_duration(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("per_second", "words"),
    [(None, ""), (0, ""), (12.34, "12.3/s"), (0.5, "30/min"), (1 / 600, "6/h"), (1e-5, "0.036/h")],
)
def test_rate(per_second: float | None, words: str) -> None:
    assert rate(per_second) == words


def test_result() -> None:
    assert result(None) == ""
    assert result({"relaxed": 4, "unconverged": 0, "failed": 2, "best": "x"}) == "4 relaxed"
    assert result({"relaxed": 4, "unconverged": 1}) == "4 relaxed, 1 not converged"
    assert result({"volume_mean": 145.513}) == "cell of 145.5 Å³"
    assert result({"structures": 12, "volume_mean": 145.513}) == "12 structures"
    assert result({"structures": 2, "clusters": 1}) == "2 structures, 1 cluster"
    generated = {
        "structures": 90,
        "space_groups": 3,
        "empty_groups": 1,
        "duplicates": 0,
        "relabelled": 7,
        "volume_mean": 2.0,
    }
    words = "90 structures in 3 space groups, 1 group gave none, 7 relabelled to a larger group"
    assert result(generated) == words
    assert result({"structures": 1, "space_groups": 1}) == "1 structure in 1 space group"
