"""How a step's options are completed where its procedure asks for nothing special."""

from __future__ import annotations

from genarris_fw.options.base import MakesPool, OnCells, OnMolecule, OnStructures
from genarris_fw.options.resolving.draft import Bench, Draft, Pool
from genarris_fw.options.resolving.molecule_choice import choose_molecule, molecules_per_cell


def resolve(bench: Bench, draft: Draft) -> None:
    """Find the molecule, Z and the input pool, and register the pool that the step makes, as far as its model says."""
    model, source = draft.model, None
    if issubclass(model, OnMolecule):
        choose_molecule(bench, draft)
    if issubclass(model, OnStructures):
        source = bench.input_pool(draft)
    if issubclass(model, OnCells):
        molecules_per_cell(bench, draft)
    if issubclass(model, MakesPool):
        name = bench.output_pool(draft)
        # Energies and distances belong to the structures as they were.
        pool = Pool(name) if source is None or model.makes == "new" else source.child(name)
        draft.put("output_pool", pool.name, draft.origins["output_dir"])
        bench.add_output(draft, "output_dir", pool, in_place=model.makes == "same")
