import pytest

from genarris_fw.options.resolving import engine_choice


@pytest.fixture(autouse=True)
def engines(monkeypatch):
    """Two engines that work and one that does not, whatever this machine has."""
    known = {"tblite": (True, "0.8.0"), "ase": (True, ""), "aims": (False, "it cannot be launched in this version")}
    monkeypatch.setattr(engine_choice, "installed_engines", lambda names=None: known)
    return known
