"""The protocol of docs/protocol.md, explored: whatever comes between, no step is wrong; without one condition, it is.

The figures are those of docs/protocol.md.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from explorer import explore
from protocol_model import CONDITIONS, CONFIGURATIONS, SPARE, ProtocolModel, forgiving, today, without

PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"


def documented(name: str, kills: int, expiries: int) -> int:
    """Return the number of states that the page says a configuration has."""
    row = re.search(rf"\| {name} \| [^|]*\| {kills} \| {expiries} \| ([\d,]+) \|", PAGE.read_text())
    assert row, f"no row of {name} with {kills} kills and {expiries} lost leases"
    return int(row[1].replace(",", ""))


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_state_is_right_and_leads_to_the_end(name: str) -> None:
    one = CONFIGURATIONS[name]
    found = explore(ProtocolModel(one))
    assert (found.wrong, found.stuck) == ("", 0)
    assert found.states == documented(name, one.kills, one.expiries)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kills", "expiries"),
    [(name, 0, 2) for name in ("rounds", "plan and rounds")]
    + [(name, 2, 2) for name in ("rounds", "plan of two", "failures", "run again")],
)
def test_with_more_kills_and_lost_leases(name: str, kills: int, expiries: int) -> None:
    found = explore(ProtocolModel(replace(CONFIGURATIONS[name], kills=kills, expiries=expiries)))
    assert (found.wrong, found.stuck) == ("", 0)
    assert found.states == documented(name, kills, expiries)


def test_the_rule_of_before_is_wrong_first_of_all_with_two_gates() -> None:
    found = explore(today())
    assert found.wrong == "a result is visible before the step's last item is done"
    # The new gate finds what the overtaken one has just inserted, believes that nothing is to come, and collects.
    *before, there, pool = found.way
    assert [label[1] for label in (there, pool)] == ["finds it there already", "replaces the pool"]
    assert ("recovery", "makes it ready again, though it lives") in before
    [inserted] = [label for label in before if label[1] == "plans"]
    assert inserted[2] == there[2] and inserted[0] != there[0] == pool[0]


def test_what_has_failed_cannot_wait_again() -> None:
    found = explore(forgiving())
    assert found.wrong == "the step is committed before its last item is done"
    assert found.way[-1][1] == "forgives"


@pytest.mark.parametrize("condition", CONDITIONS)
def test_no_condition_is_superfluous(condition: str) -> None:
    assert explore(without(condition)).wrong


@pytest.mark.parametrize("condition", SPARE)
@pytest.mark.parametrize("name", ["plan of two", "run again"])
def test_what_follows_from_other_conditions_is_spare(name: str, condition: str) -> None:
    found = explore(ProtocolModel(replace(CONFIGURATIONS[name], sides=1), without=condition))
    assert (found.wrong, found.stuck) == ("", 0)
