"""What `genarris-fw check` shows, on narrow and wide terminals."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from genarris_fw.trials.check import render

FOUND = {
    "file": "/somewhere/urea/ui.conf",
    "options": [
        {"section": "Genarris_master", "option": "seed", "value": 42, "origin": "ui.conf line 8"},
        {
            "section": "affinity_propagation_fixed_clusters_2",
            "option": "exemplars_output_dir",
            "value": "/somewhere/urea/exemplars_2",
            "origin": "inferred from [affinity_propagation_fixed_clusters] exemplars_output_dir (line 77)",
        },
        {
            "section": "run_fhi_aims_batch",
            "option": "engine_settings",
            "value": {"method": "GFN1-xTB", "fmax": 0.05},
            "origin": "resolved",
        },
    ],
    "notices": [],
    "molecule": None,
    "volume": None,
    "space_groups": [],
    "engines": [],
    "database": {"where": "the embedded server", "remark": "answers"},
}


@pytest.mark.parametrize("width", [80, 140])
def test_an_option_a_line_with_its_value_and_origin(width: int) -> None:
    stream = io.StringIO()
    Console(file=stream, width=width).print(render(FOUND))
    lines = [line.split() for line in stream.getvalue().splitlines()]
    assert ["[affinity_propagation_fixed_clusters_2]"] in lines
    assert ["seed", "42", "line", "8"] in lines
    assert ["engine_settings", "method", "=", "GFN1-xTB", "resolved"] in lines and ["fmax", "=", "0.05"] in lines
    assert any(line[:3] == ["exemplars_output_dir", "exemplars_2", "from"] for line in lines)
    assert max(map(len, stream.getvalue().splitlines())) <= width


TRIAL = {
    "engine": "tblite",
    "version": "tblite 0.8.0",
    "steps": ["fhi_aims_energy_evaluation"],
    "cores": 4,
    "points": [{"about": "crystal of 16 atoms, 142 Å³, space group 4", "seconds": 0.31}],
    "kind": "",
    "error": "",
    "not_tried": "",
}
ESTIMATED = {
    "step": "fhi_aims_energy_evaluation",
    "structures": 2000,
    "bound": "at most",
    "relaxes": "",
    "seconds_each": 0.31,
    "replicas": 16,
    "seconds": 38.75,
}


@pytest.mark.parametrize("width", [80, 140])
def test_the_trial_of_the_engines_and_the_estimate(width: int) -> None:
    estimate = {"steps": [ESTIMATED], "seconds": 38.75, "assumptions": ["every structure takes as long"]}
    stream = io.StringIO()
    found = FOUND | {"engine_test": {"trials": [TRIAL], "estimate": estimate}}
    Console(file=stream, width=width).print(render(found))
    words = " ".join(stream.getvalue().split())
    assert "engine trial tblite 0.8.0; crystal of 16 atoms, 142 Å³, space group 4: 0.3 s on 4 cores" in words
    assert "fhi_aims_energy_evaluation: at most 2000 structures x 0.3 s / 16 replicas = 39 s" in words
    assert "engines in all about 39 s, without generation and clustering (assumed: every structure" in words
    assert max(map(len, stream.getvalue().splitlines())) <= width
