"""The text of the ui.conf that ``genarris-fw new`` writes."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genarris_fw.showing import shown

if TYPE_CHECKING:
    from genarris_fw.options.starting import Start

WIDTH = 110
LOWEST = 20  # crystals that further steps look at
SEED = 0  # that of predict, so that both draw the same crystals


@dataclass(frozen=True)
class Files:
    """The files of a new run.

    Attributes
    ----------
    given : Path
        The molecule as it was given.
    molecule, experiment : str, str or None
        As the ui.conf names them.
    name : str
        Of the ui.conf.
    run : str
        What the run is called.
    """

    given: Path
    molecule: str
    experiment: str | None
    name: str
    run: str


def conf_of(start: Start, files: Files) -> str:
    """Return the text of a ui.conf: every option that matters, with what it means and what else it may be."""
    parts = [_head(start, files), _master(start, files), _measured(files), _charges(start, files)]
    parts += [_search(start, files)]
    parts += [_second(start), _ranking(start)]
    return "\n".join(line for part in parts for line in [*part, ""])


def _procedures(start: Start) -> list[str]:
    names = ["Molecular_Electrostatics", "Crystal_Search"]
    if start.second is not None:
        names.append("Lattice_Energy_Minimisation")
    if start.engine is not None:
        names.append("FHI_Aims_Energy_Evaluation")
    return names


def _head(start: Start, files: Files) -> list[str]:
    formula = start.molecule.formula
    return [
        *_comment(f"How does {formula} pack? Written by genarris-fw new for {shown(files.given.name)}."),
        f"#     genarris-fw check {files.name}      what it would do, and whether all that it needs is here",
        f"#     genarris-fw run {files.name}        carry it out; again: continue",
        *_comment(
            "What it does, and what may be believed of it: docs/prediction.md. All options: genarris-fw options, or "
            "docs/options.md. An option that is not here has its default."
        ),
        *[line for remark in start.changes for line in _comment(f"Done to the molecule: {remark}.")],
        *[line for remark in start.remarks for line in _comment(f"WARNING: {remark}.")],
    ]


def _master(start: Start, files: Files) -> list[str]:
    listed = ", ".join(f'"{name}"' for name in _procedures(start))
    return [
        "[Genarris_master]",
        "# The steps, one after the other; each has its section below.",
        f"procedures = [{listed}]",
        f"run_name = {files.run}",
        "# The same seed gives the same crystals, on any number of workers; another one another sample.",
        f"seed = {SEED}",
    ]


def _measured(files: Files) -> list[str]:
    section = ["[experimental_structure]", f"path = {files.experiment or 'measured.cif'}"]
    return [
        *_comment(
            "The crystal as it was measured (CIF, ...): looked for in the pool of every step, and minimised by the "
            "models of energies, so that its rank, energy and RMSD_15 are said."
        ),
        *(section if files.experiment else [f"# {line}" for line in section]),
    ]


def _charges(start: Start, files: Files) -> list[str]:
    return [
        *_comment("The molecule's charges, fitted to its electrostatic potential."),
        "[molecular_electrostatics]",
        *_comment("One molecule, with all its hydrogens. Its form is kept in every crystal."),
        f"molecule_path = {files.molecule}",
        *_comment(
            "The wave function, theory/basis by pyscf: HF/6-31G** (what the potential is used with; 6-311G** has Br "
            "and I), B3LYP/6-311G**, ...; or GFN2, by tblite, which is faster and several times worse."
        ),
        f"method = {start.method}",
        *_comment("Charges beside N, O and S, too, for lone pairs: True or False."),
        "satellites = True",
        *_comment("0: charges. 1 to 4: multipoles at the atoms up to this rank, which cost ten times as much."),
        "rank = 0",
    ]


def _search(start: Start, files: Files) -> list[str]:
    numbers = start.Z[0] if len(start.Z) == 1 else start.Z
    whose = "the experiment's" if files.experiment else "1, 8 and more are possible, each costs as much again"
    return [
        *_comment(
            "Crystals are drawn in the space groups that so many molecules fit into, minimised, and compared, in "
            "rounds, until by the estimate next to none within the window is missing."
        ),
        "[crystal_search]",
        *_comment(f"Molecules in the conventional cell: one number, or several as [2, 4] ({whose})."),
        f"Z = {numbers}",
        *_comment("all, csd (the 20 commonest), chiral, racemic, or numbers as [14, 2, 19]."),
        f"space_groups = {start.extent.space_groups}",
        *_comment("kJ/mol per molecule above the lowest: what is kept and counted. The model errs by several."),
        f"window = {start.extent.window:g}",
        *_comment(
            "When it ends: complete (by the estimate), draws (with draws = 100000), structures (num_structures = 200)."
        ),
        "stop = complete",
        *_comment(
            "It ends anyhow after so many steps of minimisations: the budget, 1e5 are a minute for a small molecule."
        ),
        f"max_work = {start.extent.work:.0f}",
        *_comment("The atom-atom potential: W99star, FIT, ... (docs/potentials.md), or a json file of your own."),
        f"potential = {start.potential}",
        *_comment("The folder of the minima, and the name of their pool; both: json and geometry.in; cif is possible."),
        "output_dir = minima",
        "output_format = both",
    ]


def _second(start: Start) -> list[str]:
    if start.second is None:
        return _comment("No second opinion: of W99star, FIT and DREIDING no other one has all atoms of this molecule.")
    return [
        *_comment(
            "A second opinion: the lowest again, by another potential. What the two disagree about is the error bar."
        ),
        "[lattice_energy_minimisation]",
        "structure_dir = minima",
        *_comment("So many of the lowest minima."),
        f"lowest = {LOWEST}",
        *_comment("Another potential than the one above: FIT, W99rev6311, DREIDING (all elements), ..."),
        f"potential = {start.second}",
        "# The name of its energies on the structures; those of the search are called energy.",
        f"energy_name = energy_{start.second}",
        "output_dir = second_opinion",
        "output_format = both",
    ]


def _ranking(start: Start) -> list[str]:
    pool = "minima" if start.second is None else "second_opinion"
    if start.engine is None:
        return _comment(
            "To rank these again by a method that knows more than atom-atom potentials, install sevennet (pip install "
            "'genarris_fw[ml]') or gfnff (pip install 'genarris_fw[gfnff]'), add \"FHI_Aims_Energy_Evaluation\" to the "
            f"procedures, and a section [fhi_aims_energy_evaluation] with structure_dir = {pool}, engine, energy_name."
        )
    return [
        *_comment(
            "The same crystals ranked again, as they are, by another kind of method. To relax them: the procedure "
            "Run_FHI_Aims_Batch, with the same options. None is safe below some 3 kJ/mol (docs/engines.md)."
        ),
        "[fhi_aims_energy_evaluation]",
        f"structure_dir = {pool}",
        *_comment("sevennet, gfnff, so3lr, tblite, lapw, or FHI-aims (aims, with aims_command and control_path)."),
        f"engine = {start.engine}",
        f"energy_name = energy_{start.engine}",
        "output_dir = ranked_again",
        "output_format = both",
    ]


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)]
