"""Times and rates in words."""

import pytest

from genarris_fw.views.wording import duration, rate


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
