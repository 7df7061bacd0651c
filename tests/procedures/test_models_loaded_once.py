"""A model is loaded once per replica, whatever the number of structures."""

from __future__ import annotations

import pytest
from in_process import waters

from genarris_fw.engines import Context, get

CONF = """\
[Genarris_master]
procedures = ["FHI_Aims_Energy_Evaluation"]
run_name = loads
engine = ase
calculator = counted:counted
calculator_settings = {{"loads": "{loads}"}}

[fhi_aims_energy_evaluation]
structure_dir = raw
Z = 2
num_replicas = 1
"""


def test_a_model_is_loaded_once_per_replica(in_process, tmp_path):
    loads = tmp_path / "loads"
    in_process.write_pool(waters(6))
    record = in_process.run(CONF.format(loads=loads))
    assert record["state"] == "finished", record
    found = list(in_process.database.structures.find({"run": "loads", "energies.energy": {"$exists": True}}))
    assert len(found) == 6
    assert len(loads.read_text().split()) == 1
    # The energies are those of the engine alone.
    engine = get("ase", calculator="counted:counted", calculator_settings={"loads": str(loads)})
    [first] = waters(1)
    [stored] = [s for s in found if s["struct_id"] == first.struct_id]
    assert stored["energies"]["energy"]["value"] == pytest.approx(engine.evaluate(first, context=Context()).energy)
