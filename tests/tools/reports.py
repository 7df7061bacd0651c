"""The small run with what a report shows besides: a search, a measured crystal, names and errors with HTML in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from databases import new_database
from pymongo import MongoClient
from small_run import EXEMPLARS, IDS, RUN, add_chain, energy_fields, fill

from genarris_fw.catalogue import Catalogue
from genarris_fw.database.launchpads import database_name

HOSTILE = "<img src=x onerror=\"document.title='taken'\">&amp;'\"</script><b>"
SEARCH = "crystal_search"
MEASURED = IDS[4]


@contextmanager
def small_catalogue(server: str, folder: Path) -> Iterator[Catalogue]:
    """The small run, in a database of its own."""
    with new_database(server) as uri, MongoClient(uri) as client:
        catalogue = Catalogue(client[database_name(uri)])
        catalogue.ensure_indexes()
        fill(catalogue, folder)
        add_chain(catalogue)
        yield catalogue


def searched(catalogue: Catalogue) -> None:
    """Let the run begin with a search that found the pool `minima`, the measured crystal and hostile words in it."""
    options: list[dict[str, Any]] = catalogue.runs.get(RUN)["options"]["steps"]
    step = {"name": SEARCH, "procedure": "Crystal_Search", "occurrence": 1, "origins": {"title": HOSTILE}}
    step["options"] = {"output_pool": "minima", "energy_name": "energy", "potential": "W99", "title": HOSTILE}
    catalogue.runs.set(RUN, **{"options.steps": [step, *options], "text": f"[Genarris_master]\n# {HOSTILE}\n"})
    fields = {name: energy_fields(-311.0 + 0.02 * number) for number, name in enumerate(IDS)}
    for number, name in enumerate(IDS):
        fields[name] |= {"properties.hits": 1 + 3 * number}
    fields[MEASURED] |= {"properties.experiment_rank": 5, "properties.experiment_rmsd": 0.25}
    catalogue.structures.set_fields(RUN, SEARCH, [(name, values, 0) for name, values in fields.items()])
    catalogue.structures.replace_pool(RUN, "minima", IDS)
    catalogue.runs.step_started(RUN, SEARCH)
    said = {"words": f"rank 5 {HOSTILE}", "found": True, "structure": MEASURED, "rank": 5, "above_lowest": 7.7}
    said |= {"rank_density": 8, "molecules": 15, "of": 20, "powder": 0.987, "remarks": ["disorder: the largest part"]}
    summary = {
        **{"structures": 12, "estimate": 14.5, "estimate_low": 12.0, "estimate_high": 20.25, "draws": 4321},
        **{"minimised": 1000, "rounds": 2, "reason": "complete", "failures": {"overlapping": 77, HOSTILE: 5}},
        **{"pool": "minima", "failed": 0, "experiment": said | {"rmsd": 0.25}},
    }
    catalogue.runs.step_finished(RUN, SEARCH, summary)
    item = {"run": RUN, "step": "run_fhi_aims_batch", "key": EXEMPLARS[2]}
    catalogue.database["work_items"].update_one(item, {"$set": {"error": HOSTILE, "failure": {"host": HOSTILE}}})
