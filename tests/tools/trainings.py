"""Small trainings of force-free networks, as a user runs them: ui.conf, its run, and the documents that come of it."""

from __future__ import annotations

from typing import Any

from genarris_fw.catalogue import Catalogue

# Three fields, networks of a few units: an iteration takes a millisecond or two.
CONF = """\
[Genarris_master]
procedures = ["Low_Lou_Field", "Low_Lou_Field", "Low_Lou_Field", "PINN_Train"{more}]
run_name = {run}
seed = 3
lease_seconds = {lease}

[low_lou_field]
shape = [8, 8, 8]
field = first
field_2 = second
m_2 = 2
field_3 = third
n_3 = 3
phi_3 = 2.513

[pinn_train]
seeds = {seeds}
hidden_layers = 2
units = 8
interior_points = 200
max_iterations = {iterations}
tolerance = 0
checkpoint_seconds = {checkpoint}
"""
# What differs between two runs that did the same.
_BY_RUN = ("cpu_seconds", "file")


def documents(catalogue: Catalogue, run: str, *steps: str) -> dict[str, Any]:
    """Return what the items of steps gave, by step and key, without what no two runs have in common."""
    return {
        f"{step} {record['key']}": _same(record["outcome"])
        for step in steps
        for record in catalogue.work_items.outcomes(run, step)
    }


def _same(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _same(one) for name, one in value.items() if name not in _BY_RUN}
    return value
