"""``genarris-fw new``: a complete, commented ui.conf for a molecule."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genarris_fw.cli.answers import json_option, print_json
from genarris_fw.cli.examples import example
from genarris_fw.cli.main import EXIT_OK
from genarris_fw.cli.overwriting import force_option, refuse_there
from genarris_fw.names import is_smiles

if TYPE_CHECKING:
    from genarris_fw.crystal.reading import Disorder

FILE = click.Path(path_type=Path)


@click.command(
    name="new", epilog=example("new urea.xyz --output urea/", 'new "smiles: CC(=O)O" --z 4 --output acetic_acid/')
)
@click.argument("molecule", type=FILE)
@click.option(
    "--record", type=click.IntRange(1), default=None, help="Which record of the file, or conformer of SMILES."
)
@click.option("--disorder", type=click.Choice(["refuse", "major"]), default="refuse", help="Of a disordered crystal.")
@click.option("--component", type=click.IntRange(1), default=None, help="Which of different molecules in the file.")
@click.option("--experiment", type=FILE, default=None, help="The measured crystal (CIF, ...), to be found in the pool.")
@click.option(
    "--z", "numbers", default=None, help="Molecules per cell: 4, or 2,4.  [default: the experiment's, or 2,4]"
)
@click.option("--output", default="ui.conf", show_default=True, help="The file that is written, or its folder.")
@force_option
@json_option
def command(
    molecule: Path,
    record: int | None,
    disorder: Disorder,
    component: int | None,
    experiment: Path | None,
    numbers: str | None,
    output: str,
    force: bool,
    as_json: bool,
) -> int:
    """Write a complete, commented ui.conf that predicts how MOLECULE packs: a file, or "smiles: CC(=O)O".

    What it says is decided from the molecule and from what is installed, as by genarris-fw predict; "genarris-fw check"
    passes it as it is. A molecule whose hydrogens are where X-rays see them, or that is nearly symmetric, is put right
    in a copy beside it. What cannot be searched is refused.
    """
    from genarris_fw.cli.new_conf import Files, conf_of
    from genarris_fw.crystal import Reading, read_molecule
    from genarris_fw.names import made_safe
    from genarris_fw.options.starting import numbers_in, start_of
    from genarris_fw.procedures.options.experiments import experiment_for

    conf = Path(output)
    if output.endswith(("/", os.sep)) or conf.is_dir():
        conf = conf / "ui.conf"
    reading = Reading(disorder, record, component)
    folder, given = conf.parent, read_molecule(molecule, reading=reading)
    crystal = None if experiment is None else experiment_for(str(experiment), given)
    wanted = None if numbers is None else numbers_in(numbers, "--z")
    start = start_of(given, wanted, crystal)
    odd = any(mark in _seen_from(folder, molecule) for mark in (" #", " ;"))  # what begins a comment in a ui.conf
    # What was chosen or made is written down: a ui.conf of a file alone says all, and no other RDKit changes it.
    made = is_smiles(molecule) or disorder == "major" or record is not None or component is not None
    stem = made_safe(given.formula if is_smiles(molecule) else molecule.stem, "molecule")
    copy = folder / f"{stem}_prepared.in" if start.changes or odd or made else None
    used = _seen_from(folder, copy or molecule)
    measured = None if experiment is None else _seen_from(folder, experiment)
    # SMILES are no name that anybody would type.
    run = made_safe(folder.name or given.formula if is_smiles(molecule) else molecule.stem, "run")
    files = Files(molecule, used, measured, conf.name, run)
    texts = {conf: conf_of(start, files)}
    if copy is not None:
        texts[copy] = _geometry(
            start.molecule, [f"{molecule.name}, as it is searched:", *reading.notes, *start.changes]
        )
    refuse_there(texts, force, "--output")
    _write(texts, conf)
    if as_json:
        said = {"changes": start.changes, "notes": reading.notes, "warnings": start.remarks}
        print_json({"ui_conf": str(conf), "files": [str(path) for path in texts]} | said)
        return EXIT_OK
    for line in [*reading.notes, *start.changes, *(f"warning: {remark}" for remark in start.remarks)]:
        click.echo(line, err=line.startswith("warning"))
    for path in texts:
        click.echo(path)
    click.echo(f"next: genarris-fw check {conf}, then genarris-fw run {conf}")
    return EXIT_OK


def _seen_from(folder: Path, path: Path) -> str:
    """A path as the ui.conf in a folder names it: relative where the file lies in that folder or below."""
    target, base = path.absolute(), folder.absolute()
    return str(target.relative_to(base)) if target.is_relative_to(base) else str(target)


def _geometry(molecule: object, lines: list[str]) -> str:
    from genarris_fw.crystal import Molecule
    from genarris_fw.crystal.formats.geometry_in import format_geometry_in

    assert isinstance(molecule, Molecule)
    return "".join(f"# {line}\n" for line in lines) + format_geometry_in(molecule.to_structure(), header=False)


def _write(texts: dict[Path, str], output: Path) -> None:
    """Write the files, and see that they are understood; else nothing is left of them.

    Raises
    ------
    OptionsError
        For what cannot be written into a ui.conf, such as odd names of files.
    """
    from genarris_fw.files import write_text
    from genarris_fw.options import OptionsError, load

    output.parent.mkdir(parents=True, exist_ok=True)
    before = {path: path.read_bytes() if path.is_file() else None for path in texts}
    for path, text in texts.items():
        write_text(path, text)
    try:
        load(output)
    except OptionsError:
        for path, content in before.items():
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content)
        raise
