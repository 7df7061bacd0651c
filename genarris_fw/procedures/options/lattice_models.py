"""The options of procedures that need the lattice energy of the molecule's crystals."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator

from genarris_fw.declaring.option import derived, option
from genarris_fw.declaring.types import Key, PlainDict, Said, words
from genarris_fw.errors import InputError
from genarris_fw.lattice.potentials.files import shipped_names
from genarris_fw.lattice.potentials.potential import DEFAULT, Potential
from genarris_fw.options.base import OnMolecule
from genarris_fw.options.resolving.draft import Bench, Draft
from genarris_fw.procedures.options.molecular_electrostatics import MolecularElectrostaticsOptions

# One that comes with the package, or a file of the user's.
PotentialSource = Annotated[
    str, BeforeValidator(words), Said("str", f"{', '.join(shipped_names())}, or a json file of parameters")
]


class LatticeModelOptions(OnMolecule):
    """A procedure that computes lattice energies of the molecule, rigid."""

    of_rigid_molecules: ClassVar[bool] = True

    potential: PotentialSource = option("Atom-atom potential: one of the package, or a json file", DEFAULT)
    energy_name: Key = option("Name of the energy on the structures", "energy")

    potential_content: PlainDict | None = derived("The content of the potential's file, where it is the user's own")
    electrostatics_step: str | None = derived("The earlier step that finds the molecule's charges")

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Read the potential; find the charges' step, or what computes them."""
        super().resolve(bench, draft)
        name = draft.options["potential"]
        try:
            if name in shipped_names() or not bench.is_file(bench.absolute(name)):
                Potential(name)
            else:
                text = Path(bench.absolute(name)).read_text()
                draft.put("potential_content", json.loads(text), "the file of potential")
                Potential.from_record(draft.options["potential_content"], name)
        except (InputError, OSError, ValueError) as error:
            line, section = draft.where("potential")
            bench.remarks.problem(line, f"potential: {error}", section)
        charges = bench.earlier(MolecularElectrostaticsOptions.procedure)
        if charges is not None:
            draft.put("electrostatics_step", charges.step.name, "an earlier step")
        elif importlib.util.find_spec("pyscf") is None:
            bench.remarks.problem(
                draft.line,
                "no Molecular_Electrostatics before, and pyscf, which computes the molecule's charges, is missing; "
                "expected it: pip install 'genarris_fw[pyscf]', or that step with method = GFN2",
                draft.section,
            )


def energies_of(bench: Bench, draft: Draft) -> set[str]:
    """Return the names of the energies that the structures of a step's output pool will have."""
    pool = bench.pools[draft.options["output_pool"]]
    if pool.energies is None:
        pool.energies = set()
    return pool.energies


def potential_of(options: LatticeModelOptions) -> Potential:
    """Return the potential of a step."""
    content: dict[str, Any] | None = options.potential_content
    return Potential.from_record(content, options.potential) if content else Potential(options.potential)
