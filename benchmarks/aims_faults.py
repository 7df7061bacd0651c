"""Let the farm meet every misbehaviour of FHI-aims' stand-in: the class recorded, the attempts, what is stored.

python benchmarks/aims_faults.py                               # two to four minutes
python benchmarks/aims_faults.py --only crash,hang --json faults.json

Each misbehaviour gets a run of its own with one crystal, twice at most, as items of FHI_Aims_Energy_Evaluation
or Run_FHI_Aims_Batch. FHI-aims itself is not run.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
import time
from contextlib import redirect_stderr
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

# Read by the numerical libraries when they are loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "tools"))

from aims_inputs import COMMAND, control
from aims_misbehaviours import CASES, SETTINGS, Case, environment, starts
from engine_data import crystal
from farm_table import machine
from in_process import InProcess

from genarris_fw.database.launchpads import with_database
from genarris_fw.database.server import Server

ATTEMPTS = 2
CONF = """\
[Genarris_master]
procedures = ["{procedure}"]
run_name = faults
engine = aims
max_attempts = {attempts}
retry_delay = 0
aims_command = {command}
{settings}

[{section}]
structure_dir = raw
control_path = control.in
Z = 2
aims_output_dir = aims
output_dir = results
"""
HEADER = "| misbehaviour | class recorded | item | failed attempts | starts | energy stored | s | |"


@dataclass
class Row:
    """What came of one misbehaviour.

    Attributes
    ----------
    misbehaviour : str
        With the settings that matter.
    kind : str or None
        The class of failure on the work item; of one that is done that of its last failed attempt.
    state : str
        Of the work item.
    failed_attempts : int
        At the work item.
    starts : int
        Of the program.
    stored : bool
        Whether the catalogue holds an energy.
    error : str
        As recorded.
    seconds : float
        Wall time of the run.
    met : bool
        The class is the expected one, and an energy is stored exactly where there is none.
    """

    misbehaviour: str
    kind: str | None
    state: str
    failed_attempts: int
    starts: int
    stored: bool
    error: str
    seconds: float
    met: bool

    def __str__(self) -> str:
        words = (self.misbehaviour, self.kind or "", self.state, self.failed_attempts, self.starts)
        told = "yes" if self.stored else "no"
        return f"| {' | '.join(map(str, words))} | {told} | {self.seconds:.1f} | {'met' if self.met else 'NOT MET'} |"


def meet(case: Case, uri: str, folder: Path) -> Row:
    """Carry out a run that meets a misbehaviour."""
    farm = InProcess(uri, folder)
    structure = crystal("urea")
    farm.write_pool([structure])
    (folder / "control.in").write_text(control(dict.fromkeys(structure.species), case.relax, tolerance=0.05))
    procedure = "Run_FHI_Aims_Batch" if case.relax else "FHI_Aims_Energy_Evaluation"
    settings = "\n".join(f"{key} = {value}" for key, value in (SETTINGS | case.settings).items())
    text = CONF.format(
        procedure=procedure, section=procedure.lower(), attempts=ATTEMPTS, command=COMMAND, settings=settings
    )
    how = case.environment | {"AIMS_STAND_IN_ONCE": str(folder / "starts"), "AIMS_STAND_IN_WIDTH": "4.0"}
    began = time.perf_counter()
    # FireWorks prints what it catches.
    with environment(**how), Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        farm.run(text)
    seconds = time.perf_counter() - began
    item: dict[str, Any] = farm.database.work_items.find_one() or {}
    stored = farm.database.structures.count_documents({"energies.energy": {"$exists": True}}) > 0
    farm.close()
    kind = (item.get("failure") or {}).get("kind")
    done = item.get("state") == "done"
    met = stored is done is (case.kind is None) and (done or kind == case.kind)
    return Row(
        case.name,
        kind,
        str(item.get("state")),
        int(item.get("attempts", 0)),
        starts(folder / "starts"),
        stored,
        "" if done else str(item.get("error", "")),
        seconds,
        met,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="misbehaviours, with commas")
    parser.add_argument("--json", type=Path, help="also write the table into this file")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    wanted = set(filter(None, given.only.split(",")))
    if unknown := wanted - {case.mood for case in CASES}:
        parser.error(f"no misbehaviour {', '.join(sorted(unknown))}")
    rows: list[Row] = []
    print(f"{machine()}\n\n{HEADER}\n|---|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as name, Server(Path(name), cache_gb=0.25).use() as uri:
        for number, case in enumerate(CASES):
            if not wanted or case.mood in wanted:
                rows.append(meet(case, with_database(uri, f"faults_{number}"), Path(name) / str(number)))
                print(rows[-1], flush=True)
    if given.json:
        record = {"machine": machine(), "rows": [asdict(row) for row in rows]}
        given.json.write_text(json.dumps(record, indent=1) + "\n")
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
