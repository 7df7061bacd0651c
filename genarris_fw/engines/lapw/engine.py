"""The engine ``lapw``: crystals by the all-electron full-potential LAPW method, computed by Elk."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ase.units import Bohr

from genarris_fw.crystal.primitive_cell import primitive_cell
from genarris_fw.crystal.structure import Molecule, Structure
from genarris_fw.engines.base import Context, Engine, Evaluation
from genarris_fw.engines.checks import refuse_not_finite, refuse_overlaps
from genarris_fw.engines.lapw.elk_input import Loop, atom_order, elk_input, k_grid
from genarris_fw.engines.lapw.elk_output import PROGRAM_OUTPUT, ElkOutput, parse_output
from genarris_fw.engines.lapw.muffin_tin import Radii, fitting_radii, refuse_overlapping_spheres
from genarris_fw.engines.lapw.program import command_line, elk_version, run_elk, species_folder
from genarris_fw.engines.lapw.remedies import HANDLERS
from genarris_fw.engines.lapw.settings import LAPWSettings
from genarris_fw.engines.lapw.species import Species, read_species, with_basis
from genarris_fw.engines.programs.handlers import with_corrections
from genarris_fw.errors import EngineError

# What is kept of a run; the states and wave functions are not.
KEPT = ("INFO.OUT", "TOTENERGY.OUT", "KPOINTS.OUT", "EFERMI.OUT", "LINENGY.OUT", "EVALCORE.OUT", "GEOMETRY.OUT")
METHODS = {"lapw": "LAPW", "apw+lo": "APW+lo", "apw": "APW"}


class LAPWEngine(Engine):
    """All-electron energies and forces of crystals.

    Parameters
    ----------
    **settings
        The fields of `LAPWSettings`.

    Raises
    ------
    EngineError
        Kind ``missing`` where Elk or its species files are not there.
    InputError
        For an unknown setting or a wrong value.
    """

    name = "lapw"
    title = "LAPW"
    model = LAPWSettings
    options: LAPWSettings
    computes_molecules = False
    relaxes = False
    in_common = "muffin tins"

    @classmethod
    def installed(cls) -> tuple[bool, str]:
        """Return whether Elk can be used under its usual name, and a remark for the user."""
        settings = LAPWSettings()
        try:
            command_line(settings.lapw_command, 1)
            species_folder(settings)
            return True, f"Elk {elk_version(settings.lapw_command)}"
        except EngineError as error:
            return False, str(error)

    @classmethod
    def shared_by(cls, settings: Mapping[str, Any], structures: Sequence[Structure]) -> dict[str, Any]:
        """Return the setting that gives all structures the same muffin tins; the user's own radii stay.

        The basis follows from the radii, so that energies with different ones are not of the same quality.
        """
        if settings.get("muffin_tin") not in (None, "auto") or not structures:
            return {}
        return {"muffin_tin": cls(**settings).muffin_tins(structures)}

    @classmethod
    def kept_for(cls, settings: Mapping[str, Any], structure: Structure) -> dict[str, Any]:
        """Return the setting that keeps the k grid of a structure where its cell changes."""
        options = LAPWSettings.of(cls.name, settings)
        return {} if structure.lattice is None else {"k_grid": k_grid(_computed(structure, options), options)}

    @classmethod
    def k_grid_of(cls, settings: Mapping[str, Any], structure: Structure, spacing: float) -> list[int]:
        """Return the k grid of the cell that is computed, which may be the primitive one."""
        options = LAPWSettings.of(cls.name, {**settings, "k_grid": None, "k_spacing": spacing})
        return k_grid(_computed(structure, options), options)

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        command_line(self.options.lapw_command, 1)
        self._species_folder = species_folder(self.options)

    @property
    def version(self) -> str:
        """The version of Elk."""
        return f"Elk {elk_version(self.options.lapw_command)}"

    @property
    def method(self) -> str:
        """Method and functional."""
        return f"{METHODS[self.options.basis]} {self.options.functional}"

    @property
    def settings_hash(self) -> str:
        """As of every engine; species files of the user's own are part of it by their content."""
        of_the_settings = super().settings_hash
        if self.options.species_dir is None:
            return of_the_settings
        files = sorted(self._species_folder.glob("*.in"))
        return _digest(of_the_settings + "".join(file.name + file.read_text(errors="replace") for file in files))

    def muffin_tins(self, structures: Sequence[Structure]) -> Radii:
        """Return muffin-tin radii that fit several crystals, for the setting ``muffin_tin``.

        Energies along a series of structures (volumes, displacements) are smooth where all have the same radii.

        Parameters
        ----------
        structures : sequence of Structure
            Crystals.

        Returns
        -------
        dict
            Element -> radius in Å.
        """
        radii: Radii = {}
        for structure in structures:
            for element, radius in fitting_radii(structure, self._shipped_radii(structure)).items():
                radii[element] = min(radius, radii.get(element, radius))
        return radii

    def evaluate(
        self, structure: Structure | Molecule, relax: bool = False, context: Context | None = None
    ) -> Evaluation:
        """Compute one crystal; see `Engine.evaluate`.

        The energy is that of all electrons (eV per cell); there is no stress. Relaxations and molecules are
        refused (`EngineError` of kind ``input``).
        """
        started = time.perf_counter()
        context = context or Context()
        structure = structure.to_structure() if isinstance(structure, Molecule) else structure
        name = structure.struct_id or "the structure"
        self._refuse(structure, relax, name)
        reason = context.stop_reason()
        if reason:
            raise EngineError(f"{name}: {reason} before it began", kind="walltime")
        computed, copies = structure, np.arange(len(structure))
        if self.options.primitive:
            computed, copies = primitive_cell(structure)
        species = self._species(computed)
        output, corrections = self._run(computed, species, context, name)
        forces = None
        if output.forces is not None:
            in_order = np.empty_like(output.forces)
            in_order[atom_order(computed)] = output.forces
            forces = in_order[copies]
        energy = output.energy * len(structure) / len(computed)
        refuse_not_finite(name, energy, forces)
        seconds = time.perf_counter() - started
        details = self._details(computed, species, output, corrections)
        return Evaluation(energy, forces, None, structure.copy(), True, seconds, details)

    def _refuse(self, structure: Structure, relax: bool, name: str) -> None:
        words = None
        if structure.lattice is None:
            words = "LAPW is a method for crystals and this is a molecule; put it into a cell, or take another engine"
        elif relax:
            words = "the engine lapw computes structures as they are; relax with another engine"
        if words:
            raise EngineError(f"{name}: {words}", kind="input", permanent=True)
        refuse_overlaps(structure)

    def _shipped_radii(self, structure: Structure) -> Radii:
        elements = dict.fromkeys(structure.species)
        return {e: read_species(self._species_folder, e).radius * Bohr for e in elements}

    def _species(self, structure: Structure) -> dict[str, Species]:
        """The elements with the basis and the radii of this calculation."""
        options = self.options
        if isinstance(options.muffin_tin, dict):
            radii = options.muffin_tin
            refuse_overlapping_spheres(structure, radii)
        else:
            radii = fitting_radii(structure, self._shipped_radii(structure))
        found = {}
        for element in dict.fromkeys(structure.species):
            shipped = read_species(self._species_folder, element)
            changed = with_basis(shipped, options.basis, options.core, options.local_orbitals)
            found[element] = replace(changed, radius=radii[element] / Bohr)
        return found

    def _run(
        self, structure: Structure, species: dict[str, Species], context: Context, name: str
    ) -> tuple[ElkOutput, list[str]]:
        """Run Elk, each attempt in a clean folder: files of an earlier run look valid."""

        def attempt(loop: Loop) -> ElkOutput:
            with tempfile.TemporaryDirectory(prefix="lapw-", dir=context.folder) as place:
                folder = Path(place)
                inputs = {f"{element}.in": one.text() for element, one in species.items()}
                inputs["elk.in"] = elk_input(structure, self.options, loop)
                for file, text in inputs.items():
                    (folder / file).write_text(text, encoding="utf-8")
                try:
                    run_elk(self.options, folder, context, name)
                    return parse_output(folder, len(structure), self.options.forces, name)
                except EngineError as error:
                    error.folder = str(context.folder or "")
                    raise
                finally:
                    _keep(folder, context.folder, [*inputs, *KEPT, PROGRAM_OUTPUT, f"{PROGRAM_OUTPUT}.err"])

        if context.folder is not None:
            context.folder.mkdir(parents=True, exist_ok=True)
        loop = Loop(self.options.mixing, self.options.max_loops)
        return with_corrections(loop, attempt, HANDLERS if self.options.auto_correct else ())

    def _details(
        self, structure: Structure, species: dict[str, Species], output: ElkOutput, corrections: list[str]
    ) -> dict[str, Any]:
        options = self.options
        return {
            "engine": self.name,
            "version": f"Elk {output.version}",
            "method": self.method,
            "settings": self.settings,
            "settings_hash": self.settings_hash,
            "calls": 1 + len(corrections),
            "steps": 0,
            "reason": "single point",
            "atoms_computed": len(structure),
            "loops": output.loops,
            "rkmax": options.rkmax,
            "k_grid": k_grid(structure, options),
            "k_points": output.k_points,
            "basis_size": output.basis_size,
            "muffin_tins": {element: round(one.radius * Bohr, 6) for element, one in species.items()},
            "species": {element: _digest(one.text()) for element, one in species.items()},
            "fermi_energy": output.fermi_energy,
            "warnings": output.warnings,
            "corrections": corrections,
        }


def _computed(structure: Structure, options: LAPWSettings) -> Structure:
    return primitive_cell(structure)[0] if options.primitive else structure


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _keep(scratch: Path, folder: Path | None, names: list[str]) -> None:
    """Move the small files of a run into the folder of the calculation, in place of those of an earlier run."""
    if folder is None:
        return
    for name in names:
        (folder / name).unlink(missing_ok=True)
        if (scratch / name).exists():
            shutil.move(scratch / name, folder / name)
