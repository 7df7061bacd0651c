"""Files and options as bit rot, editors and bad luck leave them: an exit code and a line each, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import mutants
import pytest
from databases import new_database
from pymongo import MongoClient

SEED = 13
# Of each kind.
QUICK = 30
SLOW = 700


@pytest.fixture(scope="module")
def uri(mongod: str) -> Iterator[str]:
    with new_database(mongod) as made:
        yield made
    with MongoClient(mongod) as client:
        client.drop_database("restored")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in ("GENARRIS_FW_URI", "AIMS_SPECIES_DIR"):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize("kind", mutants.KINDS)
def test_what_mutants_are_made_of_is_accepted(kind: str, tmp_path: Path, uri: str) -> None:
    for number, (name, content) in enumerate(mutants.KINDS[kind].files().items(), start=10**6):
        done = mutants.tried(kind, name, content, number, tmp_path, uri)
        assert [(name, step.what, step.text, step.faults) for step in done if step.code or step.faults] == []


@pytest.mark.parametrize("kind", mutants.KINDS)
def test_mutants(kind: str, uri: str) -> None:
    _no_faults(kind, range(QUICK), uri)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", mutants.KINDS)
def test_ten_thousand_mutants(kind: str, uri: str) -> None:
    _no_faults(kind, range(SLOW), uri)


def test_a_mutant_is_made_again() -> None:
    for kind in mutants.KINDS:
        first, again = ([mutants.mutant(kind, SEED, number) for number in range(5)] for _ in range(2))
        assert first == again and len(set(first)) > 1


def _no_faults(kind: str, numbers: range, uri: str) -> None:
    faults: list[str] = []

    def report(kind: str, number: int, done: list[mutants.Done]) -> None:
        faults.extend(f"{kind} {number}: {step.what}: {fault}" for step in done for fault in step.faults)

    mutants.try_all([kind], SEED, numbers, uri, report)
    assert faults == []
