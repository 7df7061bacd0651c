"""The kinds of files that are mutated, and the commands and readers that each is given to."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import mutant_seeds as seeds
from lapw_made_up import MADE_UP
from mutations import NUMBERS, OF_BYTES, OF_JSON, OF_TEXT, WORDS, Mutation, mutated
from small_run import RUN

from genarris_fw.crystal import WRITE_FORMATS, Structure, read, write
from genarris_fw.database.launchpads import with_database
from genarris_fw.descriptors import read_matrix
from genarris_fw.engines import get
from genarris_fw.engines.aims.control import Control, refuse_unusable
from genarris_fw.engines.aims.job import AimsJob
from genarris_fw.engines.aims.output import parse_output
from genarris_fw.engines.aims.remedies import more_cycles, smaller_mixing, switch_preconditioner
from genarris_fw.engines.aims.species import with_missing_species
from genarris_fw.engines.lapw.elk_output import parse_output as parse_elk
from genarris_fw.engines.lapw.species import read_species
from genarris_fw.errors import EngineError
from genarris_fw.trials.published import other_settings

Words = list[object]
Reader = Callable[[], object]
Tries = Iterator["Words | Reader"]


@dataclass
class Place:
    """Where a mutant is tried: its folder, which is the current one, a database and a run's name for it."""

    folder: Path
    run: str
    uri: str

    def write(self, name: str, content: bytes | str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path


@dataclass(frozen=True)
class Kind:
    """A kind of file: how a mutant is made, and what is done with it.

    Attributes
    ----------
    make : callable
        generator -> name and content of the file.
    tries : callable
        The commands and readers, one after the other until one of them finds something wrong.
    files : callable
        What the mutants are made of, where that is files: each of them has to be accepted.
    """

    make: Callable[[random.Random], tuple[str, bytes]]
    tries: Callable[[Place, str], Tries]
    files: Callable[[], seeds.Files] = dict


def of_files(
    files: Callable[[], seeds.Files], tries: Callable[[Place, str], Tries], mutations: tuple[Mutation, ...] = OF_TEXT
) -> Kind:
    """Return the kind of these files."""

    def make(rng: random.Random) -> tuple[str, bytes]:
        name, content = rng.choice(sorted(files().items()))
        return name, mutated(rng, content, mutations)

    return Kind(make, tries, files)


def _configured(place: Place, name: str) -> Tries:
    """A ui.conf, with everything there that it names."""
    if name != "ui.conf":
        (place.folder / name).rename(place.folder / "ui.conf")
    molecule = seeds.molecules()["urea.in"]
    for wanted in ("molecule.in", "urea.in", "relaxed_molecule.in", "single_molecule/benzene.in"):
        place.write(wanted, molecule)
    place.write("control.in", seeds.controls()["control_scf.in"])
    for control, content in seeds.controls().items():
        place.write(f"controls/{control}", content)
    place.write("raw/water.json", seeds.json_records()["water.json"])
    yield ["check", "ui.conf", "--no-engine-test"]
    yield ["add", "ui.conf", "--yaml", "workflow.yaml"]


def _options(rng: random.Random) -> tuple[str, bytes]:
    return "ui.conf", seeds.options(rng, (*NUMBERS, *WORDS))


def _molecule(place: Place, name: str) -> Tries:
    place.write("ui.conf", seeds.CHECKED.format(molecule=name))
    yield ["check", "ui.conf", "--no-engine-test"]
    yield ["add", "ui.conf", "--yaml", "workflow.yaml"]


def _crystals(place: Place, name: str) -> Tries:
    """Read, and what could be read written in all formats."""
    found: list[Structure] = []
    yield lambda: found.extend(read(place.folder / name))
    for format in WRITE_FORMATS:
        yield partial(write, found, place.folder / f"written_{format}", format)


def _imported(place: Place, name: str) -> Tries:
    """A folder into the database, out again in all formats, and what was written in again."""
    place.folder.joinpath("pool").mkdir()
    (place.folder / name).rename(place.folder / "pool" / name)
    run = place.run
    yield ["import", "pool", "--run", run, "--uri", place.uri]
    yield ["status", run, "--uri", place.uri]
    for format in ("json", "geometry", "extxyz,csv,geometry_out"):
        yield ["export", run, "--pool", "pool", "--format", format, "--to", "out", "--uri", place.uri]
    if not name.startswith("molecule"):
        yield ["export", run, "--pool", "pool", "--format", "cif", "--to", "cif", "--uri", place.uri]


def _aims_output(place: Place, name: str) -> Tries:
    yield lambda: parse_output(place.folder / name)


def _elk_output(place: Place, name: str) -> Tries:
    for other, content in seeds.elk_outputs().items():
        if other != name:
            place.write(other, content)
    yield lambda: parse_elk(place.folder, 2, True)


def _species(place: Place, name: str) -> Tries:
    yield lambda: read_species(place.folder, "Ge")


def _control(place: Place, name: str) -> Tries:
    (place.folder / name).rename(place.folder / "control.in")
    place.write("ui.conf", seeds.CONTROLLED)
    place.write("raw/water.json", seeds.json_records()["water.json"])

    def parsed() -> object:
        engine = get("aims", control_path="control.in", aims_command="false")
        control = Control(engine.options.control)
        other_settings(control.text, "control_scf.in")
        refuse_unusable(with_missing_species(control, ["O", "H"], None), seeds.crystal(), relax=control.relaxes)
        for remedy in (smaller_mixing, more_cycles, switch_preconditioner):
            remedy(EngineError(""), AimsJob(seeds.crystal(), control, control.relaxes))
        return engine.settings_hash, control.digest, control.method, control.with_keyword("xc", "pbe").canonical

    yield parsed
    yield ["check", "ui.conf", "--no-engine-test"]
    yield ["add", "ui.conf", "--yaml", "workflow.yaml"]


def _matrix(place: Place, name: str) -> Tries:
    for other, content in seeds.matrices().items():
        if other != name:
            place.write(other, content)
    ids = [f"id_{i}" for i in range(6)]
    yield lambda: read_matrix(place.folder / "m.dat", ids)[0].sum()
    yield lambda: read_matrix(place.folder / "m.dat", verify=False)[0].sum()


def _launchpad(place: Place, name: str) -> Tries:
    (place.folder / name).rename(place.folder / "my_launchpad.yaml")
    yield ["db", "uri"]
    yield ["db", "roles"]


def _qadapter(place: Place, name: str) -> Tries:
    (place.folder / name).rename(place.folder / "my_qadapter.yaml")
    place.write("ui.conf", seeds.CHECKED.format(molecule="urea.in"))
    place.write("urea.in", seeds.molecules()["urea.in"])
    yield ["add", "ui.conf", "--yaml", "workflow.yaml"]


def _archive(rng: random.Random) -> tuple[str, bytes]:
    if rng.random() < 0.4:
        return "backup.tar.gz", mutated(rng, seeds.archive(), OF_BYTES)
    content = seeds.repacked(rng, seeds.archive(), lambda member: mutated(rng, member, OF_JSON))
    return "backup.tar.gz", content


def _restored(place: Place, name: str) -> Tries:
    uri = with_database(place.uri, "restored")
    yield ["db", "restore", name, "--force", "--yes", "--uri", uri]
    yield ["status", "--uri", uri]


def _command(rng: random.Random) -> tuple[str, bytes]:
    """The words of a command, one a line; in the database is one run."""
    odd = [word for word in (*WORDS, *NUMBERS) if "\0" not in word and "\n" not in word and word != "/dev/zero"]

    def word(usual: str) -> str:
        return rng.choice(odd) if rng.random() < 0.6 else usual

    known = [
        ["status", word(RUN)],
        ["metrics", word(RUN)],
        ["export", word(RUN), "--pool", word("raw"), "--format", word("json"), "--to", "out"],
        ["export", word(RUN), "--pool", word("raw"), "--format", word("csv")],
        ["import", word("pool"), "--run", word("new"), "--pool", word("mine")],
        ["retry", word(RUN), word("run_fhi_aims_batch")],
        ["recover", word(RUN)],
        ["options", word("run_rdf_calc")],
        ["check", word("ui.conf"), "--engine-time", word("5"), "--no-engine-test"],
        ["db", "backup", word("file.tar.gz")],
        ["db", "restore", word("file.tar.gz")],
        ["db", "roles", "--database", word("genarris")],
        ["init", "--queue", word("slurm"), "--dir", "here"],
        [word("status"), word("--json"), word("--watch")],
    ]
    return "words", "\n".join(rng.choice(known)).encode("utf-8", "surrogatepass")


def _called(place: Place, name: str) -> Tries:
    words = (place.folder / name).read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    place.write("pool/water.json", seeds.json_records()["water.json"])
    place.write("ui.conf", seeds.CHECKED.format(molecule="urea.in"))
    place.write("urea.in", seeds.molecules()["urea.in"])
    takes_uri = words[:1] in (["status"], ["metrics"], ["export"], ["import"], ["retry"], ["recover"], ["db"])
    yield [*words, *(["--uri", place.uri] if takes_uri else [])]


def _qadapters() -> seeds.Files:
    folder = seeds.TESTS.parent / "launchers"
    return {path.name: path.read_bytes() for path in sorted(folder.glob("my_qadapter*.yaml"))}


def _made_up_species() -> seeds.Files:
    return {"Ge.in": MADE_UP.encode()}


KINDS = {
    "ui_conf": of_files(seeds.ui_confs, _configured),
    "options": Kind(_options, _configured),
    "molecule": of_files(seeds.molecules, _molecule),
    "periodic": of_files(seeds.periodic, _crystals),
    "structure": of_files(seeds.structures, _imported),
    "json": of_files(seeds.json_records, _imported, OF_JSON),
    "aims_out": of_files(seeds.aims_outputs, _aims_output),
    "elk_out": of_files(seeds.elk_outputs, _elk_output),
    "species": of_files(_made_up_species, _species),
    "control_in": of_files(seeds.controls, _control),
    "matrix": of_files(seeds.matrices, _matrix, OF_JSON),
    "launchpad": of_files(seeds.launchpads, _launchpad, OF_JSON),
    "qadapter": of_files(_qadapters, _qadapter),
    "archive": Kind(_archive, _restored, lambda: {"backup.tar.gz": seeds.archive()}),
    "words": Kind(_command, _called),
}


def mutant(kind: str, seed: int, number: int) -> tuple[str, bytes]:
    """Return name and content of a mutant."""
    return KINDS[kind].make(random.Random(f"{kind} {seed} {number}"))
