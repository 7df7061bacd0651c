"""What `genarris-fw check` shows, on narrow and wide terminals."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from genarris_fw.views.checking import render

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
