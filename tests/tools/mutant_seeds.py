"""The files that mutants are made of: small, valid, and of every kind that a command reads."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import tarfile
import tempfile
from collections.abc import Callable
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any

import bson
import numpy as np
from aims_inputs import block
from ase import Atoms
from ase.io import write as ase_write
from bson import ObjectId

from genarris_fw.crystal import Structure, write
from genarris_fw.database.backup import FORMAT
from genarris_fw.descriptors import write_matrix
from genarris_fw.options.base import ProcedureOptions
from genarris_fw.options.master import MasterOptions
from genarris_fw.options.registered import OF_THE_RUN, models

TESTS = Path(__file__).parents[1]
DATA, EXAMPLES = TESTS / "data", TESTS.parent / "examples"
SECRET = "hunter2SECRET"
Files = dict[str, bytes]

AIMS = """\
[Genarris_master]
procedures = ["FHI_Aims_Energy_Evaluation", "Run_FHI_Aims_Batch"]
run_name = aims
engine = aims
[fhi_aims_energy_evaluation]
structure_dir = raw
Z = 2
control_path = control.in
aims_command = "srun -n {cores} aims.x"
silence = 3600
max_restarts = 2
auto_correct = true
[run_fhi_aims_batch]
control_path = control.in
aims_command = aims.x
keep_files = ["aims.out", "control.in"]
"""
ASE = """\
[Genarris_master]
procedures = ["Estimate_Unit_Cell_Volume", "Pygenarris_Structure_Generation", "Run_FHI_Aims_Batch"]
run_name = with_ase
molecule_path = molecule.in
Z = 4
walltime = 02:00:00
memory = 4 GB
queue = short
[pygenarris_structure_generation]
num_structures = 20
space_groups = [14, 19, 33]
generation_mode = packing
rigid_press = True
custom_radii = {"O": 1.5}
[run_fhi_aims_batch]
engine = ase
calculator = ase.calculators.emt:EMT
calculator_settings = {"asap_cutoff": False, "nested": {"a": [1, 2, 3]}}
fmax = 0.05
"""
LAPW = """\
[Genarris_master]
procedures = ["Run_LAPW_Batch", "LAPW_Convergence", "LAPW_Equation_Of_State", "Compare_Engines"]
run_name = lapw
[run_lapw_batch]
structure_dir = raw
k_grid = [2, 3, 4]
functional = pbe
rkmax = 7
forces = True
[lapw_convergence]
structure_dir = raw
rkmax = 7
k_grids = [[2, 2, 2], [3, 3, 3]]
[lapw_equation_of_state]
structure_dir = raw
volume_scales = [0.96, 0.98, 1.0, 1.02, 1.04]
[compare_engines]
structure_dir = raw
"""
COMPARING = """\
[Genarris_master]
procedures = ["Remove_Duplicates", "RCD_Calculation", "Select_Structures", "Run_Rdf_Calc",
    "Affinity_Propagation_Fixed_Clusters"]
[remove_duplicates]
structure_dir = raw
num_replicas = 3
output_dir = unique
[rcd_calculation]
molecule_path = molecule.in
[select_structures]
most_diverse = 10
output_dir = selected
[affinity_propagation_fixed_clusters]
cluster_method = kmedoids
num_of_clusters = 0.1
"""
# What many options take.
PLAUSIBLE = (
    "1",
    "2",
    "3",
    "0.5",
    "1.0",
    "10",
    "100",
    "1000",
    "True",
    "False",
    "None",
    "name",
    "[1, 2]",
    "[2, 2, 2]",
    "raw",
)
CHECKED = """\
[Genarris_master]
procedures = ["Pygenarris_Structure_Generation"]
molecule_path = {molecule}
Z = 2
[pygenarris_structure_generation]
num_structures = 10
space_groups = [2, 14]
"""
CONTROLLED = """\
[Genarris_master]
procedures = ["FHI_Aims_Energy_Evaluation"]
engine = aims
[fhi_aims_energy_evaluation]
structure_dir = raw
Z = 2
control_path = control.in
aims_command = false
"""
LAUNCHPADS = {
    "uri.yaml": f"""\
