"""Molecules told by their graphs: our search beside networkx's, for as many molecules as a pool has.

    python benchmarks/isomorphism.py FOLDER [--molecules 10000] [--only aspirin,...]

FOLDER holds the molecules (aspirin.in, tetracene.in, ...: geometry.in files). Every molecule comes with its atoms in an
order of its own, the worst case: a pool that was generated has one order, which is remembered. "found" is the time in
which each of them is laid upon the first, CPU seconds: ours as the fingerprints of a pool call it, colours and name
included, and networkx's two searches from the same bonds. "all" is the time for all the ways in which the molecule
can be laid upon itself, milliseconds. Prints a table; needs networkx.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from networkx.algorithms.isomorphism import GraphMatcher, categorical_node_match

from genarris_fw.clustering.kinds import isomorphisms, kind_of
from genarris_fw.crystal import read_molecule
from genarris_fw.crystal.bonds import bonds

Graph = tuple[tuple[str, ...], tuple[tuple[int, int], ...]]


def shuffled(species: Sequence[str], pairs: Sequence[tuple[int, int]], rng: np.random.Generator) -> Graph:
    place = rng.permutation(len(species))
    names = [""] * len(species)
    for atom, k in enumerate(place):
        names[k] = species[atom]
    return tuple(names), tuple(sorted(tuple(sorted((int(place[i]), int(place[j])))) for i, j in pairs))


def as_networkx(graph: Graph) -> nx.Graph:
    species, pairs = graph
    made = nx.Graph()
    made.add_nodes_from((k, {"element": name}) for k, name in enumerate(species))
    made.add_edges_from(pairs)
    return made


SAME_ELEMENT = categorical_node_match("element", "")


def by_vf2(graphs: Sequence[Graph]) -> list[dict[int, int]]:
    first = as_networkx(graphs[0])
    matchers = (GraphMatcher(first, as_networkx(graph), SAME_ELEMENT) for graph in graphs)
    return [next(matcher.isomorphisms_iter()) for matcher in matchers]


def by_vf2pp(graphs: Sequence[Graph]) -> list[dict[int, int]]:
    first = as_networkx(graphs[0])
    return [nx.vf2pp_isomorphism(first, as_networkx(graph), "element") for graph in graphs]


def by_us(graphs: Sequence[Graph]) -> list[dict[int, int]]:
    kind_of.cache_clear()
    return [dict(enumerate(kind_of(*graph)[1])) for graph in graphs]


def seconds(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    found = call()
    return time.process_time() - start, found


def check(graphs: Sequence[Graph], orders: Sequence[dict[int, int]], reference: Graph) -> None:
    """Every order found must take elements and bonds of the reference to those of the molecule."""
    for (species, pairs), order in zip(graphs, orders, strict=True):
        if any(species[order[i]] != name for i, name in enumerate(reference[0])):
            raise SystemExit("elements were mixed up")
        if {tuple(sorted((order[i], order[j]))) for i, j in reference[1]} != set(pairs):
            raise SystemExit("bonds were mixed up")


def ways(graph: Graph) -> tuple[float, float, int]:
    """Return the times of all ways onto itself, ours and networkx's, and their number."""
    kind, _ = kind_of(*graph)
    made = as_networkx(graph)
    ours, found = seconds(lambda: list(isomorphisms(kind.neighbours, kind.colours, kind.neighbours, kind.colours)))
    theirs, same = seconds(lambda: list(GraphMatcher(made, made, SAME_ELEMENT).isomorphisms_iter()))
    if len(found) != len(same):
        raise SystemExit("not the same number of ways")
    return ours, theirs, len(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--molecules", type=int, default=10_000)
    parser.add_argument("--only", default="aspirin,tetracene,urea_in_crystal")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    print(f"{'molecule':<20}{'found: ours':>13}{'vf2':>9}{'vf2pp':>9}{'all: ours':>14}{'vf2':>9}{'ways':>7}")
    for name in arguments.only.split(","):
        molecule = read_molecule(arguments.folder / f"{name}.in")
        pairs = bonds(molecule.species, molecule.positions)
        graphs = [shuffled(molecule.species, pairs, rng) for _ in range(arguments.molecules)]
        times = []
        for method in (by_us, by_vf2, by_vf2pp):
            spent, orders = seconds(partial(method, graphs))
            reference = graphs[0]
            if method is by_us:
                kind, _ = kind_of(*graphs[0])
                reference = (
                    kind.species,
                    tuple((i, j) for i, near in enumerate(kind.neighbours) for j in near if i < j),
                )
            check(graphs, orders, reference)
            times.append(spent)
        ours, theirs, number = ways(graphs[0])
        found = f"{times[0]:>13.2f}{times[1]:>9.2f}{times[2]:>9.2f}"
        print(f"{name:<20}{found}{1e3 * ours:>14.2f}{1e3 * theirs:>9.2f}{number:>7}")


if __name__ == "__main__":
    main()
