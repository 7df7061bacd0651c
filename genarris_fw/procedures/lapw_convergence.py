"""LAPW_Convergence: one structure with growing basis and k grid, and the smallest settings that are enough."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.catalogue.work_items import Item
from genarris_fw.crystal import Structure
from genarris_fw.energetics.comparable import Source
from genarris_fw.energetics.convergence import cheapest, reached
from genarris_fw.errors import RunFailed
from genarris_fw.procedures.kit.base import Campaign, Outcome, explicit_serialize
from genarris_fw.procedures.kit.comparable import refuse_several
from genarris_fw.procedures.kit.energies import engine_of, engine_settings
from genarris_fw.procedures.kit.series import SeriesProcedure, shared_settings
from genarris_fw.procedures.kit.tables import write_table
from genarris_fw.procedures.options.lapw_convergence import LAPWConvergenceOptions

Step = Campaign[LAPWConvergenceOptions]

MEV = 1000.0
COLUMNS = ("rkmax", "k grid", "energy (eV/cell)", "difference from the finest (meV/atom)", "converged", "seconds")


@explicit_serialize
class LAPWConvergence(SeriesProcedure[LAPWConvergenceOptions]):
    """The table of energies against rkmax and k grid; an item is one pair of them."""

    def plan(self, campaign: Step) -> list[Item]:
        """Return one item per rkmax and k grid."""
        structure = _structure(campaign)
        shared = shared_settings(campaign, [structure])
        return [
            Item(
                f"rkmax {rkmax:07.4f} k {_words(grid)}",
                {
                    "struct_id": structure.struct_id,
                    "rkmax": rkmax,
                    "k_grid": grid,
                    "settings": shared | _changes(campaign, rkmax, grid),
                },
                # What takes longest begins first.
                priority=place,
            )
            for place, (rkmax, grid) in enumerate(
                (rkmax, grid) for rkmax in sorted(campaign.options.rkmax_values) for grid in _grids(campaign, structure)
            )
        ]

    def work(self, campaign: Step, item: Item) -> Outcome:
        """Evaluate the structure with one rkmax and k grid."""
        payload = item.payload
        [structure] = campaign.structures([payload["struct_id"]], [])
        structure.struct_id = f"{structure.struct_id}/rkmax_{payload['rkmax']:g}_k_{_words(payload['k_grid'])}"
        evaluation = self.single_point(campaign, item, structure)
        found = {key: payload[key] for key in ("struct_id", "rkmax", "k_grid")}
        numbers = {"energy": float(evaluation.energy), "seconds": float(evaluation.seconds)}
        return Outcome(found | numbers | self.source(campaign, evaluation))

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Compare all with the finest, name the cheapest settings that are converged, write table and picture."""
        items = campaign.catalogue.work_items
        done = [record["outcome"] for record in items.outcomes(campaign.run, campaign.step)]
        failures = items.failures(campaign.run, campaign.step)
        everything = done + [record["payload"] for record in failures]
        # Settings differ by design; versions must not.
        refuse_several(campaign.step, "energy", [Source(f"{one['engine']} ({one['engine_version']})") for one in done])
        rkmax = sorted({float(one["rkmax"]) for one in everything})
        grids = sorted(({tuple(one["k_grid"]) for one in everything}), key=_size)
        table: dict[tuple[float, tuple[int, ...]], dict[str, Any]] = {
            (float(one["rkmax"]), tuple(one["k_grid"])): one for one in done
        }
        if (rkmax[-1], grids[-1]) not in table:
            last = (rkmax[-1], list(grids[-1]))
            why = next(r["error"] for r in failures if (r["payload"]["rkmax"], r["payload"]["k_grid"]) == last)
            raise RunFailed(f"{campaign.step}: the finest settings, which all others are compared with, failed: {why}")
        [structure] = campaign.structures([everything[0]["struct_id"]], [])
        energies = np.array([[table.get((r, k), {}).get("energy", np.nan) for k in grids] for r in rkmax])
        differences = MEV * (energies - energies[-1, -1]) / len(structure)
        summary = _conclusion(campaign, rkmax, grids, differences)
        campaign.log("convergence", **{key: summary[key] for key in ("rkmax", "k_grid", "remark")})
        self._write(campaign, structure, rkmax, grids, differences, table)
        seconds = [[table.get((r, k), {}).get("seconds") for k in grids] for r in rkmax]
        return summary | {
            "structure": structure.struct_id,
            "atoms": len(structure),
            "engine": done[0]["engine"],
            "rkmax_values": rkmax,
            "k_grids": [list(grid) for grid in grids],
            "differences": [[None if np.isnan(d) else float(d) for d in row] for row in differences],
            "seconds": seconds,
        }

    def _write(
        self,
        campaign: Step,
        structure: Structure,
        rkmax: list[float],
        grids: list[tuple[int, ...]],
        differences: NDArray[np.float64],
        table: dict[tuple[float, tuple[int, ...]], dict[str, Any]],
    ) -> None:
        """Write convergence.csv and the picture, where the run's folder can be seen."""
        if not campaign.sees_folder():
            return
        from genarris_fw.pictures.convergence import convergence
        from genarris_fw.pictures.saving import save

        folder = campaign.prepared(Path(campaign.options.output_dir))
        tolerance = campaign.options.energy_tolerance_per_atom
        converged = reached(differences, tolerance)
        rows = []
        for i, r in enumerate(rkmax):
            for j, k in enumerate(grids):
                one = table.get((r, k))
                numbers = (
                    (f"{one['energy']:.8f}", f"{differences[i, j]:.4f}", bool(converged[i, j]), f"{one['seconds']:.1f}")
                    if one
                    else ("", "", False, "")
                )
                rows.append((f"{r:g}", _words(k), *numbers))
        write_table(folder / "convergence.csv", COLUMNS, rows)
        first = next(iter(table.values()))
        title = (
            f"{structure.struct_id} ({structure.to_ase().get_chemical_formula()}), {first['method'] or first['engine']}"
        )
        save(convergence(rkmax, grids, differences, tolerance, title), folder / "convergence")