uri_mode: true
host: mongodb://worker:{SECRET}@db.example.org:27017/genarris?authSource=admin&replicaSet=rs0
name: genarris
strm_lvl: INFO
user_indices: []
mongoclient_kwargs:
  journal: true
  serverSelectionTimeoutMS: 600000
""",
    "fields.yaml": f"""\
host: db.example.org
port: 27017
name: fireworks
username: worker
password: {SECRET}
authsource: admin
mongoclient_kwargs: {{tls: true, tlsCAFile: /etc/ssl/ca.pem}}
""",
    "fields.json": json.dumps({"host": "localhost", "port": 27017, "name": "x", "password": SECRET, "username": "w"}),
}


def water() -> tuple[list[str], np.ndarray]:
    return ["O", "H", "H"], np.array([[0.0, 0.0, 0.0], [0.757, 0.586, 0.0], [-0.757, 0.586, 0.0]])


def crystal(struct_id: str = "water_0001") -> Structure:
    """A cell of two water molecules with properties of all types."""
    species, molecule = water()
    lattice = np.array([[4.6, 0.0, 0.0], [0.2, 5.1, 0.0], [0.1, -0.3, 6.0]])
    positions = np.concatenate([molecule, lattice.sum(axis=0) / 2 - molecule])
    properties = {"Z": 2, "spg": 2, "energy": -20.5, "note": "as made", "RDF": [0.1, 1.0], "converged": True}
    properties |= {"initial_moments": [0.5, None, None, None, None, None], "fixed_atoms": [0, 3]}
    return Structure(lattice, species * 2, positions, properties, struct_id)


def molecule() -> Structure:
    species, positions = water()
    return Structure(None, species, positions, {}, "water")


def _written(structures: list[Structure], format: str) -> bytes:
    with tempfile.TemporaryDirectory() as place:
        target = Path(place) / "x"
        [file] = write(structures, target, format)
        return file.read_bytes()


def _written_with_ase(atoms: Atoms, format: str) -> bytes:
    with tempfile.TemporaryDirectory() as place:
        target = Path(place) / "x"
        ase_write(target, atoms, format=format)
        return target.read_bytes()


@cache
def ui_confs() -> Files:
    texts = {"aims": AIMS, "ase": ASE, "lapw": LAPW, "comparing": COMPARING}
    read = {"urea": EXAMPLES / "urea_robust" / "ui.conf", "benzene": EXAMPLES / "benzene" / "ui.conf"}
    read["manual"] = DATA / "options_manual_example.conf"
    found = {name: text.encode() for name, text in texts.items()}
    return found | {name: path.read_bytes() for name, path in read.items()}


@cache
def molecules() -> Files:
    species, positions = water()
    found = {
        "urea.in": (EXAMPLES / "urea" / "urea.in").read_bytes(),
        "benzene.in": (DATA / "generation_benzene.in").read_bytes(),
        "water.json": _written([molecule()], "json"),
    }
    for ending, format in (("xyz", "extxyz"), ("pdb", "proteindatabank")):
        found[f"water.{ending}"] = _written_with_ase(Atoms(species, positions), format)
    return found | {"water.mol": MOL.encode(), "water.sdf": MOL.encode()}


MOL = """\
water
  made up

  3  2  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 O   0  0  0  0  0  0  0  0  0  0  0  0
    0.7570    0.5860    0.0000 H   0  0  0  0  0  0  0  0  0  0  0  0
   -0.7570    0.5860    0.0000 H   0  0  0  0  0  0  0  0  0  0  0  0
  1  2  1  0
  1  3  1  0
