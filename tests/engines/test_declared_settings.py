"""The settings of our engines are declared once, and what follows from that stays as it was."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

import genarris_fw
from genarris_fw.declaring.door import ENGINES
from genarris_fw.engines import Engine, engine_class
from genarris_fw.options import engine_settings

OURS = [name for name in ENGINES.names() if ENGINES.package(name) == "genarris_fw"]
VERSIONS = {"tblite": "tblite 0.4.0", "ase": "ase 3.23.0", "aims": "FHI-aims", "lapw": "Elk 8.4.6"}
CONTROL = "xc pbe\nk_grid 2 2 2\nsc_accuracy_rho 1e-5\n"
EMT = {"calculator": "ase.calculators.emt:EMT"}
LJ = {"calculator": "ase.calculators.lj:LennardJones"}
# Hashes of energies in databases: of version 0.1, for these settings.
HASHES: list[tuple[str, dict[str, Any], str]] = [
    ("tblite", {}, "fbf045aeecec00f1"),
    ("tblite", {"method": "GFN2-xTB", "min_width": 12, "supercell": "smallest"}, "4cedd40ee55d9dcc"),
    ("tblite", {"accuracy": 1, "electronic_temperature": 300, "fmax": 0.01, "max_iterations": 500}, "893450fe290a3692"),
    ("tblite", {"keep_symmetry": False, "symprec": 0.1, "optimizer": "bfgs", "trajectory": True}, "fbf045aeecec00f1"),
    ("tblite", {"relax_cell": False, "max_steps": 5, "smax": 1e-3}, "fbf045aeecec00f1"),
    ("ase", EMT, "5ac37195cf1b6844"),
    ("ase", EMT | {"fmax": 0.2, "optimizer": "bfgs"}, "5ac37195cf1b6844"),
    (
        "ase",
        LJ | {"calculator_settings": {"rc": 10, "smooth": True, "deep": {"a": [1, 2.5]}}},
        "8eec1a9507b2ba68",
    ),
    ("aims", {"aims_command": "aims.x", "control": CONTROL}, "7a61783e8a9b8472"),
    (
        "aims",
        {"control": CONTROL + "walltime 5\n", "auto_correct": True, "omp_num_threads": 4, "keep_files": ["a.out"]},
        "7a61783e8a9b8472",
    ),
    ("aims", {"aims_lib_dir": "/lib", "control": "xc pbesol\n", "max_restarts": 0, "grace": 1}, "d2f11038b5ed3250"),
    ("lapw", {}, "cd8d7d5598cd52e1"),
    (
        "lapw",
        {
            **{"basis": "lapw", "rkmax": 8, "rkmax_radius": "average", "l_max": 10, "local_orbitals": False},
            **{"k_grid": [4, 4, 2], "k_offset": [0.5, 0.5, 0.0]},
        },
        "1eebd123d86327b3",
    ),
    (
        "lapw",
        {
            **{"functional": "LDA", "relativity": "spin-orbit", "core": "semicore", "smearing": "gaussian"},
            **{"smearing_width": 0.1, "k_spacing": 0.5, "muffin_tin": {"Al": 1.1, "O": 0.8}, "primitive": True},
        },
        "85c880f6379657fc",
    ),
    (
        "lapw",
        {
            **{"forces": True, "max_loops": 10, "mixing": "linear", "auto_correct": False, "threads": 2, "silence": 5},
            **{"lapw_command": "mpirun -n {cores} elk", "energy_tolerance": 1e-5, "potential_tolerance": 1e-4},
        },
        "dea99295b5fe2c3d",
    ),
]


def made(name: str, settings: dict[str, Any]) -> Engine:
    """Return an engine whose program is not there, of a fixed version."""
    base = engine_class(name)
    engine = object.__new__(type("OfAVersion", (base,), {"version": VERSIONS[name]}))
    engine.options = base.model.of(name, settings)
    return engine


@pytest.mark.parametrize(("name", "settings", "expected"), HASHES)
def test_energies_in_databases_keep_their_hash(name, settings, expected, monkeypatch):
    monkeypatch.delenv("AIMS_SPECIES_DIR", raising=False)
    assert made(name, settings).settings_hash == expected


@pytest.mark.parametrize("name", OURS)
def test_every_setting_is_said_in_one_place(name):
    """With words, a type, and a default that the setting itself takes."""
    model = engine_class(name).model
    for setting in model.declared():
        assert model.description(setting) and model.said(setting).name and model.expected(setting)
        default = model.info(setting).default
        if isinstance(default, (bool, int, float, str)):
            assert model.read(setting, default) == default, setting


def test_what_runs_out_of_the_declaration_for_results():
    without = {
        name: {s for s in engine_class(name).model.declared() if not engine_settings.changes_results(name, s)}
        for name in OURS
    }
    assert without["tblite"] == without["ase"] == {"trajectory"}
    assert without["lapw"] == {"lapw_command", "threads", "silence", "max_gigabytes"}
    program = {"aims_command", "aims_lib_dir", "control_path", "keep_files", "grace", "scratch_dir"}
    assert without["aims"] == program | {"silence", "max_gigabytes"}
    assert engine_settings.changes_results("of another package", "anything")


# `genarris-fw verify` is of FHI-aims, three procedures are named after LAPW, and others compute what the engine lattice
# does, without it. The same words mean something else where a structure's lattice and tblite's package are named.
ALLOWED = {
    # What stands in a translated ui.conf for potentials that are not here, and words of Genarris 3.
    *(("cli/convert.py", name) for name in ("tblite", "gfnff", "sevennet", "so3lr", "lattice")),
    ("options/genarris3/translation.py", "aims"),
    ("options/genarris3/translation.py", "ase"),
    ("options/genarris3/documented.py", "aims"),
    ("options/genarris3/documented.py", "ase"),
    # Words of files: a format, and a keyword of geometry.in.
    ("pools/usable.py", "aims"),
    ("pools/foreign_names.py", "aims"),
    ("crystal/formats/geometry_in.py", "lattice"),
    ("trials/verification.py", "aims"),
    ("procedures/options/references.py", "lapw"),
    ("procedures/kit/lattice_models.py", "lattice"),
    ("pools/documents.py", "lattice"),
    *((f"{place}.py", "lattice") for place in ("__init__", "crystal/conversions", "crystal/formats/pymatgen_json")),
    *((f"{place}.py", "lattice") for place in ("optimade/collection", "pools/same_crystal")),
    ("procedures/kit/reuse.py", "lattice"),
    ("views/z_primes.py", "lattice"),
    ("web/reading.py", "lattice"),
    ("web/structures.py", "lattice"),
    ("lattice/searching/merging.py", "lattice"),
    ("trials/published.py", "lattice"),
    ("procedures/options/molecular_electrostatics.py", "tblite"),
}
IMPORTED = {("trials/published.py", "genarris_fw.engines.aims.control")}


def _docstrings(tree: ast.Module) -> set[int]:
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef)
    bodies = [node.body[0] for node in ast.walk(tree) if isinstance(node, owners) and node.body]
    return {id(first.value) for first in bodies if isinstance(first, ast.Expr)}


def test_nobody_outside_its_folder_knows_an_engines_name():
    root = Path(genarris_fw.__file__).parent
    named, imported = set(), set()
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(root).as_posix()
        if place.startswith("engines/") and place != "engines/registry.py":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        told = _docstrings(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
                named |= {(place, name) for name in OURS if node.value == name or f"engine = {name}" in node.value}
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [name.name for name in node.names] if isinstance(node, ast.Import) else []
            imported |= {
                (place, m) for m in modules for name in OURS if f"{m}.".startswith(f"genarris_fw.engines.{name}.")
            }
    assert named == ALLOWED and imported == IMPORTED
