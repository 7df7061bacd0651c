"""Write a pool, or a part of it, into files."""

from __future__ import annotations

from pathlib import Path

from genarris_fw.catalogue import Catalogue
from genarris_fw.errors import InputError
from genarris_fw.pools.exporting import export_pool


def write_pool(
    catalogue: Catalogue, run: str, pool: str, ids: list[str], folder: Path, format: str, overwrite: bool
) -> list[Path]:
    """Write the structures of a pool, or those of some ids; see `genarris_fw.Pool.write`."""

    def refuse_there(files: list[Path]) -> None:
        there = [file for file in files if file.exists()]
        if there and not overwrite:
            raise InputError(f"{there[0]} is there already, and nothing was written: another folder, or overwrite=True")

    if not ids:
        raise InputError(
            f"no structure of pool '{pool}' of run '{run}' to write: the pool, or the part of it, is empty"
        )
    return export_pool(catalogue, run, pool, folder, [format], refuse_there, ids=ids)
