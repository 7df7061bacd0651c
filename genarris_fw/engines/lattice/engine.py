"""The engine lattice: exp-6 and charges of rigid molecules; a relaxation moves molecules and the cell.

The zero of its energy is that of the molecules far apart, as they are: a molecule's energy is 0.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genarris_fw.crystal.molecules import whole_molecules
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.engines.base import Context, Engine, Evaluation
from genarris_fw.engines.lattice.settings import LatticeSettings
from genarris_fw.errors import EngineError, InputError
from genarris_fw.lattice.molecule.gfn2 import is_gfn2
from genarris_fw.lattice.potentials.potential import Potential
from genarris_fw.units import GPA_A3_IN_KJ_PER_MOL, KJ_PER_MOL_PER_EV
from genarris_fw.version import __version__

if TYPE_CHECKING:
    from genarris_fw.lattice.energy.model import Model

ALIKE = 3  # decimals, Å, of the distances within molecules that share their charges
NO_CHARGES = "none"


class LatticeEngine(Engine):
    """Lattice energies of rigid molecules.

    Parameters
    ----------
    **settings
        The fields of `LatticeSettings`.

    Raises
    ------
    InputError
        For an unknown setting or a wrong value.
    """

    name = "lattice"
    model = LatticeSettings
    options: LatticeSettings
    carries = {"potential_file": "potential_text"}  # noqa: RUF012 - as the base declares it

    @classmethod
    def installed(cls) -> tuple[bool, str]:
        """Return that it is there, and what its charges need."""
        charges = "" if importlib.util.find_spec("pyscf") else "; charges by pyscf: pip install 'genarris_fw[pyscf]'"
        return True, f"genarris_fw {__version__}{charges}"

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._potential = self._read()
        self._models: dict[bytes, Model] = {}

    def _read(self) -> Potential:
        options = self.options
        if options.potential_text is not None:
            return _of_text(options.potential_text, options.potential_file or "potential_file")
        if options.potential_file is not None:
            return Potential(Path(options.potential_file))
        return Potential(options.potential)

    @property
    def version(self) -> str:
        """The version of this package."""
        return f"genarris_fw {__version__}"

    @property
    def identity(self) -> str | None:
        """The version of this package, and of the one that computes the charges."""
        charges = self.options.charges
        if charges == NO_CHARGES:
            return super().identity
        package = "tblite" if is_gfn2(charges) else "pyscf"
        try:
            return f"{super().identity}, {package} {importlib.metadata.version(package)}"
        except importlib.metadata.PackageNotFoundError:
            return None  # what is wrong is said by whoever needs the charges

    @property
    def method(self) -> str:
        """The potential and the charges."""
        return f"{self._potential.name}, {self.options.charges}"

    def evaluate(
        self, structure: Structure | Molecule, relax: bool = False, context: Context | None = None
    ) -> Evaluation:
        """Compute the lattice energy of a crystal, or minimise it, its molecules rigid."""
        if isinstance(structure, Molecule):
            structure = Structure(None, structure.species, structure.positions)
        if structure.lattice is None:
            nothing = np.zeros_like(structure.positions)
            return Evaluation(0.0, nothing, None, structure, True, 0.0, {"method": self.method})
        return self._crystal(structure, relax)

    def _crystal(self, structure: Structure, relax: bool) -> Evaluation:
        begun, details = time.monotonic(), dict[str, Any](method=self.method)
        name = structure.struct_id or "the structure"
        try:
            size = _molecule_size(structure)
            model = self._model(structure, size)
            converged = True
            if relax:
                ended = model.minimise(structure, self.options.break_symmetry, self.options.pressure)
                converged = ended.converged
                details |= {"steps": ended.steps, "reason": ended.ended, "is_minimum": ended.is_minimum}
                if not converged and ended.ended in ("collapsed", "evaporated"):
                    raise EngineError(f"{name}: the crystal {ended.ended}", "crash", permanent=True)
                structure = ended.structure.copy()
                structure.struct_id = name
            energy = model.energy(structure, self.options.pressure)
        except InputError as error:
            raise EngineError(f"{name}: {error}", "input", permanent=True) from None
        Z = len(structure) / size
        return Evaluation(
            energy.total * Z / KJ_PER_MOL_PER_EV,
            None,
            energy.stress * GPA_A3_IN_KJ_PER_MOL / KJ_PER_MOL_PER_EV,
            structure,
            converged,
            time.monotonic() - begun,
            details,
        )

    def _model(self, structure: Structure, size: int) -> Model:
        """The model of the structure's molecule; molecules that are alike share it, and its charges."""
        # Only here: who reads options loads every engine's class.
        from genarris_fw.lattice.charges.by_method import electrostatics
        from genarris_fw.lattice.energy.model import Model

        whole = whole_molecules(structure)
        molecule = Molecule(whole.species[:size], whole.positions[:size])
        apart = np.linalg.norm(molecule.positions[:, None] - molecule.positions, axis=2)
        key = " ".join(molecule.species).encode() + (apart.round(ALIKE) + 0.0).tobytes()
        if key not in self._models:
            charges = None
            if self.options.charges != NO_CHARGES:
                charges = electrostatics(molecule, self.options.charges, self.options.satellites)
            self._models[key] = Model(molecule, self._potential, charges)
        return self._models[key]


def _of_text(text: str, name: str) -> Potential:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise InputError(f"{name}: no json ({error})") from None
    return Potential.from_record(content, name)


def _molecule_size(structure: Structure) -> int:
    size = structure.properties.get("number_of_atoms_in_molecule")
    size = size or whole_molecules(structure).properties.get("number_of_atoms_in_molecule")
    if not size or len(structure) % int(size):
        raise InputError("not a crystal of one kind of molecule, which the engine lattice computes")
    return int(size)
