"""Numbers that are known, by every engine; how fast outputs are read; how long one structure of glycine takes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from ase.build import bulk
from ase.units import Bohr, Hartree
from engine_data import KJ_PER_MOL, crystal, molecule
from engines_farm import glycine_crystal
from farm_table import Bar

from genarris_fw import engines
from genarris_fw.crystal import Structure
from genarris_fw.energetics import equation_of_state
from genarris_fw.engines import aims
from genarris_fw.generation import press

AIMS_OUTPUTS = Path(__file__).resolve().parents[2] / "shared" / "data" / "benzene_tutorial" / "aims"
# Molecules per cell, and kJ/mol by tblite 0.8.0: GFN1-xTB, repeated until 9 Å wide.
LATTICE_ENERGIES = {
    "urea": (2, -109.62),
    "benzene": (4, -41.03),
    "naphthalene": (2, -61.80),
    "acetic_acid": (4, -77.55),
}
AL_ENERGY = -242.8204
SI_VOLUME, SI_MODULUS = 20.45, 88.5


def lattice_energies(names: tuple[str, ...] = tuple(LATTICE_ENERGIES)) -> Bar:
    """Energies of crystals against those of their molecules, exactly as they are in the crystal."""
    engine = engines.get("tblite")
    details: dict[str, Any] = {}
    for name in names:
        Z, reference = LATTICE_ENERGIES[name]
        alone = engine.evaluate(molecule(name)).energy
        began = time.process_time()
        found = engine.evaluate(crystal(name))
        value = (found.energy / Z - alone) * KJ_PER_MOL
        details[name] = {
            "kJ/mol": round(value, 3),
            "reference": reference,
            "supercell": found.details["supercell"],
            "CPU s": round(time.process_time() - began, 1),
        }
    worst = max(abs(one["kJ/mol"] - one["reference"]) for one in details.values())
    name = f"lattice energies of {', '.join(names)} by GFN1"
    return Bar(name, "within 0.1 kJ/mol", f"{worst:.3f} kJ/mol at most", worst <= 0.1, details)


def glycine(relax: bool = True) -> Bar:
    """Return how long one crystal of glycine takes, four molecules, pressed: a single point and its relaxation."""
    start = press(glycine_crystal())
    details: dict[str, Any] = {"cell": [round(x, 3) for x in start.cell_parameters]}
    words = []
    for supercell in ("diagonal", "smallest"):
        engine = engines.get("tblite", supercell=supercell)
        found = engine.evaluate(start)
        atoms = found.details["atoms_computed"]
        details[supercell] = {"single point s": found.seconds, "atoms computed": atoms}
        words.append(f"{supercell} single point {found.seconds:.1f} s ({atoms} atoms)")
        if relax and supercell == "smallest":
            relaxed = engine.evaluate(start, relax=True)
            kept = ("calls", "reason", "supercells", "volume_before", "volume_after", "spacegroup_after", "reacted")
            details[supercell] |= {"relaxation s": relaxed.seconds, **{key: relaxed.details[key] for key in kept}}
            words.append(f"relaxation {relaxed.seconds:.0f} s, {relaxed.details['calls']} calls")
    return Bar("one crystal of glycine, Z = 4, tblite", "to be shown", "; ".join(words), True, details)


def parsing(seconds: float = 5.0) -> Bar | None:
    """Return how many real FHI-aims outputs are read in a second; None where there are none."""
    files = sorted(AIMS_OUTPUTS.glob("**/aims.out"))
    if not files:
        return None
    details: dict[str, Any] = {}
    read = used = 0.0
    for file in files:
        began, number = time.process_time(), 0
        while number == 0 or time.process_time() - began < seconds / len(files):
            aims.parse_output(file)
            number += 1
        took = time.process_time() - began
        kilobytes = file.stat().st_size / 1e3
        details[str(file.relative_to(AIMS_OUTPUTS))] = {"kB": round(kilobytes), "a second": round(number / took, 1)}
        read, used = read + number * kilobytes, used + took
    rate = read / used / 150.0
    return Bar("reading real aims.out", ">= 50 files of 150 kB a second", f"{rate:.0f} a second", rate >= 50.0, details)


def aluminium() -> Bar:
    """Return the LAPW energy of aluminium and its loops."""
    metal = Structure.from_ase(bulk("Al", a=7.6534 * Bohr), "al")
    found = engines.get("lapw", k_grid=[8, 8, 8], rkmax=7.0, functional="PBE").evaluate(metal)
    energy, loops = found.energy / Hartree, found.details["loops"]
    met = abs(energy - AL_ENERGY) <= 1e-3 and loops <= 25
    measured = f"{energy:.6f} Ha, {loops} loops, {found.seconds:.0f} s"
    return Bar("LAPW: Al, 8^3 k, rgkmax 7, PBE", "-242.8204 Ha +- 1e-3, <= 25 loops", measured, met, found.details)


def silicon() -> Bar:
    """Return the LAPW equation of state of silicon, seven volumes within 6 % of the reference."""
    volumes = SI_VOLUME * np.linspace(0.94, 1.06, 7)
    crystals = [Structure.from_ase(bulk("Si", a=float(8.0 * v) ** (1 / 3)), "si") for v in volumes]
    settings = {"k_grid": [4, 4, 4], "k_offset": [0.5, 0.5, 0.5], "rkmax": 7.0, "functional": "PBE"}
    engine = engines.get("lapw", **settings)
    engine = engines.get("lapw", **settings, muffin_tin=engine.muffin_tins(crystals))  # type: ignore[attr-defined]
    found = [engine.evaluate(one) for one in crystals]
    curve = equation_of_state.fit(volumes, [one.energy / 2 for one in found])
    met = abs(curve.V0 - SI_VOLUME) <= 0.10 and abs(curve.B0 - SI_MODULUS) <= 2.0
    details = {"volumes": volumes.tolist(), "energies": [one.energy / 2 for one in found], "curve": vars(curve)}
    details |= {"seconds": [round(one.seconds, 1) for one in found], "muffin_tins": found[0].details["muffin_tins"]}
    measured = f"{curve.V0:.3f} Å3, {curve.B0:.1f} GPa, B1 {curve.B1:.2f}"
    return Bar("LAPW: Si V0, B0", "20.45 +- 0.10 Å3, 88.5 +- 2 GPa", measured, met, details)
