"""What each procedure's options become: the manual's inference, decided from the configuration alone."""

from __future__ import annotations

from genarris_fw.options.resolving.draft import Bench, Draft, Pool
from genarris_fw.options.resolving.engine_choice import choose_engine
from genarris_fw.options.resolving.molecule_choice import choose_molecule, molecules_per_cell


def _relax_single_molecule(bench: Bench, draft: Draft) -> None:
    choose_molecule(bench, draft, own_relaxation=True)
    molecules_per_cell(bench, draft, required=False)
    choose_engine(bench, draft)
    _engine_outputs(bench, draft)
    pool = Pool(bench.output_pool(draft), energies={draft.options["energy_name"]})
    draft.put("output_pool", pool.name, draft.origins["output_dir"])
    bench.add_output(draft, "output_dir", pool)


def _engine_outputs(bench: Bench, draft: Draft) -> None:
    if draft.options["aims_output_dir"] is None:
        draft.put("aims_output_dir", bench.absolute(f"aims_{draft.step.name}"), "default")


def _fhi_aims_energy_evaluation(bench: Bench, draft: Draft) -> None:
    source = _engine_on_pool(bench, draft)
    pool = source.child(bench.output_pool(draft))
    if pool.energies is not None:
        pool.energies.add(draft.options["energy_name"])
    draft.put("relax", False, "the procedure")
    draft.put("output_pool", pool.name, draft.origins["output_dir"])
    bench.add_output(draft, "output_dir", pool, in_place=True)


def _run_fhi_aims_batch(bench: Bench, draft: Draft) -> None:
    _engine_on_pool(bench, draft)
    pool = Pool(bench.output_pool(draft), energies={draft.options["energy_name"]})
    draft.put("relax", True, "the procedure")
    draft.put("output_pool", pool.name, draft.origins["output_dir"])
    bench.add_output(draft, "output_dir", pool)


def _engine_on_pool(bench: Bench, draft: Draft) -> Pool:
    source = bench.input_pool(draft)
    molecules_per_cell(bench, draft)
    choose_engine(bench, draft)
    _engine_outputs(bench, draft)
    draft.drop("molecule_path")
    return source
