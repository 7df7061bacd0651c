"""Affinity_Propagation_Fixed_Clusters: cluster a pool by its distance matrix into a wanted number of clusters.

The search for the preference is a sequence of fits that follows from the pool and the options alone. A fit is a work
item: while one replica makes the next fit of the sequence, others make those that may come after it. So the answer
is the same for any number of replicas.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from bson import Binary
from numpy.typing import NDArray

from genarris_fw.catalogue.work_items import Item
from genarris_fw.clustering import (
    Clustering,
    ClusterSearch,
    Fit,
    affinities,
    choose_by_energy,
    kmedoids,
    minibatch_kmeans,
    require_memory,
    wanted_clusters,
)
from genarris_fw.descriptors import distance_matrix, read_matrix, submatrix
from genarris_fw.descriptors.matrix_file import Matrix
from genarris_fw.errors import RunFailed
from genarris_fw.files import write_text
from genarris_fw.procedures.kit.base import Campaign, Distances, Outcome, Procedure, explicit_serialize
from genarris_fw.procedures.kit.comparable import refuse_mixed
from genarris_fw.procedures.kit.matrices import load_matrix, store_blocks, store_matrix
from genarris_fw.procedures.kit.vectors import pool_vectors
from genarris_fw.procedures.options.affinity_propagation_fixed_clusters import AffinityPropagationFixedClustersOptions

Step = Campaign[AffinityPropagationFixedClustersOptions]

# A fit of fewer structures is over before another replica has heard of it.
FEW = 500
STRIP_PAIRS = 1 << 24


@explicit_serialize
class AffinityPropagationFixedClusters(Procedure[AffinityPropagationFixedClustersOptions]):
    """Cluster a pool; the exemplars are a pool of their own. Every row is found by its structure's id."""

    rounds = True
    # Loaded once by a replica.
    _matrix: Matrix | None = None
    _cluster_search: ClusterSearch | None = None

    def plan(self, campaign: Step) -> list[Item]:
        """Check everything that is needed, and return the first fit."""
        options, ids = campaign.options, campaign.pool_ids()
        if options.cluster_on_energy:
            self._energies(campaign, ids)
        if options.preference is None or options.cluster_method != "affinity":
            wanted_clusters(options.num_of_clusters, len(ids))
        self._require_memory(campaign, len(ids))
        if options.cluster_method == "affinity":
            return self.next_round(campaign) or [Item("single structure")]
        if options.cluster_method == "kmedoids":
            self._distances(campaign, ids)
        else:
            self._vectors(campaign, ids)
        return [Item(options.cluster_method)]

    def most_replicas(self, campaign: Step, items: int) -> int:
        """Return one where there is a single fit, or where fits take no time."""
        return self._fits_at_a_time(campaign) if len(campaign.pool_ids()) >= FEW else 1

    def _fits_at_a_time(self, campaign: Step) -> int:
        options = campaign.options
        search = options.cluster_method == "affinity" and options.preference is None
        return self.wanted_replicas(campaign) if search else 1

    def cores(self, campaign: Step, ranks: int) -> int:
        """Return the threads that a fit takes."""
        return max(super().cores(campaign, ranks), campaign.threads(self._fits_at_a_time(campaign)))

    def work(self, campaign: Step, item: Item) -> Outcome:
        """Make one fit."""
        if "preference" in item.payload:
            found = self._search(campaign).fit(float(item.payload["preference"]))
            return Outcome(_record(found) | {"damping": found.damping, "iterations": found.iterations})
        return Outcome(_record(self._without_search(campaign, campaign.pool_ids())))

    def next_round(self, campaign: Step) -> list[Item]:
        """Return the next fit of the search, and those that may follow, as many as there are replicas."""
        if campaign.options.cluster_method != "affinity" or len(campaign.pool_ids()) == 1:
            return []
        ahead = self._informed_search(campaign).ask_ahead(self.most_replicas(campaign, 0))
        # Those that were fitted ahead are items already.
        return [Item(f"preference {p!r}", {"preference": p}, priority=-i) for i, p in enumerate(ahead)]

    def collect(self, campaign: Step) -> dict[str, Any]:
        """Store labels and exemplars on the structures, make the pools, write the files."""
        ids = campaign.pool_ids()
        clustering = self._clustering(campaign)
        exemplars = [ids[row] for row in self._exemplar_rows(campaign, ids, clustering)]
        self._write_matrices(campaign, ids, exemplars)
        self._store(campaign, ids, clustering, exemplars)
        self._write_files(campaign, ids, exemplars, clustering)
        return {
            "structures": len(ids),
            "clusters": clustering.n_clusters,
            "method": campaign.options.cluster_method,
            "exemplars": exemplars,
            "preference": float(clustering.preference),
            "converged": bool(clustering.converged),
            "reached": bool(clustering.reached),
            "tried": [[float(p), int(k), bool(ok)] for p, k, ok in clustering.tried],
        }

    # ---- what is clustered

    def _distances(self, campaign: Step, ids: list[str]) -> Matrix:
        """Return the pool's distances: a memory map where they are a matrix file as a whole."""
        options = campaign.options
        if self._matrix is None:
            if options.matrix_step:
                self._matrix = load_matrix(campaign, f"{options.matrix_step}.distances", ids)
            elif options.dist_mat_input_file:
                named = options.dist_mat_ids_file
                listed = Path(named).read_text().split() if named else None
                matrix, rows = read_matrix(Path(options.dist_mat_input_file), ids=listed)
                self._matrix = matrix if rows == ids else submatrix(matrix, rows, ids)
            else:
                raise RunFailed(f"{campaign.step}: there is no distance matrix of its pool")
        return self._matrix

    def _vectors(self, campaign: Step, ids: list[str]) -> NDArray[np.float64]:
        return pool_vectors(campaign, ids, campaign.options.vectors_name)

    def _rdf_summary(self, campaign: Step) -> dict[str, Any]:
        """Return how the step that made the vectors compares them; empty for imported ones."""
        step = campaign.options.vectors_step
        return dict(campaign.summary(step)["comparison"]) if step else {}

    def _require_memory(self, campaign: Step, n: int) -> None:
        options = campaign.options
        require_memory(options.cluster_method, n, solver=options.solver)

    # ---- fits

    def _search(self, campaign: Step) -> ClusterSearch:
        if self._cluster_search is None:
            options, ids = campaign.options, campaign.pool_ids()
            self._require_memory(campaign, len(ids))
            self._cluster_search = ClusterSearch(
                self._distances(campaign, ids),
                options.num_of_clusters,
                tolerance=options.num_of_clusters_tolerance,
                preference_range=options.preference_range,
                affinity_type=tuple(options.affinity_type),
                damping=options.damping,
                convergence_iter=options.convergence_iter,
                max_iter=options.max_iter,
                max_sampled_preferences=options.max_sampled_preferences,
                preference=options.preference,
                output_without_success=options.output_without_success,
                solver=options.solver,
                threads=campaign.threads(self.most_replicas(campaign, 0)),
            )
        return self._cluster_search

    def _informed_search(self, campaign: Step) -> ClusterSearch:
        """Return the search, told of every fit of its path that is committed."""
        search, done = self._search(campaign), _fits(campaign)
        while (ahead := search.ask_ahead(1)) and ahead[0] in done:
            search.tell(done[ahead[0]])
        return search

    def _without_search(self, campaign: Step, ids: list[str]) -> Clustering:
        options = campaign.options
        number, seed = options.num_of_clusters, campaign.seed
        self._require_memory(campaign, len(ids))
        if options.cluster_method == "minibatch_kmeans":
            vectors = self._vectors(campaign, ids)
            comparison = self._rdf_summary(campaign)
            if comparison:
                vectors = vectors / np.array(comparison["divisors"])
            return minibatch_kmeans(vectors, number, seed=seed)
        if options.cluster_method == "kmedoids":
            return kmedoids(
                self._distances(campaign, ids),
                number,
                seed=seed,
                threads=campaign.threads(self.most_replicas(campaign, 0)),
            )
        return self._search(campaign).result()  # of a single structure

    def _clustering(self, campaign: Step) -> Clustering:
        """Return the accepted clustering: its fit as it was committed, whoever made it."""
        if campaign.options.cluster_method == "affinity" and len(campaign.pool_ids()) > 1:
            search = self._informed_search(campaign)
            pending = search.ask_ahead(1)
            if pending:
                raise RunFailed(f"{campaign.step}: the fit at preference {pending[0]:g} failed: {_failure(campaign)}")
            return search.result()
        done = campaign.catalogue.work_items.outcomes(campaign.run, campaign.step)
        if not done:
            raise RunFailed(f"{campaign.step}: {_failure(campaign)}")
        outcome = done[0]["outcome"]
        labels, exemplars = _labels(outcome)
        return Clustering(labels, exemplars, 0.0, len(exemplars), outcome["converged"], [])

    # ---- what comes of it

    def _energies(self, campaign: Step, ids: list[str]) -> NDArray[np.float64]:
        name = campaign.options.energy_name
        energies = campaign.properties(ids, name)
        without = [struct for struct, energy in zip(ids, energies) if energy is None]
        if without:
            raise RunFailed(
                f"{campaign.step}: cluster_on_energy needs the property '{name}', and {len(without)} structures lack "
                f"it (first {without[0]}): evaluate energies before, or name another energy_name"
            )
        refuse_mixed(campaign, ids, name)
        return np.array(energies, dtype=float)

    def _exemplar_rows(self, campaign: Step, ids: list[str], clustering: Clustering) -> list[int]:
        """Return one row per cluster: the centre that the method chose, or the lowest energy."""
        if not campaign.options.cluster_on_energy:
            return [int(row) for row in clustering.exemplars]
        return [int(row) for row in choose_by_energy(clustering.labels, self._energies(campaign, ids))]

    def _write_matrices(self, campaign: Step, ids: list[str], exemplars: list[str]) -> None:
        """Write the similarities, and the distances between the exemplars under the name of this step."""
        options, chosen = campaign.options, sorted(exemplars)
        if options.cluster_method == "affinity":
            distances, kind = self._distances(campaign, ids), tuple(options.affinity_type)
            rows = max(1, STRIP_PAIRS // len(ids))
            blocks = (affinities(distances[i : i + rows], kind) for i in range(0, len(ids), rows))
            path = Path(options.affinity_matrix_path)
            store_blocks(campaign, path, blocks, ids, f"{campaign.step}.affinities")
        # What a second clustering reads.
        between = self._between(campaign, ids, chosen)
        store_matrix(campaign, Path(options.exemplars_matrix_file), between, chosen, f"{campaign.step}.distances")

    def _between(self, campaign: Step, ids: list[str], chosen: list[str]) -> Matrix:
        """Return the distances between the exemplars."""
        if campaign.options.dist_mat_input_file or campaign.options.matrix_step:
            return submatrix(self._distances(campaign, ids), ids, chosen)
        comparison = self._rdf_summary(campaign)
        vectors = self._vectors(campaign, chosen) / np.array(comparison.get("divisors", 1.0))
        return distance_matrix(vectors, comparison.get("metric", "euclidean"))

    def distances(self, campaign: Step) -> Distances | None:
        """Compute the distances between the exemplars anew."""
        chosen = sorted(campaign.summary(campaign.step)["exemplars"])
        path = Path(campaign.options.exemplars_matrix_file)
        return Distances(path, chosen, [self._between(campaign, campaign.pool_ids(), chosen)])

    def _store(
        self,
        campaign: Step,
        ids: list[str],
        clustering: Clustering,
        exemplars: list[str],
    ) -> None:
        options = campaign.options
        keys = (f"properties.{options.property_key}", f"properties.{options.exemplar_key}")
        labels = [int(label) for label in clustering.labels]
        campaign.set_fields({n: {keys[0]: label, keys[1]: exemplars[label]} for n, label in zip(ids, labels)})
        campaign.make_pool(ids)
        campaign.make_pool(exemplars, options.exemplars_pool)
        campaign.log("clustered", structures=len(ids), clusters=clustering.n_clusters)

    def _write_files(
        self,
        campaign: Step,
        ids: list[str],
        exemplars: list[str],
        clustering: Clustering,
    ) -> None:
        options = campaign.options
        chosen = options.exemplars_pool
        campaign.export(ids, options.output_dir, options.output_format, options.output_pool)
        campaign.export(exemplars, options.exemplars_output_dir, options.exemplars_output_format, chosen)
        if campaign.sees_folder():
            text = account(ids, clustering, exemplars, options.cluster_method)
            write_text(campaign.prepared(Path(options.output_file)), text)
            if options.plot_histograms:
                self._plot(campaign, ids, exemplars)

    def _plot(self, campaign: Step, ids: list[str], exemplars: list[str]) -> None:
        from genarris_fw.pictures import clustering_histograms

        clustering_histograms(
            campaign.structures(ids),
            campaign.structures(sorted(exemplars)),
            campaign.prepared(campaign.folder / "pictures").parent,
            prop_figname=f"{campaign.step}_volumes",
            spg_bar_chart_fname=f"{campaign.step}_space_groups",
        )


def _record(found: Fit | Clustering) -> dict[str, Any]:
    """Return what a work item keeps of a division into clusters."""
    return {
        "clusters": int(found.n_clusters),
        "converged": bool(found.converged),
        "labels": Binary(np.asarray(found.labels, dtype="<i4").tobytes()),
        "exemplars": [int(row) for row in found.exemplars],
    }


def _labels(outcome: dict[str, Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.frombuffer(outcome["labels"], dtype="<i4").astype(np.intp), np.array(outcome["exemplars"], dtype=np.intp)


def _fits(campaign: Step) -> dict[float, Fit]:
    """Return the committed fits of a search by preference."""
    fits = {}
    for record in campaign.catalogue.work_items.outcomes(campaign.run, campaign.step):
        outcome, preference = record["outcome"], record["payload"].get("preference")
        if preference is not None:
            about = (outcome["converged"], outcome["damping"], outcome["iterations"])
            fits[preference] = Fit(preference, *_labels(outcome), *about)
    return fits


def _failure(campaign: Step) -> str:
    failures = campaign.catalogue.work_items.failures(campaign.run, campaign.step)
    return str(failures[0]["error"]) if failures else "nothing was clustered"


def account(ids: list[str], clustering: Clustering, exemplars: list[str], method: str = "affinity") -> str:
    """Return what the search tried and what came out, for ``output_file``."""
    how = f"preference {clustering.preference:g}" if method == "affinity" else method
    lines = [
        f"structures {len(ids)}, clusters {clustering.n_clusters}, {how}, "
        f"{'converged' if clustering.converged else 'closest that was found'}",
        "",
    ]
    if clustering.tried:
        lines += ["preference  clusters  converged"]
        lines += [f"{p:<11g} {k:<9d} {'yes' if ok else 'no'}" for p, k, ok in clustering.tried]
        lines += [""]
    labels = np.asarray(clustering.labels)
    lines += ["cluster  size  exemplar"]
    lines += [f"{i:<8d} {int((labels == i).sum()):<5d} {name}" for i, name in enumerate(exemplars)]
    return "\n".join(lines) + "\n"
