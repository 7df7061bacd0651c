"""Engines by name."""

from __future__ import annotations

import subprocess
import sys

import pytest

from genarris_fw import engines
from genarris_fw.errors import EngineError, InputError


def test_an_unknown_engine_names_the_known_and_the_installed():
    with pytest.raises(InputError, match=r"did you mean 'tblite'.*known: tblite, ase, aims; installed: .*ase"):
        engines.get("tblight")


def test_installed_says_what_and_why():
    found = engines.installed()
    assert {"tblite", "ase", "aims"} <= set(found)
    assert found["ase"][0] is True
    available, remark = found["aims"]
    assert not available and "not available in this version" in remark


def test_fhi_aims_is_refused_whatever_its_settings():
    for settings in ({}, {"aims_lib_dir": "/somewhere", "control_path": "control.in"}):
        with pytest.raises(EngineError, match="not available in this version") as caught:
            engines.get("aims", **settings)
        assert (caught.value.kind, caught.value.permanent) == ("missing", True)


def test_the_room_needs_neither_database_nor_fireworks():
    """Science rooms work from a notebook; naming engines loads none of them."""
    program = (
        "import sys, genarris_fw.engines, genarris_fw.engines.relaxation, genarris_fw.engines.aims;"
        "bad = {'pymongo', 'fireworks', 'tblite'} & set(sys.modules); sys.exit(', '.join(sorted(bad)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
