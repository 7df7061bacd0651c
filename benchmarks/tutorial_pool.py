"""Draw the documentation's picture of the Genarris 2.0 tutorial's pool, clustered as published.

    python benchmarks/tutorial_pool.py FOLDER [--out docs/figures/tutorial_pool]

FOLDER holds the tutorial's 89 jsons (benzene, Z = 2).
"""

import argparse
from pathlib import Path

from genarris_fw.clustering import affinity_propagation
from genarris_fw.crystal import read_folder
from genarris_fw.descriptors import distance_matrix, rdf
from genarris_fw.pictures import pool_overview, principal_components, save, values_of


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/figures/tutorial_pool"))
    parser.add_argument("--format", default="svg", choices=["svg", "png"])
    chosen = parser.parse_args()
    pool = sorted(read_folder(chosen.folder), key=lambda structure: structure.struct_id)
    vectors = rdf(pool, Rs_range=(1, 10))
    distances = distance_matrix(vectors, normalize=True, standardize=True)
    found = affinity_propagation(distances, preference=-421.053)
    sets = {"pool": pool, "exemplars": [pool[row] for row in found.exemplars]}
    figure = pool_overview(
        {name: values_of(chosen_ones, "volume_per_molecule") for name, chosen_ones in sets.items()},
        {name: [structure.properties["spg"] for structure in chosen_ones] for name, chosen_ones in sets.items()},
        principal_components(vectors),
        found.labels,
        found.exemplars,
        distances,
        distance_label="distance (largest = 1)",
    )
    for path in save(figure, chosen.out, [chosen.format]):
        print(f"{found.n_clusters} clusters: {path}")


if __name__ == "__main__":
    main()
