"""The loss of a network, against automatic differentiation, finite differences and other ways to compute it."""

import itertools
import sys
import tracemalloc

import numpy as np
import pytest

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.network import loss as loss_module
from genarris_fw.studies.force_free.network import memory
from genarris_fw.studies.force_free.network.envelope import Envelope
from genarris_fw.studies.force_free.network.initial import initial_parameters
from genarris_fw.studies.force_free.network.loss import Loss
from genarris_fw.studies.force_free.network.points import Points
from genarris_fw.studies.force_free.network.residuals import FORCE_TERMS
from genarris_fw.studies.force_free.network.shape import Shape

WEIGHTS = (1.3, 0.7, 0.95)
# Numbers, and what changes from place to place.
SCALES = {"length_scale": 1.9, "field_scale": 3.0}
ENVELOPE = {"length_scale": 1.9, "field_scale": Envelope(3.0, 2.5, (0.1, -0.2, -0.7)), "relative": 1.3}


def some_points(boundary=37, interior=53, seed=1):
    random = np.random.default_rng(seed)
    places = [random.uniform([-1, -1, 0], [1, 1, 2], (count, 3)) for count in (boundary, interior)]
    return Points(places[0], random.normal(0, 2, (boundary, 3)), places[1], random.random(boundary))


def some_parameters(shape, seed=2):
    # Biases that are not 0 as well.
    return initial_parameters(shape, seed) + np.random.default_rng(seed).normal(0, 0.3, shape.parameters)


def by_automatic_differentiation(torch, shape, points, p, term, weights, length_scale, field_scale, relative=0.0):
    """The loss as equation 8 of the paper says it, and its gradient, both derivatives by torch's autograd."""
    p = torch.tensor(p, requires_grad=True)
    place = 0

    def take(*size):
        nonlocal place
        count = int(np.prod(size))
        place += count
        return p[place - count : place].reshape(size)

    widths = [3, *[shape.units] * shape.hidden_layers, 3]
    layers = [(take(a, b), take(b)) for a, b in itertools.pairwise(widths)]
    last = (take(3), take(3)) if shape.quasi_output else (torch.ones(3), torch.zeros(3))

    def network(x):
        for weight, bias in layers[:-1]:
            x = torch.tanh(x @ weight + bias)
        x = x @ layers[-1][0] + layers[-1][1]
        return x * last[0] + last[1]

    def scale(x):
        if not isinstance(field_scale, Envelope):
            return torch.full((len(x),), field_scale, dtype=x.dtype)
        return (
            field_scale.size * (x - torch.tensor(field_scale.centre, dtype=x.dtype)).norm(dim=1) ** -field_scale.power
        )

    def mean(squares, x, trusted=1.0):
        return (torch.as_tensor(trusted) * squares / scale(x) ** relative).sum() / torch.as_tensor(trusted).expand(
            len(x)
        ).sum()

    x = torch.tensor(points.boundary)
    missed = (scale(x)[:, None] * network(x) - torch.tensor(points.boundary_field)).square().sum(1)
    boundary = mean(missed, x, points.boundary_weights)
    x = torch.tensor(points.interior, requires_grad=True)
    b = scale(x)[:, None] * network(x)
    rows = [torch.autograd.grad(b[:, i].sum(), x, create_graph=True)[0] / length_scale for i in range(3)]
    divergence = mean((rows[0][:, 0] + rows[1][:, 1] + rows[2][:, 2]).square(), x)
    current = torch.stack(
        [rows[2][:, 1] - rows[1][:, 2], rows[0][:, 2] - rows[2][:, 0], rows[1][:, 0] - rows[0][:, 1]], 1
    )
    force = torch.linalg.cross(current, b).square().sum(1)
    sizes = {"sin2": current.square().sum(1) * b.square().sum(1), "lorentz": b.square().sum(1)}
    sizes["sin1"] = current.norm(dim=1) * b.norm(dim=1)
    terms = [boundary, divergence, (force / (sizes[term] + 1e-12)).mean()]
    total = sum(weight * value for weight, value in zip(weights, terms, strict=True))
    return total.item(), torch.autograd.grad(total, p)[0].numpy(), [value.item() for value in terms]


