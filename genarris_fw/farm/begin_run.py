"""The first firework of a run: creates the run's document from what the workflow carries."""

from __future__ import annotations

import platform
from typing import Any

from fireworks import FiretaskBase, FWAction

from genarris_fw.catalogue import Catalogue
from genarris_fw.catalogue.schema import check_schema
from genarris_fw.errors import RunFailed
from genarris_fw.farm.fireworks import documents
from genarris_fw.version import __version__


class BeginRun(FiretaskBase):
    """Create the run's document; the same firework may do so again after a kill.

    Its parameter ``run`` names the run; ``record`` holds everything the run needs: resolved options, the text of
    ``ui.conf``, the folder, the seed, the molecules and the control files.
    """

    _fw_name = "{{genarris_fw.procedures.begin_run.BeginRun}}"  # the name in every database
    required_params = ["run", "record"]  # noqa: RUF012 - FireWorks reads it from the class

    def run_task(self, fw_spec: dict[str, Any]) -> FWAction:
        """Create the document and the indexes."""
        catalogue = Catalogue(self.launchpad.db)
        if not documents.is_there(self.launchpad.db, int(self.fw_id)):
            raise RunFailed(f"run '{self['run']}' was deleted while its first firework was starting")
        check_schema(self.launchpad.db)
        catalogue.ensure_indexes()
        self._take_over(catalogue)
        versions = {"genarris_fw": __version__, "python": platform.python_version()}
        catalogue.runs.create(self["run"], dict(self["record"]) | {"versions": versions}, begun_by=int(self.fw_id))
        return FWAction(stored_data={"run": self["run"]})

    def _take_over(self, catalogue: Catalogue) -> None:
        """Go on with a run of the same options whose workflow was deleted or archived: this one is in its place."""
        run, me = self["run"], int(self.fw_id)
        record = catalogue.runs.find(run)
        if record is None or any(record.get(name) != self["record"].get(name) for name in ("options_hash", "folder")):
            return
        former = record["begun_by"]
        if former != me and not documents.can_begin(self.launchpad.db, run, former):
            catalogue.runs.taken_over(run, former, me)
