"""The measured crystal of a run: what it is, and what its comparison with a pool gave."""

from __future__ import annotations

from typing import Any

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.measured import COMPARED
from genarris_fw.crystal import Structure


def measured_crystal(catalogue: Catalogue, run: str) -> Structure | None:
    """Return the measured crystal that a run looks for, None where it has none.

    It is that of the section [experimental_structure], else that of the first procedure whose own option `experiment`
    names one.

    Raises
    ------
    InputError
        When there is no such run.
    """
    options = catalogue.runs.get(run).get("options") or {}
    of_steps = (step["options"].get("experiment_content") for step in options.get("steps", []))
    content = options.get("experiment") or next(filter(None, of_steps), None)
    return None if content is None else Structure.from_dict(content)


def experiment_of_pool(catalogue: Catalogue, run: str, pool: str) -> dict[str, Any] | None:
    """Return what the step that made a pool says of the measured crystal in it.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    run, pool : str
        A run and one of its pools.

    Returns
    -------
    dict or None
        As `experiment` of a step's summary (docs/catalogue.md): ``words``, ``found`` and, where it was found,
        ``structure`` (struct_id), ``rank``, ``above_lowest``, ``rmsd``, ... None where nothing was looked for.

    Raises
    ------
    InputError
        When there is no such run.
    """
    record = catalogue.runs.get(run)
    summaries = record.get("summaries", {})
    for step in reversed((record.get("options") or {}).get("steps", [])):
        for option, field in COMPARED.items():
            said = (summaries.get(step["name"]) or {}).get(field)
            if said and step["options"].get(option) == pool:
                return dict(said)
    return None
