"""How far a field is from what it must be, at each point, with the gradient by the field and its derivatives.

Zhang, Xu and Yan, equation 8: the field at the boundary, its divergence, and the angle between it and its current.
All in float64: twelve numbers a point are little beside the layers of the network.
"""

from __future__ import annotations

from genarris_fw.studies.force_free.network.arithmetic import Array

# The powers of |J| and of |B| that the squared force is divided by.
FORCE_TERMS = {"sin2": (2, 2), "sin1": (1, 1), "lorentz": (0, 2)}

# Added to what is divided by: where there is no current there is no angle either.
_LEAST = 1e-12
_NOT_ZERO = 1e-300
# Component i of the curl is the derivative of component a by coordinate b, less that of b by a.
_CURL = ((2, 1), (0, 2), (1, 0))


def boundary_residual(field: Array, wanted: Array, weights: Array) -> tuple[Array, Array]:
    """Return the sum of ``weights |B - B0|^2``, and its gradient by B.

    Parameters
    ----------
    field, wanted : (n, 3) array
    weights : (n, 1) array
    """
    difference = field - wanted
    weighted = weights * difference
    return (weighted * difference).sum(), 2.0 * weighted


def divergence_residual(jacobian: Array, weights: Array, adjoint: Array) -> Array:
    """Return the sum of ``weights (div B)^2`` and add its gradient to `adjoint`.

    Parameters
    ----------
    jacobian, adjoint : (3, n, 3) array
        ``[k, :, i]`` is the derivative of component i by coordinate k.
    weights : (n,) array
    """
    divergence = jacobian[0, :, 0] + jacobian[1, :, 1] + jacobian[2, :, 2]
    weighted = weights * divergence
    for i in range(3):
        adjoint[i, :, i] += 2.0 * weighted
    return (weighted * divergence).sum()


def force_residual(field: Array, jacobian: Array, term: str, weight: float, adjoint: Array) -> Array:
    """Return `weight` times the sum of the squared force, made relative, and add its gradient to `adjoint`.

    Parameters
    ----------
    field : (n, 3) array
    jacobian : (3, n, 3) array
        ``[k, :, i]`` is the derivative of component i by coordinate k.
    term : str
        With J = curl B: ``sin2``, ``|J x B|^2 / (|J|^2 |B|^2)``, the squared sine of the angle between them (the
        paper's); ``sin1``, ``|J x B|^2 / (|J| |B|)``; ``lorentz``, ``|J x B|^2 / |B|^2`` (Wheatland, Sturrock and
        Roumeliotis 2000, ApJ 540, 1150).
    weight : float
    adjoint : (4, n, 3) array
        By the field, then by its derivatives.
    """
    b = [field[:, i] for i in range(3)]
    j = [jacobian[k, :, i] - jacobian[i, :, k] for i, k in _CURL]
    force = _cross(j, b)
    jj, bb = _dot(j, j), _dot(b, b)
    of_current, of_field = FORCE_TERMS[term]
    product = jj ** (of_current / 2) * bb ** (of_field / 2)
    ratio = _dot(force, force) / (product + _LEAST)
    # d ratio = (2 force . d force - ratio d product) / (product + least), and d |J|^a = a |J|^a J . dJ / |J|^2
    outward = (2.0 * weight) / (product + _LEAST)
    inward = weight * ratio * product / (product + _LEAST)
    along_current = of_current * inward / (jj + _NOT_ZERO)
    along_field = of_field * inward / (bb + _NOT_ZERO)
    by_current, by_field = _cross(b, force), _cross(force, j)
    for i, (a, c) in enumerate(_CURL):
        adjoint[0, :, i] += outward * by_field[i] - along_field * b[i]
        change = outward * by_current[i] - along_current * j[i]
        adjoint[1 + c, :, a] += change
        adjoint[1 + a, :, c] -= change
    return weight * ratio.sum()


def _cross(a: list[Array], b: list[Array]) -> list[Array]:
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]


def _dot(a: list[Array], b: list[Array]) -> Array:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
