"""A run as an archive that others can read: one zip, an RO-Crate."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from genarris_fw.catalogue import Catalogue
from genarris_fw.energetics.comparable import energy_names
from genarris_fw.errors import InputError
from genarris_fw.files import whole_file
from genarris_fw.owner import user_name
from genarris_fw.telling import Told, untold
from genarris_fw.views.archive.contents import write_contents
from genarris_fw.views.archive.crate import About, make_crate
from genarris_fw.views.archive.secrets import cleaner
from genarris_fw.views.costs import costs

MISSING = "an archive needs rocrate, which is not installed: pip install 'genarris_fw[archive]'"


def write_archive(
    catalogue: Catalogue,
    run: str,
    target: Path,
    pools: Sequence[str] = (),
    author: str = "",
    license: str = "",
    uri: str = "",
    told: Told = untold,
) -> int:
    """Write the archive of a run.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    run : str
    target : Path
        The zip; it appears completely or not at all.
    pools : sequence of str, optional
        Whose structures; by default those of all pools.
    author : str, optional
        By default the user of this process.
    license : str, optional
        An identifier of SPDX, such as ``CC-BY-4.0``, or an address.
    uri : str, optional
        Of the database: no secret of it gets into the archive.
    told : callable, optional
        Told how far it is.

    Returns
    -------
    int
        How many files it has.

    Raises
    ------
    InputError
        For an unknown run or pool, where rocrate is not installed, and where the file cannot be written.
    """
    if find_spec("rocrate") is None:
        raise InputError(MISSING)
    record = catalogue.runs.get(run)
    names = energy_names(record.get("options", {}).get("steps", []))
    known = catalogue.structures.pools(run)
    sources = {
        name: sorted({source for pool in known for source in catalogue.structures.energy_sources(run, pool, name)})
        for name in names
    }
    users = [str(one["user"]) for one in costs(catalogue, run)["users"] if one["user"]]
    clean = cleaner(record, uri)
    about = About(author or user_name(), license, users, sources, clean)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            contents = write_contents(catalogue, record, pools, folder, clean, told)
            crate = make_crate(record, contents, folder, about)
            told("packing", 0, 0)
            with whole_file(target) as partial:
                crate.write_zip(partial)
    except OSError as error:
        raise InputError(f"{error.filename or target}: cannot be written ({error.strerror})") from error
    return len(contents.parts) + 1
