"""Try an installed genarris_fw where nothing but its wheel is: ``python try_installed.py``, outside of the clone.

The command answers, every kernel that the clone has the source of is imported, and a crystal is generated.
"""

import importlib
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

CLONE = Path(__file__).resolve().parents[2]
UREA = CLONE / "examples" / "urea" / "urea.in"


def main() -> None:
    """Try one thing after the other; the first that fails is an exception."""
    import genarris_fw
    from genarris_fw.crystal import read_molecule
    from genarris_fw.generation import check_contacts, generate

    place = Path(genarris_fw.__file__).resolve().parent
    assert place.parent == Path(sysconfig.get_path("platlib")).resolve(), f"{place} is not this environment's"

    command = Path(sysconfig.get_path("scripts")) / "genarris-fw"
    said = subprocess.run([command, "--help"], capture_output=True, text=True, check=True).stdout
    assert "Usage: genarris-fw" in said, said

    kernels = sorted(source.stem for source in (CLONE / "cython_core").glob("*.pyx"))
    assert kernels, "no sources of kernels beside this file"
    for kernel in kernels:
        imported = importlib.import_module(f"genarris_fw._kernels.{kernel}")
        assert Path(imported.__file__).is_relative_to(place), imported.__file__

    (crystal,) = generate(read_molecule(UREA), 2, 113, 1, 145.0, 7.0, seed=1).structures
    assert check_contacts(crystal, 0.85) > -1e-6
    python = f"{sys.implementation.name} {sys.version.split()[0]}"
    print(f"genarris_fw {genarris_fw.__version__}, {python}, CC={os.environ.get('CC', 'unset')}: command, ", end="")
    print(f"{len(kernels)} kernels, a crystal of {len(crystal.positions)} atoms")


if __name__ == "__main__":
    main()
