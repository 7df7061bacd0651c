"""The last firework of a run: marks it finished and merges the log."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from fireworks import FiretaskBase, FWAction, explicit_serialize

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.runs import now
from genarris_fw.farm.logs import merge


@explicit_serialize
class FinishRun(FiretaskBase):
    """Mark the run as finished."""

    required_params = ["run"]  # noqa: RUF012 - FireWorks reads it from the class

    def run_task(self, fw_spec: dict[str, Any]) -> FWAction:
        """Set the run's state, then merge the rockets' logs where the folder can be seen."""
        catalogue = Catalogue(self.launchpad.db)
        record = catalogue.runs.get(self["run"])
        failed = sum(int(summary.get("failed") or 0) for summary in record["summaries"].values())
        catalogue.runs.set(self["run"], state="finished", finished=now(), failed_items=failed)
        if Path(record["folder"]).is_dir():
            with suppress(OSError):  # a full disk: the run is finished nevertheless, its logs lie beside
                merge(Path(record["folder"]))
        return FWAction(stored_data={"run": self["run"], "failed_items": failed})