@pytest.mark.parametrize(
    ("term", "quasi_output", "scales"),
    [*((term, True, SCALES) for term in FORCE_TERMS), ("sin2", False, SCALES), ("sin2", True, ENVELOPE)],
)
def test_automatic_differentiation_gives_the_same(term, quasi_output, scales):
    torch = pytest.importorskip("torch", reason="automatic differentiation is torch's")
    shape, points = Shape(3, 11, quasi_output), some_points()
    p = some_parameters(shape)
    loss = Loss(shape, points, WEIGHTS, term, "float64", chunk=9, **scales)
    value, gradient = loss(p)
    wanted, wanted_gradient, terms = by_automatic_differentiation(torch, shape, points, p, term, WEIGHTS, **scales)
    assert value == pytest.approx(wanted, rel=1e-12)
    assert gradient.shape == p.shape and gradient.dtype == np.float64
    assert np.abs(gradient - wanted_gradient).max() < 1e-10 * np.abs(wanted_gradient).max()
    assert loss.terms(p) == pytest.approx(
        {
            "boundary": WEIGHTS[0] * terms[0],
            "divergence": WEIGHTS[1] * terms[1],
            "force": WEIGHTS[2] * terms[2],
        },
        rel=1e-12,
    )


@pytest.mark.parametrize("term", FORCE_TERMS)
def test_finite_differences_give_the_gradient(term):
    """Along random directions; the error of central differences is of the order h^2."""
    shape = Shape(2, 9)
    loss = Loss(shape, some_points(), WEIGHTS, term, "float64", **ENVELOPE)
    p = some_parameters(shape)
    _, gradient = loss(p)
    for direction in np.random.default_rng(3).normal(size=(4, len(p))):
        h = 1e-5
        slope = (loss(p + h * direction)[0] - loss(p - h * direction)[0]) / (2 * h)
        assert slope == pytest.approx(gradient @ direction, rel=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_bits_every_time(dtype):
    shape, points = Shape(3, 16), some_points(101, 211)
    p = some_parameters(shape)
    first, second = (Loss(shape, points, WEIGHTS, dtype=dtype, chunk=32) for _ in range(2))
    value, gradient = first(p)
    first(p + 1.0)
    for loss in (first, second):
        again, gradient_again = loss(p)
        assert again == value
        assert gradient_again.tobytes() == gradient.tobytes()
        assert loss.terms(p) == loss.last_terms
        assert sum(loss.last_terms.values()) == value


def test_chunks_change_nothing_but_the_rounding():
    shape, points = Shape(3, 16), some_points(101, 211)
    p = some_parameters(shape)
    value, gradient = Loss(shape, points, WEIGHTS, dtype="float64", chunk=1000)(p)
    for chunk in (1, 7, 211):
        other, other_gradient = Loss(shape, points, WEIGHTS, dtype="float64", chunk=chunk)(p)
        assert other == pytest.approx(value, rel=1e-13)
        np.testing.assert_allclose(other_gradient, gradient, rtol=1e-11, atol=1e-13 * np.abs(gradient).max())


def test_single_precision_is_near():
    shape, points = Shape(3, 16), some_points(101, 211)
    p = some_parameters(shape)
    value, gradient = Loss(shape, points, WEIGHTS, dtype="float64")(p)
    single, single_gradient = Loss(shape, points, WEIGHTS, dtype="float32")(p)
    assert single == pytest.approx(value, rel=1e-5)
    assert single_gradient.dtype == np.float64
    assert 0 < np.abs(single_gradient - gradient).max() < 1e-5 * np.abs(gradient).max()


def test_length_scale_weakens_the_divergence_alone():
    """The paper's loss of active regions: the second term by 1 / l0^2, the third one as it was."""
    shape, points = Shape(2, 8), some_points()
    p = some_parameters(shape)
    one = Loss(shape, points, WEIGHTS, dtype="float64").terms(p)
    long = Loss(shape, points, WEIGHTS, dtype="float64", length_scale=50.0).terms(p)
    assert long == pytest.approx(one | {"divergence": one["divergence"] / 2500.0}, rel=1e-9)


def test_field_scale_is_that_of_the_last_layer():
    shape, points = Shape(2, 8), some_points()
    p = some_parameters(shape)
    larger = p.copy()
    larger[-6:] *= 6.0
    scaled = Loss(shape, points, WEIGHTS, dtype="float64", field_scale=6.0)
    assert scaled(p)[0] == pytest.approx(Loss(shape, points, WEIGHTS, dtype="float64")(larger)[0], rel=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_torch_gives_what_numpy_gives(monkeypatch, dtype):
    """What a GPU computes with, on the processor."""
    pytest.importorskip("torch", reason="the arithmetic of GPUs is torch's")
    from genarris_fw.studies.force_free.network.torch_arithmetic import TorchArithmetic

    shape, points = Shape(3, 16), some_points(101, 211)
    p = some_parameters(shape)
    p.flags.writeable = False
    value, gradient = Loss(shape, points, WEIGHTS, dtype=dtype, chunk=50, **ENVELOPE)(p)
    monkeypatch.setattr(loss_module, "arithmetic_for", lambda dtype, device: TorchArithmetic(dtype, "cpu"))
    other, other_gradient = Loss(shape, points, WEIGHTS, dtype=dtype, chunk=50, **ENVELOPE)(p)
    near = {"float32": 1e-5, "float64": 1e-12}[dtype]
    assert isinstance(other, float) and isinstance(other_gradient, np.ndarray)
    assert other == pytest.approx(value, rel=near)
    assert np.abs(other_gradient - gradient).max() < near * np.abs(gradient).max()


def test_a_field_is_fitted_without_points_inside():
    shape, points = Shape(2, 8), some_points()
    p = some_parameters(shape)
    nothing = np.empty((0, 3))
    both = Loss(shape, points, WEIGHTS, dtype="float64").terms(p)
    fit = Loss(
        shape,
        Points(points.boundary, points.boundary_field, nothing, points.boundary_weights),
        WEIGHTS,
        dtype="float64",
    )
    inside = Loss(shape, Points(nothing, nothing, points.interior), WEIGHTS, dtype="float64")
    assert fit.terms(p) == both | {"divergence": 0.0, "force": 0.0}
    assert inside.terms(p) == both | {"boundary": 0.0}
    np.testing.assert_allclose(
        fit(p)[1] + inside(p)[1], Loss(shape, points, WEIGHTS, dtype="float64")(p)[1], rtol=1e-9, atol=1e-12
    )


def test_steps_too_long_give_no_finite_loss():
    """A line search asks for such; nothing is printed and nothing raised."""
    shape = Shape(2, 8)
    with np.errstate(all="raise"):
        value, _ = Loss(shape, some_points(), WEIGHTS, dtype="float32")(np.full(shape.parameters, 1e38))
    assert not np.isfinite(value)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"weights": (1, 1)}, "weights are"),
        ({"weights": (1, -1, 1)}, "weights are"),
        ({"weights": (1, 1, float("nan"))}, "weights are"),
        ({"term": "cos"}, "choose one of sin2, sin1, lorentz"),
        ({"dtype": "float16"}, "choose float32 or float64"),
        ({"device": "tpu"}, "choose cpu or cuda"),
        ({"chunk": 0}, "chunk is 0"),
        ({"length_scale": 0.0}, "length_scale is 0.0"),
        ({"relative": float("nan")}, "relative is nan"),
        ({"field_scale": float("inf")}, "field_scale is inf"),
    ],
)
def test_bad_input(options, what):
    with pytest.raises(InputError, match=what) as caught:
        Loss(Shape(2, 8), some_points(), **options)
    assert "\n" not in str(caught.value)


