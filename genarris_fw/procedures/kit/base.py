"""The base of all procedures: what the farm carries out, with what a procedure sees of its run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from fireworks import explicit_serialize

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import RunDocument
from genarris_fw.catalogue.work_items import Item
from genarris_fw.declaring.results import in_words
from genarris_fw.descriptors.matrix_file import Matrix
from genarris_fw.farm.task import Outcome, Task
from genarris_fw.logs import Log
from genarris_fw.options.base import SharedOptions
from genarris_fw.procedures.kit.campaign import Campaign

__all__ = ["Campaign", "Distances", "Item", "Outcome", "Procedure", "explicit_serialize"]


class Distances(NamedTuple):
    """A distance matrix: its file, the structures of its rows, and the rows in blocks."""

    path: Path
    ids: list[str]
    blocks: Iterable[Matrix]


Options = TypeVar("Options", bound=SharedOptions)


class Procedure(Task[Campaign[Options]], Generic[Options]):
    """A named step of a run: it says what its work items are, does one of them, and sums up."""

    def assignment(self, catalogue: Catalogue, record: RunDocument, step: str, log: Log) -> Campaign[Options]:
        """Return the step with its options, molecule, pools and files."""
        return Campaign(catalogue, record, step, log)

    def wanted_replicas(self, campaign: Campaign[Options]) -> int:
        """Return how many replicas the user's options ask for."""
        return campaign.num_replicas

    def cores(self, campaign: Campaign[Options], ranks: int) -> int:
        """Return the cores that the options give to a replica, or those that its ranks and their threads take."""
        threads = campaign.options.omp_num_threads if campaign.given("omp_num_threads") else 1
        return max(campaign.cores, ranks * threads)

    def in_words(self, campaign: Campaign[Options], summary: dict[str, Any]) -> str:
        """Return what the procedure's options declare to be said of a summary."""
        return in_words(campaign.options.results, summary)

    def distances(self, campaign: Campaign[Options]) -> Distances | None:
        """Compute the distance matrix of this step anew from what the catalogue holds, None where it makes none.

        Called when the step is collected and the file is gone: in a folder that was restored from a backup.
        """
        return None
