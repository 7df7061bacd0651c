"""CP2K through ASE, with a look at whether its self-consistent cycle converged.

CP2K before 2024.1 goes on after a cycle that did not, with a warning in its output that ASE does not read.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ase.calculators.calculator import all_changes
from ase.calculators.cp2k import CP2K

from genarris_fw.errors import EngineError

NOT_CONVERGED = b"SCF run NOT converged"


class CheckedCP2K(CP2K):
    """ASE's CP2K, which refuses energies of a cycle that did not converge.

    Parameters
    ----------
    **settings
        The keywords of ASE's CP2K. Its files are called after this process unless there is a ``label``.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**({"label": f"cp2k-{os.getpid()}"} | settings))

    def calculate(self, atoms: Any = None, properties: Any = None, system_changes: Any = all_changes) -> None:
        """Compute, then read what CP2K has written meanwhile.

        Raises
        ------
        EngineError
            Kind ``scf``, permanent: the cycle did not converge.
        """
        output = Path(f"{self.label}.out")
        before = output.stat().st_size if output.exists() else 0
        super().calculate(atoms, properties, system_changes)
        with output.open("rb") as file:
            file.seek(before)
            failed = NOT_CONVERGED in file.read()
        if failed:
            self.results.clear()
            raise EngineError(
                f"CP2K: the self-consistent cycle did not converge (see {output.resolve()}); raise max_scf, or "
                "change the mixing in inp",
                kind="scf",
                permanent=True,
            )
