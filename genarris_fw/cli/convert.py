"""``genarris-fw convert``: a configuration of Genarris 3 as a ui.conf of this program."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from genarris_fw.cli.answers import json_option, print_json
from genarris_fw.cli.examples import example
from genarris_fw.cli.main import EXIT_OK
from genarris_fw.cli.overwriting import force_option, refuse_there
from genarris_fw.errors import InputError
from genarris_fw.showing import printable

# What stands for potentials that this program has not got, the first that is here.
_STAND_INS = ("tblite", "gfnff", "sevennet", "so3lr", "lattice")
LARGEST = 2**24  # bytes


@click.command(name="convert", epilog=example("convert genarris3.conf", "convert genarris3.conf --output new/ui.conf"))
@click.argument("source", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), default=None, help="What to write (default: beside FILE).")
@force_option
@json_option
def command(source: Path, output: Path | None, force: bool, as_json: bool) -> int:
    """Translate FILE, a configuration of Genarris 3 (INI, JSON or YAML), into a ui.conf of this program.

    It is written beside FILE, since the paths in it stay as they are, as <name>_genarris_fw.conf. A comment tells of
    every option that has no counterpart.
    """
    from genarris_fw.encodings import decoded
    from genarris_fw.files import read_ordinary, write_text
    from genarris_fw.options.genarris3 import parse, translate

    content = read_ordinary(source, LARGEST)
    try:
        text = decoded(content).text
    except InputError as error:
        raise InputError(f"{source}: {error}") from None
    conf = parse(text, str(source))
    made = translate(conf, _surroundings(conf.sections.get("master", {}), source.parent), source.name)
    target = output or source.with_name(f"{source.stem}_genarris_fw.conf")
    files = {target: made.text} | {target.parent / name: text for name, text in made.files.items()}
    refuse_there(files, force, "--output")
    for file, text in files.items():
        write_text(file, text)
        if not as_json:
            click.echo(f"written: {printable(str(file))}")
    if as_json:
        print_json({"ui_conf": str(target), "files": [str(file) for file in files]})
        return EXIT_OK
    click.echo(f"read what it says of options without a counterpart, then: genarris-fw check {printable(str(target))}")
    return EXIT_OK


def _surroundings(master: Mapping[str, Any], folder: Path) -> Any:
    from genarris_fw.engines.registry import installed
    from genarris_fw.options.genarris3 import Surroundings

    here = installed(_STAND_INS)
    return Surroundings(
        n_groups=lambda wanted, Z, tol: _groups(master, folder, wanted, Z, tol),
        engine=next((name for name in _STAND_INS if here.get(name, (False, ""))[0]), _STAND_INS[0]),
        matcher=find_spec("pymatgen") is not None,
        settings=lambda path: _settings(folder / path),
    )


def _groups(master: Mapping[str, Any], folder: Path, wanted: Any, Z: int, tol: float) -> int | None:
    """Count the space groups that have a site for the molecule, if its file can be read."""
    from genarris_fw.crystal import read_molecule
    from genarris_fw.generation import occupations
    from genarris_fw.generation.group_choice import choose

    paths = master.get("molecule_path")
    path = paths[0] if isinstance(paths, list) and paths else paths
    try:
        molecule = read_molecule(folder / str(path))
        found = {occupation.space_group for occupation in occupations(molecule, Z, tol)}
        return len(choose(wanted, sorted(found))) or None
    except InputError:
        return None


def _settings(path: Path) -> Mapping[str, Any] | None:
    from genarris_fw.files import read_ordinary

    try:
        found = json.loads(read_ordinary(path, LARGEST))
    except (InputError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
