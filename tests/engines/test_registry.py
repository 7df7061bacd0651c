"""Engines by name."""

from __future__ import annotations

import subprocess
import sys

import pytest

from genarris_fw import engines
from genarris_fw.errors import EngineError, InputError


def test_an_unknown_engine_names_the_known_and_the_installed():
    with pytest.raises(
        InputError,
        match=r"did you mean 'tblite'.*known: aims, ase, gfnff, lapw, lattice, sevennet, so3lr, tblite.*installed: .*"
        "ase",
    ):
        engines.get("tblight")


def test_installed_says_what_and_why():
    found = engines.installed()
    assert {"tblite", "ase", "aims", "lapw", "lattice"} <= set(found)
    assert found["ase"][0] is True
    available, remark = found["aims"]
    assert available and "the user's own: give aims_command" in remark and "installed" not in remark


def test_fhi_aims_needs_a_command_or_a_library():
    with pytest.raises(EngineError, match="neither aims_command nor aims_lib_dir is given") as caught:
        engines.get("aims", control="xc pbe")
    assert (caught.value.kind, caught.value.permanent) == ("missing", True)


def test_engines_are_loaded_when_a_ui_conf_is_read_and_not_before():
    """Help and status are there at once."""
    program = (
        "import sys, genarris_fw.options.registered, genarris_fw.options.engine_settings, genarris_fw.cli.main, "
        "genarris_fw.cli.status, genarris_fw.views.status;"
        "sys.exit(', '.join(name for name in sys.modules if name.startswith('genarris_fw.engines')) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_room_needs_neither_database_nor_fireworks():
    """Science rooms work from a notebook; naming engines loads none of them."""
    program = (
        "import sys, genarris_fw.engines, genarris_fw.engines.relaxing.relaxation, genarris_fw.engines.aims;"
        "bad = {'pymongo', 'fireworks', 'tblite'} & set(sys.modules); sys.exit(', '.join(sorted(bad)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
