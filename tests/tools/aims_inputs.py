"""Inputs of FHI-aims for tests. Their blocks of species are made up: FHI-aims' own belong to its users."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

from ase.data import atomic_numbers

COMMAND = shlex.join([sys.executable, str(Path(__file__).with_name("aims_stand_in.py"))])


def block(name: str) -> str:
    """A block of a species that no FHI-aims would accept."""
    return f"species {name}\n  nucleus {atomic_numbers[name]}\n# a block for tests, without a basis\n"


def control(
    species: Iterable[str] = (),
    relax: bool = False,
    crystal: bool = True,
    tolerance: float = 1e-2,
    more: str = "",
) -> str:
    """A control.in.

    Parameters
    ----------
    species : iterable of str, optional
        Those that get a block.
    relax : bool, optional
        Relax, of a crystal the cell too.
    crystal : bool, optional
        With k points.
    tolerance : float, optional
        eV/Å.
    more : str, optional
        Further lines.

    Returns
    -------
    str
    """
    lines = ["xc pbe", "relativistic atomic_zora scalar", "sc_iter_limit 500", "charge_mix_param 0.3"]
    if crystal:
        lines.append("k_grid 2 2 2")
    if relax:
        lines.append(f"relax_geometry bfgs {tolerance:g}")
        lines.append(f"relax_unit_cell {'full' if crystal else 'none'}")
    text = "\n".join(lines) + f"\n{more}".rstrip("\n") + "\n"
    return text + "".join(block(name) for name in species)


def species_folder(folder: Path, species: Iterable[str]) -> Path:
    """A folder of files such as ``06_C_default``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in species:
        (folder / f"{atomic_numbers[name]:02d}_{name}_default").write_text(block(name))
    return folder
