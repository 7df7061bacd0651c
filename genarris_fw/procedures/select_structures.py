"""Select_Structures: by energy, by cluster or space group, by diversity; each choice among what the last one left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.clustering.diversity import most_diverse, most_diverse_of_vectors
from genarris_fw.clustering.selection import best_of_groups, within_window
from genarris_fw.errors import RunFailed
from genarris_fw.procedures.kit.base import Campaign, Procedure, explicit_serialize
from genarris_fw.procedures.kit.energies import energies_per_molecule
from genarris_fw.procedures.kit.matrices import load_matrix
from genarris_fw.procedures.kit.vectors import pool_vectors
from genarris_fw.procedures.options.select_structures import SelectStructuresOptions
from genarris_fw.units import KJ_PER_MOL_PER_EV

Step = Campaign[SelectStructuresOptions]


@explicit_serialize
class SelectStructures(Procedure[SelectStructuresOptions]):
    """Make a pool of chosen structures."""

    cheap = True

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Apply the choices that are asked for, one after the other."""
        options = campaign.options
        ids = campaign.pool_ids()
        left = {"pool": len(ids)}
        if options.energy_window is not None:
            energies = self._energies(campaign, ids, "energy_window")
            ids = _rows(ids, within_window(energies, options.energy_window))
            left["energy_window"] = len(ids)
        for option, key in (("best_per_cluster", options.cluster_key), ("best_per_space_group", "spg")):
            number = getattr(options, option)
            if number is not None:
                groups, energies = self._groups(campaign, ids, key, option), self._energies(campaign, ids, option)
                ids = _rows(ids, best_of_groups(groups, energies, number))
                left[option] = len(ids)
        if options.most_diverse is not None:
            ids = self._most_diverse(campaign, ids, options.most_diverse)
            left["most_diverse"] = len(ids)
        campaign.make_pool(ids)
        campaign.export(ids, options.output_dir, options.output_format, options.output_pool)
        campaign.log("selected", left=left)
        return {"structures": len(ids), "left": left}

    def _energies(self, campaign: Step, ids: Sequence[str], option: str) -> list[float]:
        """Return the energies in kJ/mol per molecule."""
        name = campaign.options.energy_name
        found = energies_per_molecule(campaign, ids, name)
        without = [struct for struct, energy in zip(ids, found) if energy is None]
        if without:
            raise RunFailed(
                f"{campaign.step}: {option} needs the energy '{name}', and {len(without)} structures lack it (first "
                f"{without[0]}): evaluate energies before, or name another energy_name"
            )
        return [energy * KJ_PER_MOL_PER_EV for energy in found if energy is not None]

    def _groups(self, campaign: Step, ids: Sequence[str], key: str, option: str) -> list[Any]:
        groups = campaign.properties(ids, key)
        without = [struct for struct, group in zip(ids, groups) if group is None]
        if without:
            raise RunFailed(
                f"{campaign.step}: {option} needs the property '{key}', and {len(without)} structures lack it (first "
                f"{without[0]}): cluster the pool before, or name another property"
            )
        return groups

    def _most_diverse(self, campaign: Step, ids: list[str], number: int) -> list[str]:
        """Begin with the lowest energy, where all have one, else with the one nearest to all others."""
        options = campaign.options
        if number >= len(ids):
            return ids
        energies = energies_per_molecule(campaign, ids, options.energy_name)
        known = [energy for energy in energies if energy is not None]
        first = int(np.argmin(known)) if len(known) == len(ids) else None
        if options.matrix_step:
            rows = most_diverse(load_matrix(campaign, f"{options.matrix_step}.distances", ids), number, first)
        else:
            rows = most_diverse_of_vectors(pool_vectors(campaign, ids, options.vectors_name), number, first=first)
        return _rows(ids, np.sort(rows))


def _rows(ids: Sequence[str], rows: NDArray[np.intp]) -> list[str]:
    return [ids[row] for row in rows]
