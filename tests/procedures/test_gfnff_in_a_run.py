"""A crash of GFN-FF's library in a run: an item that failed, with its reason, and the others' energies."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
from engine_data import crystal
from in_process import InProcess

from genarris_fw import engines
from genarris_fw.engines.gfnff.process import Process

CONF = """\
[Genarris_master]
procedures = ["FHI_Aims_Energy_Evaluation"]
run_name = crash
max_attempts = 1
[fhi_aims_energy_evaluation]
structure_dir = raw
Z = 2
engine = gfnff
min_width = 4.5
"""


@pytest.mark.skipif(not engines.installed(["gfnff"])["gfnff"][0], reason="gfnff is not installed")
def test_a_crash_is_an_ordinary_failed_item(in_process: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(self: Process, name: str, question: dict[str, Any]) -> dict[str, Any]:
        if name == "urea_b":
            os.kill(self._process.pid, signal.SIGSEGV)
        return ask(self, name, question)

    ask = Process.ask
    monkeypatch.setattr(Process, "ask", asked)
    pool = [crystal("urea") for _ in range(3)]
    for letter, structure in zip("abc", pool, strict=True):
        structure.struct_id = f"urea_{letter}"
    in_process.write_pool(pool)
    record = in_process.run(CONF)
    assert record["state"] == "finished", record.get("failure")
    found = {d["struct_id"]: d.get("energies") or {} for d in in_process.database.structures.find()}
    assert [bool(found[name]) for name in ("urea_a", "urea_b", "urea_c")] == [True, False, True]
    [failed] = in_process.database.work_items.find({"state": "failed"})
    assert "urea_b: the process of GFN-FF died (SIGSEGV)" in failed["error"]
    assert failed["failure"]["kind"] == "crash"
