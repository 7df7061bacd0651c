"""The network at some points, with its derivatives by x, y and z; and back, the gradient by its parameters.

Derivatives by space go forward with the values (tangents), so that a layer is one product of matrices for all four,
and only the parameters need the way back: no second derivatives by automatic differentiation.
"""

from __future__ import annotations

from genarris_fw.studies.force_free.network.arithmetic import Arithmetic, Array
from genarris_fw.studies.force_free.network.shape import Shape

VALUES = 1
VALUES_AND_DERIVATIVES = 4

Layers = list[tuple[Array, Array]]


class Propagation:
    """Room for the layers of a chunk of points, and the two ways through them.

    Parameters
    ----------
    shape : Shape
    arithmetic : Arithmetic
    points : int
        The most points that are propagated at once.
    blocks : int
        ``VALUES``, or ``VALUES_AND_DERIVATIVES``.
    """

    def __init__(self, shape: Shape, arithmetic: Arithmetic, points: int, blocks: int) -> None:
        self.arithmetic = arithmetic
        self.shape = shape
        self.blocks = blocks
        rows = blocks * points
        self._layers = [arithmetic.empty(rows, into) for into, _ in shape.layers]
        self._out = arithmetic.empty(rows, 3)
        self._spare = arithmetic.empty(rows, shape.units)
        self._weights = [arithmetic.empty(*layer) for layer in shape.layers]
        self._quasi: Array = None

    def forward(self, layers: Layers, points: Array) -> Array:
        """Return the network, and its derivatives, at some points.

        Parameters
        ----------
        layers : list of (weight, bias)
        points : (n, 3) array

        Returns
        -------
        (blocks, n, 3) array of float64
            The three numbers that come out, then where wanted their derivatives by x, y and z.
        """
        n, rows = len(points), self.blocks * len(points)
        u = self._layers[0][:rows]
        u[:n] = points
        for k in range(1, self.blocks):
            u[k * n : (k + 1) * n] = 0.0
            u[k * n : (k + 1) * n, k - 1] = 1.0
        for (weight, bias), room in zip(layers, self._layers[1:], strict=False):
            z = room[:rows]
            self.arithmetic.multiply(u, weight, z)
            self.arithmetic.activate(z, bias, n)
            u = z
        weight, bias = layers[self.shape.hidden_layers]
        self.arithmetic.multiply(u, weight, self._out[:rows])
        out = self.arithmetic.array(self._out[:rows], precise=True).reshape(self.blocks, n, 3)
        out[0] += bias
        if self.shape.quasi_output:
            self._quasi = out
            weight, bias = layers[-1]
            out = out * weight
            out[0] += bias
        return out

    def backward(self, layers: Layers, adjoint: Array, gradient: Layers) -> None:
        """Add to the gradient by weights and biases, after `forward` at the same points.

        What `forward` left in the layers is overwritten.

        Parameters
        ----------
        layers : list of (weight, bias)
        adjoint : (blocks, n, 3) array of float64
            The gradient by what came out.
        gradient : list of (weight, bias)
            Of float64.
        """
        n, rows = adjoint.shape[1], self.blocks * adjoint.shape[1]
        if self.shape.quasi_output:
            by_weight, by_bias = gradient[-1]
            by_weight += (adjoint * self._quasi).sum((0, 1))
            by_bias += adjoint[0].sum(0)
            adjoint = adjoint * layers[-1][0]
        g = self.arithmetic.array(adjoint).reshape(rows, 3)
        free = self._spare
        for i in range(self.shape.hidden_layers, -1, -1):
            u = self._layers[i][:rows]
            by_weight, by_bias = gradient[i]
            self.arithmetic.multiply(u.T, g, self._weights[i])
            by_weight += self._weights[i]
            by_bias += g[:n].sum(0)
            if i > 0:
                below = free[:rows]
                self.arithmetic.multiply(g, layers[i][0].T, below)
                self.arithmetic.deactivate(below, u, n)
                g, free = below, self._layers[i]
