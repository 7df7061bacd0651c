"""Affinity_Propagation_Fixed_Clusters: cluster a pool by its distance matrix into a wanted number of clusters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from genarris_fw.clustering import Clustering, affinity_matrix, affinity_propagation, choose_by_energy
from genarris_fw.descriptors import read_matrix, submatrix
from genarris_fw.errors import RunFailed
from genarris_fw.files import write_text
from genarris_fw.procedures.base import Campaign, Procedure, explicit_serialize
from genarris_fw.procedures.histograms import plot_histograms
from genarris_fw.procedures.matrices import load_matrix, store_matrix


@explicit_serialize
class AffinityPropagationFixedClusters(Procedure):
    """Cluster a pool; the exemplars are a pool of their own. Every row is found by its structure's id."""

    cheap = True

    def collect(self, campaign: Campaign) -> dict[str, Any]:
        """Cluster, store labels and exemplars on the structures, make the pools, write the files."""
        options = campaign.options
        ids = campaign.pool_ids()
        distances = self._distances(campaign, ids)
        clustering = affinity_propagation(
            distances,
            options["num_of_clusters"],
            tolerance=int(options["num_of_clusters_tolerance"]),
            preference_range=options.get("preference_range"),
            affinity_type=tuple(options["affinity_type"]),
            damping=float(options["damping"]),
            convergence_iter=int(options["convergence_iter"]),
            max_iter=int(options["max_iter"]),
            max_sampled_preferences=int(options["max_sampled_preferences"]),
            preference=options.get("preference"),
            output_without_success=bool(options["output_without_success"]),
        )
        exemplars = [ids[row] for row in self._exemplar_rows(campaign, ids, clustering)]
        self._store(campaign, ids, clustering, exemplars)
        self._write_files(campaign, ids, distances, exemplars, clustering)
        return {
            "structures": len(ids),
            "clusters": clustering.n_clusters,
            "exemplars": exemplars,
            "preference": float(clustering.preference),
            "converged": bool(clustering.converged),
            "tried": [[float(p), int(k), bool(ok)] for p, k, ok in clustering.tried],
        }

    def _distances(self, campaign: Campaign, ids: list[str]) -> np.ndarray:
        options = campaign.options
        if options.get("matrix_step"):
            return load_matrix(campaign, f"{options['matrix_step']}.distances", ids)
        matrix, rows = read_matrix(Path(options["dist_mat_input_file"]))
        return submatrix(matrix, rows, ids)

    def _exemplar_rows(self, campaign: Campaign, ids: list[str], clustering: Clustering) -> list[int]:
        """Return one row per cluster: the centre that affinity propagation chose, or the lowest energy."""
        if not campaign.options["cluster_on_energy"]:
            return [int(row) for row in clustering.exemplars]
        name = campaign.options["energy_name"]
        energies = campaign.properties(ids, name)
        without = [struct for struct, energy in zip(ids, energies) if energy is None]
        if without:
            raise RunFailed(
                f"{campaign.step}: cluster_on_energy needs the property '{name}', and {len(without)} structures lack "
                f"it (first {without[0]}): evaluate energies before, or name another energy_name"
            )
        return [int(row) for row in choose_by_energy(clustering.labels, np.array(energies, dtype=float))]

    def _store(self, campaign: Campaign, ids: list[str], clustering: Clustering, exemplars: list[str]) -> None:
        options = campaign.options
        keys = (f"properties.{options['property_key']}", f"properties.{options['exemplar_key']}")
        labels = [int(label) for label in clustering.labels]
        fields = [(struct, {keys[0]: label, keys[1]: exemplars[label]}, 0) for struct, label in zip(ids, labels)]
        campaign.catalogue.structures.set_fields(campaign.run, campaign.step, fields)
        campaign.make_pool(ids)
        campaign.make_pool(exemplars, options["exemplars_pool"])
        campaign.log("clustered", structures=len(ids), clusters=clustering.n_clusters)

    def _write_files(
        self,
        campaign: Campaign,
        ids: list[str],
        distances: np.ndarray,
        exemplars: list[str],
        clustering: Clustering,
    ) -> None:
        options, step = campaign.options, campaign.step
        affinities = affinity_matrix(distances, tuple(options["affinity_type"]))
        store_matrix(campaign, Path(options["affinity_matrix_path"]), affinities, ids, f"{step}.affinities")
        chosen = sorted(exemplars)
        between = submatrix(distances, ids, chosen)
        # Under the name of this step: what a second clustering reads.
        store_matrix(campaign, Path(options["exemplars_matrix_file"]), between, chosen, f"{step}.distances")
        campaign.export(ids, options["output_dir"], options["output_format"])
        campaign.export(exemplars, options["exemplars_output_dir"], options["exemplars_output_format"])
        if campaign.sees_folder():
            write_text(Path(options["output_file"]), account(ids, clustering, exemplars))
            if options["plot_histograms"]:
                pool, chosen_ones = campaign.structures(ids), campaign.structures(chosen)
                plot_histograms(pool, chosen_ones, campaign.folder / f"{step}_histograms.png")


def account(ids: list[str], clustering: Clustering, exemplars: list[str]) -> str:
    """Return what the search tried and what came out, for ``output_file``."""
    lines = [
        f"structures {len(ids)}, clusters {clustering.n_clusters}, preference {clustering.preference:g}, "
        f"{'converged' if clustering.converged else 'closest that was found'}",
        "",
        "preference  clusters  converged",
        *(f"{p:<11g} {k:<9d} {'yes' if ok else 'no'}" for p, k, ok in clustering.tried),
        "",
        "cluster  size  exemplar",
    ]
    labels = np.asarray(clustering.labels)
    lines += [f"{i:<8d} {int((labels == i).sum()):<5d} {name}" for i, name in enumerate(exemplars)]
    return "\n".join(lines) + "\n"
