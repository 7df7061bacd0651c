"""The options of PINN_Train: which trainings there are, one for each field, settings and seed."""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Iterator
from typing import Any, ClassVar

from genarris_fw.declaring.option import derived, option
from genarris_fw.declaring.types import OutputFolder, Real, Whole
from genarris_fw.options.base import SharedOptions
from genarris_fw.options.resolving.draft import Bench, Draft
from genarris_fw.studies.force_free.options.fields import find_fields, known_shapes
from genarris_fw.studies.force_free.options.memory import training_too_large
from genarris_fw.studies.force_free.options.values import (
    Boundaries,
    Device,
    FieldScales,
    FitIterations,
    Flags,
    ForceTerms,
    History,
    Iterations,
    Layers,
    LengthScales,
    MatrixTypes,
    Names,
    Optimisers,
    PointNumbers,
    PointWeights,
    Powers,
    Precisions,
    Samplers,
    Seeds,
    Tolerances,
    Units,
    WeightTriples,
)

# Options of which every value is tried with every one of the others.
VARIED = (
    *("hidden_layers", "units", "quasi_output", "ff_term", "weights", "relative", "length_scale", "field_scale"),
    *("boundary", "boundary_points", "bottom_points", "interior_points", "sampler"),
    *("potential_weight", "fit_iterations"),
    *("optimiser", "matrix", "history", "max_iterations", "tolerance", "dtype"),
)


class PINNTrainOptions(SharedOptions):
    """Train networks to be force-free fields with the boundary of given ones; an item is a field, settings and a seed.

    Every option that takes a list stands for as many trainings as the list is long; several such for all combinations.
    """

    procedure: ClassVar[str] = "PINN_Train"
    order: ClassVar[int] = 440
    results: ClassVar[dict[str, str]] = {
        "trainings": "{} trained",
        "lowest_loss": "lowest loss {:.3g}",
        "cpu_seconds": "{:.0f} CPU s",
    }

    fields: Names | None = option(
        "Fields to learn", category="inferred", default_words="all reference fields that earlier steps make"
    )
    seeds: Seeds = option("How many seeds, counted from the run's seed, or a list of them", 1)
    hidden_layers: Layers = option("Hidden layers", [4])
    units: Units = option("tanh units of a hidden layer", [48])
    quasi_output: Flags = option("Whether a further layer scales and shifts each component of the output", [True])
    ff_term: ForceTerms = option(
        "Term of the force: sin2 (squared sine of the angle between B and curl B), sin1 (its sine), "
        "lorentz (squared force over squared field)",
        ["sin2"],
    )
    weights: WeightTriples = option("Weights of the boundary, the divergence and the force", [[100.0, 1.0, 1.0]])
    relative: Powers = option(
        "Squares at the boundary and of the divergence are divided by this power of the field scale there: 0 is the "
        "paper's loss; with 2 what is weak counts as much as what is strong",
        [2.0],
    )
    length_scale: LengthScales = option(
        "The divergence is divided by the square of this; field: of the l_0 by which the coordinates of a magnetogram "
        "were divided, as in the paper's loss of active regions",
        [1.0],
    )
    field_scale: FieldScales = option(
        "The field is this times what the network gives: a number; largest: that of the boundary; potential: what "
        "falls with distance as the potential field does",
        ["potential"],
    )
    boundary: Boundaries = option(
        "Where the field is known: on all faces, at the bottom, or there and elsewhere the potential field", ["all"]
    )
    boundary_points: PointNumbers | None = option("Nodes of the boundary, drawn at random", default_words="all of them")
    bottom_points: PointNumbers | None = option(
        "How many of the boundary_points are at the bottom", default_words="as likely as any others"
    )
    interior_points: PointNumbers = option("Points of the interior", [6000])
    sampler: Samplers = option(
        "How points of the interior are drawn: uniform, sobol (fewer gaps), low (half of them the denser the lower), "
        "strong (half of them the denser the stronger the potential field)",
        ["strong"],
    )
    potential_weight: PointWeights = option(
        "With bottom_and_potential: weight of a node where the potential field stands for what is not known; those of "
        "the bottom have 1",
        [1e-6],
    )
    fit_iterations: FitIterations = option(
        "Iterations by which a network is made like the potential field before it is trained; 0: none", [300]
    )
    optimiser: Optimisers = option(
        "lbfgs (as in the paper); bfgs or broyden, self-scaled, with the whole inverse Hessian: for small networks",
        ["broyden"],
    )
    matrix: MatrixTypes = option("Precision of the whole inverse Hessian", ["float64"])
    history: History = option("Steps that L-BFGS remembers", [50])
    max_iterations: Iterations = option("A training ends after so many iterations", [2000])
    max_cpu_seconds: Real | None = option(
        "It ends after so much CPU time, too; then no two trainings are the same",
        unit="s",
        ge=0.1,
        le=10**8,
        default_words="none",
    )
    tolerance: Tolerances = option("It stagnates where the loss falls by a smaller part than this", [1e-4])
    dtype: Precisions = option("Precision; mixed: float32, from stagnation on float64", ["mixed"])
    device: Device = option("Where the loss is computed; cuda needs torch", "cpu")
    chunk: Whole = option(
        "Points that are computed at once; their layers should fit into the cache", 500, ge=1, le=10**6
    )
    checkpoint_seconds: Real = option(
        "How often a training is kept so that it can go on after a kill",
        60.0,
        unit="s",
        ge=0,
        le=86400,
        changes_results=False,
    )
    output_dir: OutputFolder | None = option("Folder of the trained parameters", default_words="the step's name")
    shapes: dict[str, list[int]] = derived("Nodes of the fields, where they are known before the run", {})

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Find the fields."""
        draft.put("shapes", known_shapes(bench, find_fields(bench, draft)), "derived")
        bench.output_pool(draft)

    def settings(self) -> Iterator[dict[str, Any]]:
        """Yield the settings of a training, in all combinations."""
        shared = {name: getattr(self, name) for name in ("max_cpu_seconds", "device", "chunk")}
        lists = [getattr(self, name) or [None] for name in VARIED]
        for values in itertools.product(*lists):
            yield dict(zip(VARIED, values)) | shared

    @property
    def varied(self) -> list[str]:
        """The options of which there are several values."""
        return [name for name in VARIED if len(getattr(self, name) or ()) > 1]

    def problems_here(self) -> list[str]:
        """Say where torch is missing, or memory."""
        if self.device == "cuda" and importlib.util.find_spec("torch") is None:
            return [
                "device = cuda needs torch, which is missing: pip install 'genarris_fw[force_free]', or device = cpu"
            ]
        lines: dict[str, None] = {}
        for settings in self.settings():
            for shape in self.shapes.values() or [None]:
                lines |= dict.fromkeys(training_too_large(settings, shape, self.memory))
        return list(lines)
