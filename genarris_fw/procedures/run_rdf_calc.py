"""Run_Rdf_Calc: radial symmetry functions of every structure of a pool, and the pool's distance matrix.

First the vectors, some structures an item. When all are there, the matrix in strips of rows: what a strip needs of
the pool as a whole (the norms of its columns) is worked out once and goes with the items.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genarris_fw.catalogue.work_items import Item
from genarris_fw.descriptors import Comparison, distance_rows, rdf
from genarris_fw.descriptors.matrix_file import Matrix
from genarris_fw.procedures.kit.base import Campaign, Distances, Outcome, explicit_serialize
from genarris_fw.procedures.kit.batches import in_batches
from genarris_fw.procedures.kit.strips import MakesMatrix, divided, join_strips, row_blocks, strip_done, strip_items
from genarris_fw.procedures.kit.vectors import pool_vectors
from genarris_fw.procedures.options.run_rdf_calc import RunRdfCalcOptions

Step = Campaign[RunRdfCalcOptions]

STRUCTURES_PER_ITEM = 50
VECTORS = "vectors "


@explicit_serialize
class RunRdfCalc(MakesMatrix[RunRdfCalcOptions]):
    """Compute the descriptor of every structure and the matrix of their distances."""

    rounds = True
    _vectors_of_pool: NDArray[np.float64] | None = None  # loaded once by a replica

    def plan(self, campaign: Step) -> list[Item]:
        """Return items of a few structures each, and the elements that all vectors are made for."""
        ids = campaign.pool_ids()
        species = campaign.catalogue.structures.load(campaign.run, ids, ["geometry.species"])
        elements = sorted({name for record in species for name in record["geometry"]["species"]})
        return in_batches(ids, STRUCTURES_PER_ITEM, VECTORS, elements=elements)

    def work(self, campaign: Step, item: Item) -> Outcome:
        """Compute the vectors of an item's structures, or a strip of the matrix."""
        if "ids" in item.payload:
            return self._vectors(campaign, item)
        rows = self._rows(campaign, item.payload["first"], item.payload["last"], item.payload["comparison"])
        return strip_done(campaign, Path(campaign.options.dist_mat_fpath), item, rows)

    def _vectors(self, campaign: Step, item: Item) -> Outcome:
        options, ids = campaign.options, item.payload["ids"]
        structures = campaign.structures(ids)
        settings = {
            "cutoff": options.cutoff,
            "n_D_inter": options.n_D_inter,
            "init_scheme": options.init_scheme,
            "eta_range": tuple(options.eta_range),
            "Rs_range": tuple(options.Rs_range),
            "convention": options.rdf_convention,
            "seed": campaign.seed,
            "elements": item.payload["elements"],
        }
        vectors = rdf(structures, **settings)
        name = options.property_name
        fields = {struct: {f"properties.{name}": vector.tolist()} for struct, vector in zip(ids, vectors)}
        if options.save_envs:
            for struct, environments in zip(ids, rdf(structures, per_atom=True, **settings)):
                fields[struct][f"properties.{name}_envs"] = np.asarray(environments).tolist()
        return Outcome({"structures": len(ids)}, fields=fields)

    def cores(self, campaign: Step, ranks: int) -> int:
        """Return the threads that a strip of the matrix takes."""
        return max(super().cores(campaign, ranks), campaign.threads(campaign.num_replicas))

    def next_round(self, campaign: Step) -> list[Item]:
        """Return the strips of the matrix, when all vectors are there."""
        if not campaign.options.distance_matrix:
            return []
        ids = self._described(campaign)
        if not ids:
            return []
        comparison = self._comparison(campaign).record()
        return strip_items(campaign, Path(campaign.options.dist_mat_fpath), ids, comparison=comparison)

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Join the strips; the pool's structures carry their vectors."""
        options, ids = campaign.options, self._described(campaign)
        comparison = self._comparison(campaign).record()
        if options.distance_matrix:
            join_strips(
                campaign,
                Path(options.dist_mat_fpath),
                ids,
                lambda first, last: self._rows(campaign, first, last, comparison),
                standardize=options.standardize_distance_matrix,
                name=f"{campaign.step}.distances",
                run=campaign.run,
                step=campaign.step,
                metric=options.pdist_distance_type,
                normalized=options.normalize_rdf_vectors,
            )
        campaign.make_pool(ids)
        self._export(campaign, ids)
        return {"structures": len(ids), "dimensions": self._pool_vectors(campaign).shape[1], "comparison": comparison}

    def distances(self, campaign: Step) -> Distances | None:
        """Compute the matrix anew."""
        if not campaign.options.distance_matrix:
            return None
        ids, comparison = self._described(campaign), self._comparison(campaign).record()
        blocks = row_blocks(len(ids), lambda first, last: self._rows(campaign, first, last, comparison))
        standardize = campaign.options.standardize_distance_matrix
        return Distances(Path(campaign.options.dist_mat_fpath), ids, divided(blocks) if standardize else blocks())

    def _described(self, campaign: Step) -> list[str]:
        """Return the structures whose vectors are committed, in ascending order."""
        done = campaign.catalogue.work_items.outcomes(campaign.run, campaign.step, prefix=VECTORS)
        return sorted(name for record in done for name in record["payload"]["ids"])

    def _pool_vectors(self, campaign: Step) -> NDArray[np.float64]:
        if self._vectors_of_pool is None:
            name = campaign.options.property_name
            self._vectors_of_pool = pool_vectors(campaign, self._described(campaign), name)
        return self._vectors_of_pool

    def _comparison(self, campaign: Step) -> Comparison:
        options = campaign.options
        return Comparison.of_pool(
            self._pool_vectors(campaign), options.pdist_distance_type, options.normalize_rdf_vectors
        )

    def _rows(self, campaign: Step, first: int, last: int, comparison: dict[str, Any]) -> Matrix:
        vectors = self._pool_vectors(campaign)
        strips = -(-len(vectors) // (last - first))
        threads = campaign.threads(min(strips, campaign.num_replicas))
        return distance_rows(vectors, first, last, Comparison.of_record(comparison), threads)

    def _export(self, campaign: Step, ids: list[str]) -> None:
        """Write the jsons; without an output folder of its own the pool's files are written anew."""
        folder = campaign.options.output_dir
        own = campaign.options.output_pool if folder else None
        if folder is None:
            names = [entry["name"] for entry in campaign.steps]
            before = campaign.steps[: names.index(campaign.step)]
            pool = campaign.options.input_pool
            makers = [entry["options"] for entry in before if entry["options"].get("output_pool") == pool]
            folder = makers[-1]["output_dir"] if makers else campaign.options.import_folder
        campaign.export(ids, folder, campaign.options.output_format, own)