def _conclusion(
    campaign: Step, rkmax: list[float], grids: list[tuple[int, ...]], differences: NDArray[np.float64]
) -> dict[str, Any]:
    """Return the settings that are enough, on the whole and along each axis, and what is to be said about them."""
    tolerance = campaign.options.energy_tolerance_per_atom
    costs = np.array([[r**9 * _size(k)[0] for k in grids] for r in rkmax])
    found = cheapest(differences, tolerance, costs)
    converged = reached(differences, tolerance)
    row, column = int(np.argmax(converged[:, -1])), int(np.argmax(converged[-1, :]))
    open_ends = [
        name
        for name, place, last in (("rkmax", row, len(rkmax) - 1), ("k_grid", column, len(grids) - 1))
        if place == last
    ]
    remark = ""
    if open_ends:
        words = " and ".join(open_ends)
        remark = (
            f"nothing coarser than the finest {words} is within {tolerance:g} meV per atom of it: whether the finest "
        )
        remark += f"is enough is not known; take a finer {words}"
    return {
        "tolerance": tolerance,
        "rkmax": rkmax[found[0]] if found else None,
        "k_grid": list(grids[found[1]]) if found else None,
        "rkmax_at_finest_k_grid": rkmax[row] if "rkmax" not in open_ends else None,
        "k_grid_at_finest_rkmax": list(grids[column]) if "k_grid" not in open_ends else None,
        "remark": remark,
    }


def _structure(campaign: Step) -> Structure:
    """Return the structure that is asked for, or the pool's smallest."""
    ids, wanted = campaign.pool_ids(), campaign.options.structure
    if wanted is not None:
        if wanted not in ids:
            raise RunFailed(
                f"{campaign.step}: structure = {wanted} is not in the pool '{campaign.options.input_pool}' "
                f"(first of its {len(ids)}: {ids[0]})"
            )
        return campaign.structures([wanted], [])[0]
    records = campaign.catalogue.structures.load(campaign.run, ids, ["n_atoms", "struct_id"])
    smallest = min((int(record["n_atoms"]), str(record["struct_id"])) for record in records)
    return campaign.structures([smallest[1]], [])[0]


def _grids(campaign: Step, structure: Structure) -> list[list[int]]:
    """Return the k grids, the coarsest first."""
    grids = campaign.options.k_grids
    if grids is None:
        if structure.lattice is None:
            raise RunFailed(f"{campaign.step}: {structure.struct_id} is a molecule: it has no k points")
        engine, settings = engine_of(campaign), engine_settings(campaign)
        grids = [engine.k_grid_of(settings, structure, spacing) for spacing in campaign.options.k_spacings]
    return [list(grid) for grid in sorted({tuple(grid) for grid in grids}, key=_size)]


def _changes(campaign: Step, rkmax: float, grid: list[int]) -> dict[str, Any]:
    """Return what an item changes in the engine's settings."""
    changes = engine_of(campaign).at_cutoff(engine_settings(campaign), rkmax, grid)
    if changes is None:
        raise RunFailed(f"{campaign.step}: engine = {campaign.options.engine} has no rkmax and k_grid")
    return changes


def _size(grid: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    return int(np.prod(grid)), tuple(grid)


def _words(grid: list[int] | tuple[int, ...]) -> str:
    return "x".join(str(n) for n in grid)
