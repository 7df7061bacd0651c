"""Every option that Genarris 3 documents is translated, or named with the reason why it is not."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from genarris_fw.errors import InputError
from genarris_fw.options.genarris3 import Genarris3, Surroundings, translate
from genarris_fw.options.genarris3.documented import SYNONYMS, TASKS_WITHOUT, TRANSLATED, WITHOUT
from genarris_fw.options.registered import models

ABOUT = Surroundings(lambda wanted, Z, tol: 7, "tblite", True, lambda path: {"xc": path})
# A workflow in which every section of Genarris 3 is asked; what it must have.
TASKS = "rigid_press symm_rigid_press bfgs_uma lbfgs_maceoff dedup acsf ap_center aims vasp dftb aimnet kmeans_window"
NEEDED: dict[str, dict[str, Any]] = {
    "master": {"name": "x", "molecule_path": ["mol.xyz"], "z": 4},
    "generation": {"num_structures_per_spg": 10},
    "ap": {"n_clusters": 9},
    "window": {"energy_window": 5.0},
}
# Values that are not the defaults; all others are numbers.
VALUES: dict[str, Any] = {
    "name": "other",
    "molecule_path": ["a.xyz", "b.xyz"],
    "log_level": "debug",
    "spg_distribution_type": [14, 19],
    "preference_range": [-5.0, -1.0],
    "cell_opt": False,
    "fix_sym": False,
    "filter": "lbfgs_maceoff",
    "energy_key": "lbfgs_maceoff",
    "command": "/bin/aims.x",
    "mpi_launcher": "srun",
    "species_dir": "/species",
    "energy_settings_path": "a.json",
    "path": "measured.cif",
    "sr": 0.5,
    "ucv_std": 0.1,
    "damping": 0.7,
    "r_cut": 9.0,
}


def written(generation: str, section: str = "", option: str = "", value: Any = None) -> str:
    sections = {name: dict(options) for name, options in NEEDED.items()}
    sections[generation] = sections.pop("generation")
    if section:
        sections.setdefault(section, {})[option.lower()] = value
    tasks = [generation, *TASKS.split()]
    made = translate(Genarris3({**sections, "workflow": {"tasks": tasks}}, tasks), ABOUT, "x.conf")
    return "\n".join([made.text, *made.files.values()])


def cases(table: Any) -> list[tuple[str, str]]:
    return [(section, option) for section, options in table.items() for option in options if option != "tasks"]


def task_of(section: str) -> str:
    return "crystal_generation" if section == "crystal_generation" else "generation"


@pytest.mark.parametrize(("section", "option"), cases(TRANSLATED))
def test_an_option_with_a_counterpart_changes_it(section: str, option: str) -> None:
    if option == "stoichiometry":
        with pytest.raises(InputError, match="stoichiometry asks for several components"):
            written(task_of(section), section, option, [1, 1])
        return
    before = written(task_of(section))
    after = written(task_of(section), section, option, VALUES.get(option, 3))
    assert after != before
    assert f"[{section}] {option} = " not in after
    lines, former = Counter(after.splitlines()), Counter(before.splitlines())
    changed = {line.partition(" = ")[0] for line in (lines - former) + (former - lines)}
    named = set(re.findall(r"\w+", TRANSLATED[section][option]))
    # The path of the measured crystal is a section of its own; settings are written into a file.
    assert changed & named or option in ("path", "energy_settings_path")


@pytest.mark.parametrize(("section", "option"), cases(WITHOUT))
def test_an_option_without_a_counterpart_is_named_with_the_reason(section: str, option: str) -> None:
    after = written(task_of(section), section, option, "something")
    assert f"#   [{section}] {option} = something: {WITHOUT[section][option]}\n" in after


def test_an_option_of_the_second_task_of_a_name_is_named_with_the_reason() -> None:
    conf = Genarris3(
        {"master": NEEDED["master"], "generation": NEEDED["generation"], "dedup_2": {"group_by_spg": False}},
        ["generation", "dedup", "dedup"],
    )
    assert "#   [dedup_2] group_by_spg = False: crystals are compared" in translate(conf, ABOUT, "x").text


@pytest.mark.parametrize(("name", "option"), SYNONYMS.items())
def test_a_further_name_says_the_same(name: str, option: str) -> None:
    assert written("generation", "generation", name, 0.4) == written("generation", "generation", option, 0.4)


@pytest.mark.parametrize(
    ("section", "option", "value", "said"),
    [
        ("ap", "preference_range", "quantile", "preference_range = quantile: the range follows"),
        ("aims", "mpi_launcher", "none", "aims_command = aims.x"),
        ("aims", "energy_settings_path", "", "control_scf.in is to be written"),
    ],
)
def test_a_value_that_has_no_counterpart_is_told(section: str, option: str, value: str, said: str) -> None:
    assert said in written("generation", section, option, value)


def test_a_tolerance_of_a_fraction_is_told() -> None:
    conf = Genarris3({**NEEDED, "ap": {"n_clusters": 0.2, "clusters_tol": 0.5}}, ["generation", "acsf", "ap_center"])
    assert "clusters_tol = 0.5 of a fraction" in translate(conf, ABOUT, "x").text


@pytest.mark.parametrize("task", TASKS_WITHOUT)
def test_a_task_without_a_counterpart_is_refused_with_the_reason(task: str) -> None:
    with pytest.raises(InputError, match=re.escape(TASKS_WITHOUT[task])):
        translate(Genarris3(dict(NEEDED), [task]), ABOUT, "x")


def test_what_an_option_becomes_is_an_option_here() -> None:
    known = {name for model in models() for name in model.declared()}
    for section, option in cases(TRANSLATED):
        words = re.findall(r"\w+", TRANSLATED[section][option])
        assert option in {"stoichiometry", "path"} or known & set(words), (section, option)