M  END
"""


@cache
def periodic() -> Files:
    """Crystals in the formats that only ASE reads, and in those of one file for a pool."""
    return {
        "pool.extxyz": _written([crystal(), crystal("b")], "extxyz"),
        "POSCAR": _written_with_ase(crystal().to_ase(), "vasp"),
        "geometry.out": _written([crystal(), crystal("b")], "geometry_out"),
        "crystal.cif": _written([crystal()], "cif"),
        "nothing": _written([crystal()], "geometry"),
    }


@cache
def structures() -> Files:
    """Crystals as `import` reads them; Genarris json apart."""
    return {
        "water.in": _written([crystal()], "geometry"),
        "water.in.next_step": _written([crystal()], "geometry"),
        "urea.in": (DATA / "engines_tblite" / "urea.in").read_bytes(),
        "water.cif": _written([crystal()], "cif"),
        "molecule.in": _written([molecule()], "geometry"),
        "p21c.cif": P21C.encode(),
    }


P21C = """\
data_made_up
_symmetry_space_group_name_H-M   'P 1 21/c 1'
_symmetry_Int_Tables_number      14
_cell_length_a                   5.0
_cell_length_b                   6.0
_cell_length_c                   7.0
_cell_angle_alpha                90.0
_cell_angle_beta                 100.0
_cell_angle_gamma                90.0
loop_
_symmetry_equiv_pos_as_xyz
'x, y, z'
'-x, 1/2+y, 1/2-z'
'-x, -y, -z'
'x, 1/2-y, 1/2+z'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
O1 O 0.1 0.2 0.3 1.0
H1 H 0.25 0.28 0.3 1.0
H2 H 0.0 0.3 0.33 1.0
"""


@cache
def json_records() -> Files:
    records = json.loads((DATA / "crystal_tutorial_records.json").read_text())
    return {
        "tutorial.json": json.dumps(records[0], indent=1).encode(),
        "pool.json": json.dumps(records[:2]).encode(),
        "water.json": _written([crystal()], "json"),
        "molecule.json": _written([molecule()], "json"),
    }


@cache
def aims_outputs() -> Files:
    return {path.name: path.read_bytes() for path in sorted((DATA / "engines_aims").glob("*.out"))}


@cache
def elk_outputs() -> Files:
    return {path.name: path.read_bytes() for path in sorted((DATA / "engines_lapw").iterdir()) if path.suffix}


@cache
def controls() -> Files:
    blocks = "".join(map(block, ("C", "H", "O"))).encode()
    read = sorted((EXAMPLES / "benzene" / "controls").iterdir())
    return {path.name: path.read_bytes() + blocks for path in read if "single_molecule" not in path.name}


def launchpads() -> Files:
    return {name: text.encode() for name, text in LAUNCHPADS.items()}


@cache
def matrices() -> Files:
    """A matrix with its sidecar, and the sidecar first: which of the two is spoiled is in the file's name."""
    with tempfile.TemporaryDirectory() as place:
        rng = np.random.default_rng(5)
        values = rng.random((6, 6))
        write_matrix(Path(place) / "m.dat", values + values.T, [f"id_{i}" for i in range(6)], cutoff=12)
        return {name: (Path(place) / name).read_bytes() for name in ("m.dat", "m.dat.json")}


def options(rng: random.Random, values: tuple[str, ...]) -> bytes:
    """A ui.conf with some options of its procedures set to odd values, or to those of other options."""
    procedures = [model for model in models() if model not in OF_THE_RUN]
    chosen = rng.sample(procedures, rng.choice((1, 1, 1, 2, 3)))
    lines = ["[Genarris_master]", "procedures = [" + ", ".join(f'"{model.procedure}"' for model in chosen) + "]"]
    lines += _some(rng, MasterOptions, values, ("procedures",))
    for model in chosen:
        lines.append(f"[{model.procedure.lower()}]")
        given = {"structure_dir": "raw", "molecule_path": "molecule.in", "Z": "2", "num_structures": "10"}
        given |= {"engine": "tblite", "space_groups": "[2, 14]", "most_diverse": "1"}
        lines += [f"{name} = {value}" for name, value in given.items() if name in model.declared()]
        lines += _some(rng, model, values, tuple(given))
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass")


def _some(
    rng: random.Random, model: type[ProcedureOptions], values: tuple[str, ...], kept: tuple[str, ...]
) -> list[str]:
    names = sorted(set(model.declared()) - set(kept) if rng.random() < 0.7 else model.declared())
    chosen = rng.sample(names, min(len(names), rng.choice((0, 0, 1, 1, 2))))
    return [f"{name} = {_value(rng, model, name, values)}" for name in chosen]


