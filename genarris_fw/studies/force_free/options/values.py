"""Types of options that the study's procedures share: boxes, and settings of which several values may be tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator

from genarris_fw.declaring.types import Said, flag, key, literal, number, one_of, several, whole


class Several:
    """Read one value, or a list of different ones; the option holds a list.

    Parameters
    ----------
    read : callable
        Reads one of them.
    name, words : str
        What one is called in tables, and in messages.
    least, most : float, optional
        Limits of a number.
    """

    def __init__(
        self, read: Callable[[Any], Any], name: str, words: str, least: float | None = None, most: float | None = None
    ) -> None:
        self.read, self.least, self.most = read, least, most
        limits = "" if least is None else f" from {least:.10g} to {most:.10g}"
        self.said = Said(f"{name} or list", f"{words}{limits}, or a list of different ones")

    def __call__(self, text: Any) -> list[Any]:
        """Return the values as a list."""
        given = literal(text)
        values = [self._one(part) for part in (several(given, 1) if isinstance(given, (list, tuple)) else [text])]
        if len({repr(value) for value in values}) < len(values):
            raise ValueError("a value is there twice")
        return values

    def _one(self, part: Any) -> Any:
        value = self.read(part)
        if self.least is not None and self.most is not None and not self.least <= value <= self.most:
            raise ValueError("out of bounds")
        return value


def three_weights(text: Any) -> list[float]:
    """Read three numbers from 0 to 1e12, not all of them 0."""
    value = several(text, 3)
    weights = [float(number(None if isinstance(part, str) else part)) for part in value]
    if len(weights) != 3 or min(weights) < 0 or max(weights) > 1e12 or not any(weights):
        raise ValueError("not three weights")
    return weights


class Weights(Several):
    """Read three weights, or a list of such triples."""

    def __init__(self) -> None:
        super().__init__(three_weights, "list", "three numbers not below 0, such as [1, 1, 0.95]")

    def __call__(self, text: Any) -> list[Any]:
        """Return the triples as a list."""
        given = literal(text)
        triples = isinstance(given, (list, tuple)) and all(isinstance(part, (list, tuple)) for part in given)
        return super().__call__(given if triples else [given])


def box(text: Any) -> list[list[float]]:
    """Read three pairs of numbers, the ends of a box along x, y and z; whether it is a box, the grid says."""
    pairs = several(text, 3)
    ends = [[float(number(None if isinstance(part, str) else part)) for part in several(pair, 2)] for pair in pairs]
    if len(ends) != 3 or any(len(pair) != 2 for pair in ends):
        raise ValueError("not three pairs")
    return ends


def nodes(text: Any) -> list[int]:
    """Read three whole numbers from 2 to 2000."""
    numbers = [whole(None if isinstance(part, str) else part) for part in several(text, 3)]
    if len(numbers) != 3 or not 2 <= min(numbers) <= max(numbers) <= 2000:
        raise ValueError("not three numbers of nodes")
    return numbers


def seeds(text: Any) -> int | list[int]:
    """Read how many seeds there are, or a list of them."""
    given = literal(text)
    if not isinstance(given, (list, tuple)):
        count = whole(text)
        if not 1 <= count <= 1000:
            raise ValueError("not a number of seeds")
        return count
    found = [whole(None if isinstance(part, str) else part) for part in several(given, 1)]
    if len(set(found)) < len(found) or min(found) < 0 or max(found) >= 2**31:
        raise ValueError("not seeds")
    return found


def names(text: Any) -> list[str]:
    """Read the name of a field, or a list of different ones."""
    given = literal(text)
    found = [key(part) for part in (several(given, 1) if isinstance(given, (list, tuple)) else [text])]
    if len(set(found)) < len(found):
        raise ValueError("a name is there twice")
    return found


def scale(text: Any) -> float | str:
    """Read a number above 0, or one of the words largest and potential."""
    word = str(literal(text)).strip().lower()
    if word in ("largest", "potential"):
        return word
    value = float(number(text))
    if not 1e-12 <= value <= 1e12:
        raise ValueError("not a scale")
    return value


def length(text: Any) -> float | str:
    """Read a number above 0, or the word field."""
    if str(literal(text)).strip().lower() == "field":
        return "field"
    value = float(number(text))
    if not 1e-12 <= value <= 1e12:
        raise ValueError("not a length")
    return value


_LAYERS = Several(whole, "int", "a whole number", 1, 64)
_UNITS = Several(whole, "int", "a whole number", 1, 4096)
_HISTORY = Several(whole, "int", "a whole number", 1, 10_000)
_ITERATIONS = Several(whole, "int", "a whole number", 1, 10**7)
_POINTS = Several(whole, "int", "a whole number", 1, 10**8)
_FLAGS = Several(flag, "bool", "True or False")
_TOLERANCE = Several(number, "float", "a number", 0, 0.999)
_TERM = Several(one_of("sin2", "sin1", "lorentz"), "str", "sin2, sin1 or lorentz")
_PRECISION = Several(one_of("float32", "float64", "mixed"), "str", "float32, float64 or mixed")
_MATRIX = Several(one_of("float64", "float32"), "str", "float64 or float32")
_OPTIMISER = Several(one_of("lbfgs", "bfgs", "broyden"), "str", "lbfgs, bfgs or broyden")
_SAMPLER = Several(one_of("uniform", "sobol", "low", "strong"), "str", "uniform, sobol, low or strong")
_BOUNDARY = Several(one_of("all", "bottom", "bottom_and_potential"), "str", "all, bottom or bottom_and_potential")
_SCALE = Several(scale, "float or str", "a number above 0, largest or potential")
_LENGTH = Several(length, "float or str", "a number above 0, or field")
_POWER = Several(number, "float", "a number", 0, 4)
_POINT_WEIGHT = Several(number, "float", "a number", 0, 1e6)
_FIT = Several(whole, "int", "a whole number", 0, 10**6)
_WEIGHTS = Weights()

Layers = Annotated[list[int], BeforeValidator(_LAYERS), _LAYERS.said]
Units = Annotated[list[int], BeforeValidator(_UNITS), _UNITS.said]
History = Annotated[list[int], BeforeValidator(_HISTORY), _HISTORY.said]
Iterations = Annotated[list[int], BeforeValidator(_ITERATIONS), _ITERATIONS.said]
PointNumbers = Annotated[list[int], BeforeValidator(_POINTS), _POINTS.said]
Flags = Annotated[list[bool], BeforeValidator(_FLAGS), _FLAGS.said]
Tolerances = Annotated[list[float], BeforeValidator(_TOLERANCE), _TOLERANCE.said]
ForceTerms = Annotated[list[str], BeforeValidator(_TERM), _TERM.said]
Precisions = Annotated[list[str], BeforeValidator(_PRECISION), _PRECISION.said]
Optimisers = Annotated[list[str], BeforeValidator(_OPTIMISER), _OPTIMISER.said]
MatrixTypes = Annotated[list[str], BeforeValidator(_MATRIX), _MATRIX.said]
Samplers = Annotated[list[str], BeforeValidator(_SAMPLER), _SAMPLER.said]
Boundaries = Annotated[list[str], BeforeValidator(_BOUNDARY), _BOUNDARY.said]
FieldScales = Annotated[list[float | str], BeforeValidator(_SCALE), _SCALE.said]
LengthScales = Annotated[list[float | str], BeforeValidator(_LENGTH), _LENGTH.said]
WeightTriples = Annotated[list[list[float]], BeforeValidator(_WEIGHTS), _WEIGHTS.said]
Powers = Annotated[list[float], BeforeValidator(_POWER), _POWER.said]
PointWeights = Annotated[list[float], BeforeValidator(_POINT_WEIGHT), _POINT_WEIGHT.said]
FitIterations = Annotated[list[int], BeforeValidator(_FIT), _FIT.said]
Seeds = Annotated[
    int | list[int],
    BeforeValidator(seeds),
    Said("int or list", "how many seeds, from 1 to 1000, or a list of different seeds not below 0"),
]
Names = Annotated[
    list[str], BeforeValidator(names), Said("str or list", "the name of a field, or a list of different ones")
]
Box = Annotated[
    list[list[float]],
    BeforeValidator(box),
    Said("list", "the ends along x, y and z, such as [[-1, 1], [-1, 1], [0, 2]]"),
]
Nodes = Annotated[
    list[int], BeforeValidator(nodes), Said("list", "three whole numbers from 2 to 2000, such as [64, 64, 64]")
]
Device = Annotated[str, BeforeValidator(one_of("cpu", "cuda")), Said("str", "cpu or cuda")]
PotentialMethod = Annotated[
    str, BeforeValidator(one_of("fft", "green", "neumann")), Said("str", "fft, green or neumann")
]
