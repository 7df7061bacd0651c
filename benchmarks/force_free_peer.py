"""The loss and its gradient by torch: spatial derivatives by forward tangents, or all by automatic differentiation.

Peers of `genarris_fw.studies.force_free.network`, written from the paper's equation 8 alone, one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

CHUNK = 500
TINY = 1e-12


def peer(
    layers: Sequence[tuple[np.ndarray, np.ndarray]],
    boundary: np.ndarray,
    boundary_field: np.ndarray,
    interior: np.ndarray,
    tangents: bool,
    dtype: Any = torch.float32,
) -> Callable[[], tuple[float, np.ndarray]]:
    """Return a function that gives the loss and its gradient, in the order of the parameters.

    Parameters
    ----------
    layers : sequence of (weight, bias)
        Of `Shape.unpack`: a layer is ``u @ weight + bias``; the last pair is the quasi-output layer.
    boundary, boundary_field, interior : (k, 3) ndarray
        The points.
    tangents : bool
        Whether the three spatial derivatives are carried along; else torch differentiates the network for them.
    dtype
        ``torch.float32`` or ``torch.float64``.
    """
    torch.set_num_threads(1)
    full = [tuple(torch.tensor(part, dtype=dtype, requires_grad=True) for part in layer) for layer in layers]
    points, given, inside = (torch.tensor(rows, dtype=dtype) for rows in (boundary, boundary_field, interior))
    jacobian = _by_tangents if tangents else _by_differentiation
    parameters = [part for layer in full for part in layer]

    def loss() -> tuple[float, np.ndarray]:
        for part in parameters:
            part.grad = None
        total = 0.0
        for rows in range(0, len(points), 4 * CHUNK):
            chosen = slice(rows, rows + 4 * CHUNK)
            part = ((_network(full, points[chosen]) - given[chosen]) ** 2).sum() / len(points)
            part.backward()
            total += part.item()
        for rows in range(0, len(inside), CHUNK):
            part = _residuals(*jacobian(full, inside[rows : rows + CHUNK])) / len(inside)
            part.backward()
            total += part.item()
        return total, np.concatenate([part.grad.numpy().ravel() for part in parameters])

    return loss


def _network(layers: Any, x: Any) -> Any:
    *hidden, (weight, bias), (scale, shift) = layers
    for w, b in hidden:
        x = torch.tanh(x @ w + b)
    return (x @ weight + bias) * scale + shift


def _by_tangents(layers: Any, x: Any) -> tuple[Any, Any]:
    """The field (k, 3), and dB_i / dx_j as (j, k, i)."""
    *hidden, (weight, bias), (scale, shift) = layers
    slopes = torch.eye(3, dtype=x.dtype)[:, None, :].expand(3, len(x), 3)
    for w, b in hidden:
        x = torch.tanh(x @ w + b)
        slopes = (slopes @ w) * (1.0 - x * x)
    return (x @ weight + bias) * scale + shift, (slopes @ weight) * scale


def _by_differentiation(layers: Any, x: Any) -> tuple[Any, Any]:
    x = x.clone().requires_grad_(True)
    field = _network(layers, x)
    rows = [torch.autograd.grad(field[:, i].sum(), x, create_graph=True)[0] for i in range(3)]
    return field, torch.stack(rows, dim=-1).permute(1, 0, 2)


def _residuals(field: Any, slopes: Any) -> Any:
    """The sum of (div B)^2 and of the squared sine between curl B and B."""
    divergence = slopes[0, :, 0] + slopes[1, :, 1] + slopes[2, :, 2]
    curl = torch.stack(
        [
            slopes[1, :, 2] - slopes[2, :, 1],
            slopes[2, :, 0] - slopes[0, :, 2],
            slopes[0, :, 1] - slopes[1, :, 0],
        ],
        dim=-1,
    )
    force = torch.linalg.cross(curl, field)
    sine = (force**2).sum(1) / ((curl**2).sum(1) * (field**2).sum(1) + TINY)
    return (divergence**2 + sine).sum()