def test_torch_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r"device = cuda needs torch.*pip install 'genarris_fw\[force_free\]'"):
        Loss(Shape(2, 8), some_points(), device="cuda")


def test_no_gpu(monkeypatch):
    torch = pytest.importorskip("torch", reason="the arithmetic of GPUs is torch's")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="torch finds no GPU that it can use here: choose device = cpu"):
        Loss(Shape(2, 8), some_points(), device="cuda")


def test_memory_is_asked_for_before_it_is_taken(monkeypatch):
    monkeypatch.setattr("genarris_fw.studies.force_free.network.arithmetic.memory_here", lambda: 10**6)
    with pytest.raises(InputError, match=r"37 \+ 530 points, 500 at once, need 0\.\d+ GB, and there are 0.001 GB"):
        Loss(Shape(5, 128), some_points(37, 530))


@pytest.mark.parametrize(
    ("shape", "boundary", "interior", "chunk"), [((2, 16), 8000, 9000, 100), ((5, 96), 10, 1000, 2000)]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_memory_is_what_was_said(shape, boundary, interior, chunk, dtype):
    """The peak of points and a loss stays below it and is not a small part of it."""
    shape = Shape(*shape)
    p = initial_parameters(shape, 0)
    tracemalloc.start()
    try:
        Loss(shape, some_points(boundary, interior), dtype=dtype, chunk=chunk)(p)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    said = memory.memory_needed(shape, boundary, interior, dtype, chunk)
    assert 0.5 * said < peak < said