def _value(rng: random.Random, model: type[ProcedureOptions], name: str, values: tuple[str, ...]) -> str:
    default = model.info(name).default
    declaring = [model] if name in model.model_fields else model.settings()[name].models.values()
    marks = [mark for declared in declaring for mark in declared.marks(name)]
    bounds = [getattr(mark, sign, None) for mark in marks for sign in ("ge", "gt", "le", "lt")]
    edges = [str(bound) for bound in bounds if bound is not None]
    if edges and rng.random() < 0.6:
        return rng.choice(edges)
    if rng.random() < 0.2 and isinstance(default, str | int | float):
        return str(default)
    if rng.random() < 0.5:
        return rng.choice(PLAUSIBLE)
    shape = rng.choice(("{}", "{}", "[{}]", "[{}, {}]", "{{'O': {}}}", "'{}'", "[[{}, {}]]"))
    return shape.format(*(rng.choice(values) for _ in range(shape.count("{}"))))


@cache
def archive() -> bytes:
    """An archive as `db backup` writes it, of made-up documents: the same bytes every time."""
    moment = datetime(2025, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    steps = [{"name": "run_rdf_calc", "procedure": "Run_Rdf_Calc", "occurrence": 1, "options": {}, "origins": {}}]
    run = {"_id": "old", "name": "old", "state": "finished", "created": moment, "finished": moment, "folder": "/old"}
    run |= {"options": {"run_name": "old", "steps": steps}, "steps": {}, "summaries": {}, "pools": {"raw": 2}}
    collections: dict[str, list[dict[str, Any]]] = {
        "fw_id_assigner": [{"_id": -1, "next_fw_id": 5, "next_launch_id": 3}],
        "fireworks": [{"_id": ObjectId(b"f" * 12), "fw_id": 1, "state": "COMPLETED", "spec": {"_tasks": []}}],
        "runs": [run],
        "structures": [
            {"_id": f"old/s{i}", "run": "old", "struct_id": f"s{i}", "pools": ["raw"], "energy": -1.5 * i}
            for i in range(2)
        ],
        "work_items": [],
    }
    indexes = {"structures": [{"name": "pools", "key": {"run": 1, "pools": 1}, "unique": False}]}
    entries, files = [], {}
    for name, documents in collections.items():
        content = b"".join(map(bson.encode, documents))
        entry = {"name": name, "options": {}, "file": f"{name}.bson", "count": len(documents)}
        entries.append(entry | {"sha256": hashlib.sha256(content).hexdigest(), "indexes": indexes.get(name, [])})
        files[f"{name}.bson"] = content
    about = {"format": FORMAT, "genarris_fw": "1", "database": "genarris", "written": "", "collections": entries}
    return packed({"manifest.json": json.dumps(about).encode()} | files)


def packed(files: Files) -> bytes:
    """Return files as a tar.gz without dates."""
    stream = io.BytesIO()
    with gzip.GzipFile(fileobj=stream, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as target:
        for name, content in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            target.addfile(about, io.BytesIO(content))
    return stream.getvalue()


def unpacked(whole: bytes) -> Files:
    with tarfile.open(fileobj=io.BytesIO(whole)) as source:
        return {member.name: source.extractfile(member).read() for member in source}  # type: ignore[union-attr]


def repacked(rng: random.Random, whole: bytes, spoil_member: Callable[[bytes], bytes]) -> bytes:
    """Return an archive with one member spoiled, in most cases the manifest, and packed anew."""
    files = unpacked(whole)
    name = "manifest.json" if rng.random() < 0.7 else rng.choice(sorted(files))
    files[name] = spoil_member(files[name])
    if name != "manifest.json" and rng.random() < 0.7:  # damaged before the archive was written
        text = files["manifest.json"].decode()
        before = hashlib.sha256(unpacked(whole)[name]).hexdigest()
        files["manifest.json"] = text.replace(before, hashlib.sha256(files[name]).hexdigest()).encode()
    return packed(files)
