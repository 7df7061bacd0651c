"""The last firework of a run: marks it finished, sees to what overtaken rockets have left, and merges the log."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from fireworks import FiretaskBase, FWAction

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.documents import RunDocument
from genarris_fw.catalogue.leases import lease_id
from genarris_fw.declaring.door import PROCEDURES
from genarris_fw.errors import InputError
from genarris_fw.farm.notifying import notify, target_of
from genarris_fw.logs import Log, merge
from genarris_fw.prepared import settle_prepared


class FinishRun(FiretaskBase):
    """Mark the run as finished."""

    _fw_name = "{{genarris_fw.procedures.finish_run.FinishRun}}"  # the name in every database
    required_params = ["run"]  # noqa: RUF012 - FireWorks reads it from the class

    def run_task(self, fw_spec: dict[str, Any]) -> FWAction:
        """Set the run's state under a lease, tidy up, then merge the rockets' logs where the folder can be seen."""
        from genarris_fw.farm.carry_out import hold

        run = self["run"]
        catalogue = Catalogue(self.launchpad.db)
        record = catalogue.runs.get(run)
        seconds = float(record["options"]["master"]["lease_seconds"])
        told = bool(target_of(record))  # which may take longer than a lease lasts by itself
        with hold(self.launchpad, int(self.fw_id), run, "finish", "finish", seconds, heartbeat=told) as holding:
            if holding is None:
                return FWAction(stored_data={"remark": "already finished"})
            failed = sum(int(summary.get("failed") or 0) for summary in record["summaries"].values())
            tidy(catalogue, record)
            catalogue.runs.finished(run, failed, "finish finish", holding.token)
            notify(catalogue, run, Log(Path(record["folder"]), run=run, step="finish", role="finish", fw=self.fw_id))
        if Path(record["folder"]).is_dir():
            with suppress(OSError):  # a full disk: the run is finished nevertheless, its logs lie beside
                merge(Path(record["folder"]))
        return FWAction(stored_data={"run": run, "failed_items": failed})


def tidy(catalogue: Catalogue, record: RunDocument) -> None:
    """Remove what rockets prepared after they were overtaken; put in place what others could not see.

    Parameters
    ----------
    catalogue : Catalogue
        The database.
    record : RunDocument
        The run's document; all its steps are collected.
    """
    run, steps = record["name"], record["options"]["steps"]
    catalogue.work_items.forget_planned(run)
    catalogue.structures.set_aside(run)
    catalogue.publications.forget(run)
    published = {}
    for guard, token in (record.get("published") or {}).items():
        step, _, role = guard.rpartition(" ")
        published[lease_id(run, step, role, 0)] = token
    outputs = {Path(str(value)).parent for step in steps for value in step["options"].values() if _is_path(value)}
    folders = sorted(outputs | {Path(record["folder"])})
    with suppress(OSError):  # a disk that is away or full: what is left lies under names that nobody reads
        settle_prepared(folders, published)
    for step in steps:
        with suppress(InputError):  # its package is not installed here
            PROCEDURES.load(step["procedure"]).tidy(catalogue, run, step["name"], folders)


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and Path(value).is_absolute()
