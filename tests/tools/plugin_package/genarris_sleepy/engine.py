"""An engine: a bed is the more comfortable the smaller the cell."""

from __future__ import annotations

from typing import ClassVar

from genarris_fw.crystal import Molecule, Structure
from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import Real
from genarris_fw.engines.base import Context, Engine, Evaluation, Settings


class BedSettings(Settings):
    """The settings of the engine."""

    comfort: Real = option("energy of an atom that has 1 Å³", 10.0, unit="eV", ge=0.0, le=100.0)
    creaks: Real = option("how loud it is", 0.0, changes_results=False, ge=0.0, le=10.0)


class BedEngine(Engine):
    """It gives energies of crystals and relaxes nothing."""

    name: ClassVar[str] = "bed"
    title: ClassVar[str] = "Bed"
    model: ClassVar[type[Settings]] = BedSettings
    options: BedSettings
    version = "bed 1.0"
    relaxes = False
    computes_molecules = False

    def evaluate(
        self, structure: Structure | Molecule, relax: bool = False, context: Context | None = None
    ) -> Evaluation:
        """Return minus the comfort of all atoms, shared by the volume."""
        assert isinstance(structure, Structure)
        energy = -self.options.comfort * len(structure) / structure.cell_volume
        about = {"engine": self.name, "version": self.version, "settings": self.settings}
        return Evaluation(energy, None, None, structure, True, 0.0, about)
