"""Energies of two engines or settings are never compared."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from genarris_fw.energetics.comparable import FROM_A_FILE, Source, comparable_groups, source_of
from genarris_fw.errors import RunFailed
from genarris_fw.procedures.kit.comparable import refuse_several
from genarris_fw.procedures.kit.energies import energies_per_molecule, molecule_energy

COMPUTED = {
    "energies": {"energy": {"engine": "tblite", "engine_version": "tblite 0.8", "settings_hash": "aa", "value": -1.0}},
    "properties": {"energy": -1.0},
}
AA = Source("tblite", "tblite 0.8", "aa")
IMPORTED = {"properties": {"energy": -2.0}}


def test_where_an_energy_comes_from():
    assert source_of(COMPUTED, "energy") == AA
    assert source_of(IMPORTED, "energy") == FROM_A_FILE
    assert source_of(COMPUTED, "other") is None


def test_a_lattice_energy_needs_the_same_version():
    """FHI-aims by another version, say, after a module was changed between two steps."""
    record = {"engine": "aims", "engine_version": "FHI-aims 1", "settings_hash": "a", "details": {"method": "PBE"}}
    summary = {"engine": "aims", "engine_version": "FHI-aims 1", "method": "PBE", "settings_hash": "b", "energy": -1.5}

    def found(**changes):
        runs = SimpleNamespace(get=lambda run: {"summaries": {"relax_single_molecule": summary | changes}})
        campaign = SimpleNamespace(
            run="run", relaxation_step="relax_single_molecule", catalogue=SimpleNamespace(runs=runs)
        )
        return molecule_energy(campaign, record)

    assert found() == -1.5
    assert (
        found(engine_version="FHI-aims 2") is None and found(method="PBE0") is None and found(engine="tblite") is None
    )


def test_the_largest_group_comes_first_and_structures_without_an_energy_count_nowhere():
    other = AA._replace(engine_version="tblite 0.9")
    assert comparable_groups({AA: 2, other: 3, None: 9}) == [(other, 3), (AA, 2)]
    assert comparable_groups({other: 2, AA: 2}) == [(AA, 2), (other, 2)]
    assert comparable_groups({None: 4}) == []


def test_one_source_is_fine():
    refuse_several("select", "energy", [AA, None, AA])
    refuse_several("select", "energy", [FROM_A_FILE, FROM_A_FILE])
    refuse_several("select", "energy", [])


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (
            Source("tblite", "tblite 0.8", "bb"),
            "2 by tblite (tblite 0.8, settings aa), 1 by tblite (tblite 0.8, settings bb)",
        ),
        (Source("tblite", "tblite 0.9", "aa"), "1 by tblite (tblite 0.9, settings aa)"),
        (Source("aims", "FHI-aims 1", "cc"), "1 by aims (FHI-aims 1, settings cc)"),
        (FROM_A_FILE, "1 by a file"),
    ],
)
def test_two_sources_are_refused_and_named(other, words):
    with pytest.raises(RunFailed) as caught:
        refuse_several("select", "energy", [AA, other, AA])
    assert "'energy'" in str(caught.value) and words in str(caught.value)


def test_energies_of_a_pool_are_of_one_source_and_per_molecule():
    def per_molecule(*records):
        structures = SimpleNamespace(load=lambda run, ids, fields: iter(records))
        campaign = SimpleNamespace(run="run", step="select", catalogue=SimpleNamespace(structures=structures))
        return energies_per_molecule(campaign, ["a", "b"], "energy")

    of_engine = {"engine": "tblite", "engine_version": "tblite 0.8", "settings_hash": "aa", "per_molecule": -5.0}
    computed = {"energies": {"energy": of_engine}, "properties": {"energy": -20.0}, "Z": 4}
    assert per_molecule(computed, computed) == [-5.0, -5.0]
    assert per_molecule(IMPORTED | {"Z": 4}, IMPORTED | {"Z": 2}) == [-0.5, -1.0]
    assert per_molecule(IMPORTED, {"properties": {}}) == [None, None]
    other = computed | {"energies": {"energy": of_engine | {"settings_hash": "bb"}}}
    for mixed in (other, IMPORTED | {"Z": 4}):
        with pytest.raises(RunFailed, match="select"):
            per_molecule(computed, mixed)
