"""The user's species defaults: files such as ``06_C_default``, each with the block of one species."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ase.data import atomic_numbers

from genarris_fw.engines.aims.control import Control, digest
from genarris_fw.errors import EngineError

VARIABLE = "AIMS_SPECIES_DIR"


def with_missing_species(control: Control, species: Iterable[str], species_dir: str | None) -> Control:
    """Return a control.in with the blocks of all species.

    Parameters
    ----------
    control : Control
        The user's.
    species : iterable of str
        Those of the structure.
    species_dir : str or None
        The folder of the defaults. None: ``AIMS_SPECIES_DIR``, where control.in brings no block at all; a control.in
        that brings some is not completed from whatever the environment names.

    Returns
    -------
    Control

    Raises
    ------
    EngineError
        Kind ``input``, permanent: which block is missing, where it was looked for, and what to do.
    """
    missing = sorted(set(species) - set(control.species), key=lambda name: atomic_numbers[name])
    if not missing:
        return control
    folder = folder_of(control, species_dir)
    if folder is None:
        how = f"control.in has no block 'species {missing[0]}'"
        if control.species:
            raise _refused(f"{how} (it has {', '.join(control.species)}); add it, or set species_dir")
        raise _refused(f"{how}; add it, or set species_dir (or {VARIABLE}) to a folder of FHI-aims' species_defaults")
    return control.with_species(_block(folder, name) for name in missing)


def folder_of(control: Control, species_dir: str | None) -> Path | None:
    """Return the folder that blocks which control.in lacks are taken from, or None."""
    if species_dir:
        return Path(species_dir)
    found = os.environ.get(VARIABLE)
    return Path(found) if found and not control.species else None


def digest_of(control: Control, species_dir: str | None) -> str | None:
    """Return a digest of the defaults that control.in may be completed with, or None where there are none."""
    folder = folder_of(control, species_dir)
    if folder is None:
        return None
    blocks = [Control(path.read_text(errors="replace")).canonical for path in sorted(folder.glob("*_*_default"))]
    return digest("\n".join(blocks)) if blocks else None


def _block(folder: Path, name: str) -> str:
    path = folder / f"{atomic_numbers[name]:02d}_{name}_default"
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise _refused(_why_not(folder, path, error)) from None
    if name not in Control(text).species:
        raise _refused(f"{path}: there is no block 'species {name}' in it")
    return text


def _why_not(folder: Path, path: Path, error: OSError) -> str:
    if not folder.is_dir():
        return f"species_dir {folder}: there is no such folder here; name a folder of FHI-aims' species_defaults"
    tiers = sorted(place.name for place in folder.iterdir() if place.is_dir() and any(place.glob("*_*_default")))
    if tiers and not any(folder.glob("*_*_default")):
        return f"species_dir {folder} holds the tiers {', '.join(tiers)}; name one: species_dir = {folder / tiers[0]}"
    return f"{path}: the species defaults cannot be read ({error.strerror}); add the block to control.in"


def _refused(why: str) -> EngineError:
    return EngineError(why, kind="input", permanent=True)
