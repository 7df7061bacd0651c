"""Run_Rdf_Calc: radial symmetry functions of every structure of a pool, and the pool's distance matrix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from genarris_fw.catalogue.work_items import Item
from genarris_fw.descriptors import distance_matrix, rdf
from genarris_fw.procedures.base import Campaign, Outcome, Procedure, explicit_serialize
from genarris_fw.procedures.matrices import store_matrix

STRUCTURES_PER_ITEM = 25


@explicit_serialize
class RunRdfCalc(Procedure):
    """Compute the descriptor of every structure and the matrix of their distances."""

    def plan(self, campaign: Campaign) -> list[Item]:
        """Return items of a few structures each, and the elements that all vectors are made for."""
        ids = campaign.pool_ids()
        species = campaign.catalogue.structures.load(campaign.run, ids, ["geometry.species"])
        elements = sorted({name for record in species for name in record["geometry"]["species"]})
        batches = [ids[start : start + STRUCTURES_PER_ITEM] for start in range(0, len(ids), STRUCTURES_PER_ITEM)]
        return [Item(batch[0], {"ids": batch, "elements": elements}) for batch in batches]

    def work(self, campaign: Campaign, item: Item) -> Outcome:
        """Compute the vectors of an item's structures."""
        options, ids = campaign.options, item.payload["ids"]
        structures = campaign.structures(ids)
        settings = {
            "cutoff": float(options["cutoff"]),
            "n_D_inter": int(options["n_D_inter"]),
            "init_scheme": options["init_scheme"],
            "eta_range": tuple(options["eta_range"]),
            "Rs_range": tuple(options["Rs_range"]),
            "seed": campaign.seed,
            "elements": item.payload["elements"],
        }
        vectors = rdf(structures, **settings)
        name = options["property_name"]
        fields = {struct: {f"properties.{name}": vector.tolist()} for struct, vector in zip(ids, vectors)}
        if options.get("save_envs"):
            for struct, environments in zip(ids, rdf(structures, per_atom=True, **settings)):
                fields[struct][f"properties.{name}_envs"] = np.asarray(environments).tolist()
        return Outcome({"structures": len(ids)}, fields=fields)

    def collect(self, campaign: Campaign) -> dict[str, Any]:
        """Compute and store the distance matrix; the pool's structures carry their vectors."""
        options = campaign.options
        done = campaign.catalogue.work_items.outcomes(campaign.run, campaign.step)
        ids = sorted(name for record in done for name in record["payload"]["ids"])
        vectors = np.array(campaign.properties(ids, options["property_name"]), dtype=float)
        matrix = distance_matrix(
            vectors,
            options["pdist_distance_type"],
            normalize=bool(options["normalize_rdf_vectors"]),
            standardize=bool(options["standardize_distance_matrix"]),
        )
        store_matrix(campaign, Path(options["dist_mat_fpath"]), matrix, ids, name=f"{campaign.step}.distances")
        campaign.make_pool(ids)
        self._export(campaign, ids)
        return {"structures": len(ids), "dimensions": int(vectors.shape[1])}

    def _export(self, campaign: Campaign, ids: list[str]) -> None:
        """Write the jsons; without an output folder of its own the pool's files are written anew."""
        folder = campaign.options["output_dir"]
        if folder is None:
            names = [entry["name"] for entry in campaign.steps]
            before = campaign.steps[: names.index(campaign.step)]
            pool = campaign.options["input_pool"]
            makers = [entry["options"] for entry in before if entry["options"].get("output_pool") == pool]
            folder = makers[-1]["output_dir"] if makers else campaign.options.get("import_folder")
        campaign.export(ids, folder, campaign.options.get("output_format") or "json")
