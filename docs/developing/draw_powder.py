"""The picture of docs/experiment.md: powder patterns of urea, measured, minimised, and minimised in the measured cell.

python docs/developing/draw_powder.py [--out docs/figures]

Some seconds. Needs pyscf.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from genarris_fw import lattice
from genarris_fw.comparing.powder import Powder, pattern, similarity
from genarris_fw.comparing.variable_cell import variable_cell_fit
from genarris_fw.crystal import Structure, read, read_molecule, whole_molecules
from genarris_fw.pictures import save
from genarris_fw.pictures.style import INK, SETS, new_figure, style

UREA = Path(__file__).resolve().parents[2] / "examples" / "urea"
ABOVE = 110.0  # from one pattern to the next


def crystals() -> dict[str, Structure]:
    """The measured crystal, the minimum that it leads to, and that one deformed to the measured cell."""
    measured = whole_molecules(read(UREA / "urea.cif")[0])
    molecule = read_molecule(UREA / "urea.in")
    model = lattice.Model(molecule, lattice.Potential("FIT"), lattice.electrostatics(molecule))
    minimum = model.minimise(measured, break_symmetry=False).structure
    deformed = variable_cell_fit(measured, minimum).structure
    return {"measured": measured, "minimised (FIT)": minimum, "minimised, in the measured cell": deformed}


def main() -> None:
    """Draw it."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", type=Path, default=Path("docs/figures"))
    folder = arguments.parse_args().out
    powder = Powder()
    found = {name: pattern(crystal, powder) for name, crystal in crystals().items()}
    with style():
        figure = new_figure(6.3, 3.2)
        axes = figure.add_subplot()
        for number, (name, curve) in enumerate(found.items()):
            base = -ABOVE * number
            axes.plot(powder.angles, base + curve, color=SETS[(2, 1, 3)[number]], linewidth=0.8)
            alike = similarity(found["measured"], curve, powder)
            words = f"urea, {name}" if number == 0 else f"{name}: similarity {alike:.2f}"
            axes.text(powder.stop, base + 60.0, words, ha="right", color=INK)
        axes.set(xlabel="2θ, degrees (Cu Kα)", ylabel="intensity", xlim=(10.0, powder.stop), yticks=[])
    save(figure, folder / "powder_urea", ["svg"])


if __name__ == "__main__":
    main()
