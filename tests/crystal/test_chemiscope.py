"""Chemiscope's own viewer opens what is exported for it."""

import json
from pathlib import Path

import numpy as np
import pytest
from browser import visit

from genarris_fw.crystal import Structure, write
from genarris_fw.errors import InputError
from genarris_fw.web.pages import chemiscope_script

PAGE = """<!doctype html><meta charset="utf-8">
<div style="width: 1100px; height: 800px">
<div id="meta"></div><div id="map" style="height: 600px"></div><div id="info"></div>
<div id="structure" style="height: 600px"></div></div>
<script src="{script}"></script><script>const dataset = {dataset};</script>"""
# A dataset that chemiscope does not take is refused with words, as the second one here is.
LOAD = """
return await page.evaluate(async () => {
  const config = { meta: "meta", map: "map", info: "info", structure: "structure" };
  const shown = await Chemiscope.DefaultVisualizer.load(config, dataset);
  const { x, y } = shown.saveSettings().map;
  dataset.properties.energy.values[1] = null;
  try { await Chemiscope.DefaultVisualizer.load(config, dataset); }
  catch (error) { return [[x.property, y.property], String(error)]; }
});
"""


def pool() -> list[Structure]:
    cell = np.diag([5.0, 5.0, 6.0])
    places = [[0, 0, 0], [0, 0, 1.16], [0, 0, -1.16]]
    found = [
        Structure(cell * k, ["C", "O", "O"], places, {"energy": -10.0 * k, "note": 'a "b" <i>'}, f"s_{k}")
        for k in (1, 2, 3)
    ]
    return [*found, Structure(None, ["C", "O", "O"], places, {"energy": -1.0, "spg": 2}, "molecule")]


def test_the_viewer_opens_it(tmp_path: Path) -> None:
    script = chemiscope_script()
    assert script is not None
    [file] = write(pool(), tmp_path / "pool.chemiscope.json", "chemiscope")
    dataset = file.read_text().replace("<", "\\u003c")
    (tmp_path / "page.html").write_text(PAGE.format(script=script.as_uri(), dataset=dataset), encoding="utf-8")
    shown, refused = visit((tmp_path / "page.html").as_uri(), LOAD).result
    assert shown == ["n_atoms", "energy"] and "'properties['energy'].values' should be of a single type" in refused


def test_what_chemiscope_knows_of_a_pool(tmp_path: Path) -> None:
    [file] = write(pool(), tmp_path / "pool.chemiscope.json", "chemiscope")
    data = json.loads(file.read_text())
    assert data["properties"]["struct_id"]["values"] == ["s_1", "s_2", "s_3", "molecule"]
    assert data["properties"]["note"]["values"][3] == ""
    # What not all have is left out: chemiscope knows no missing values.
    assert "spg" not in data["properties"] and "density" not in data["properties"]
    assert data["properties"]["energy"] == {
        "target": "structure",
        "values": [-10.0, -20.0, -30.0, -1.0],
        "units": "eV per cell",
        "description": "energy by the engine; of a molecule its own",
    }
    assert "cell" in data["structures"][0] and "cell" not in data["structures"][3]


def test_nothing_is_nothing_to_look_at(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="chemiscope shows at least one structure"):
        write([], tmp_path / "pool.chemiscope.json", "chemiscope")
    assert not list(tmp_path.iterdir())
