"""What the network is computed with: numpy, or torch on a GPU. The formulas stand elsewhere, once for both."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

import genarris_fw._kernels.tanh_layer as kernel
from genarris_fw.errors import InputError
from genarris_fw.memory import memory_here

Array = Any  # an array of numpy or a tensor of torch: both know slices, sums and the four operations


class Arithmetic(Protocol):
    """The few operations in which the two differ.

    Layers are matrices: one row for each point, and where derivatives are wanted three more blocks of as many rows,
    the derivatives along x, y and z.
    """

    def array(self, values: Array, precise: bool = False) -> Array:
        """Return numbers in the arithmetic's own type, or in float64 where that is wanted."""

    def numpy(self, values: Array) -> Any:
        """Return numbers as an array of numpy."""

    def memory(self) -> int:
        """Return how many bytes are free where it computes."""

    def empty(self, *shape: int, precise: bool = False) -> Array:
        """Return room for numbers."""

    def multiply(self, a: Array, b: Array, out: Array) -> None:
        """Put the product of two matrices into a third."""

    def activate(self, z: Array, bias: Array, points: int) -> None:
        """Turn the sums that come into a layer of tanh units into what comes out: t = tanh(z), t' = (1 - t^2) z'."""

    def deactivate(self, gradient: Array, u: Array, points: int) -> None:
        """Turn a gradient by what came out of a layer, `u`, into one by the sums that came in.

        With g by t and g' by t', of which there are three, by z' it is (1 - t^2) g', and by z it is
        (1 - t^2) g - 2 t sum g' t', since t' = (1 - t^2) z'.
        """


def arithmetic_for(dtype: str, device: str) -> Arithmetic:
    """Return numpy's arithmetic for ``cpu``, torch's for ``cuda``.

    numpy is the quicker one on a processor: OpenBLAS multiplies as fast as what torch comes with or faster, and tanh of
    float32 takes a seventh of the time.

    Raises
    ------
    InputError
        For another type or device, and when there is no torch or no GPU.
    """
    if dtype not in ("float32", "float64"):
        raise InputError(f"dtype is {dtype!r}; choose float32 or float64")
    if device == "cpu":
        return NumpyArithmetic(dtype)
    if device != "cuda":
        raise InputError(f"device is {device!r}; choose cpu or cuda")
    from genarris_fw.studies.force_free.network.torch_arithmetic import TorchArithmetic

    return TorchArithmetic(dtype, device)


class NumpyArithmetic:
    """On the processor."""

    def __init__(self, dtype: str) -> None:
        self.dtype = np.dtype(dtype)

    def array(self, values: Array, precise: bool = False) -> Array:  # noqa: D102
        return np.asarray(values, dtype=np.float64 if precise else self.dtype)

    def numpy(self, values: Array) -> Any:  # noqa: D102
        return values

    def memory(self) -> int:  # noqa: D102
        return memory_here()

    def empty(self, *shape: int, precise: bool = False) -> Array:  # noqa: D102
        return np.empty(shape, dtype=np.float64 if precise else self.dtype)

    def multiply(self, a: Array, b: Array, out: Array) -> None:  # noqa: D102
        np.matmul(a, b, out=out)

    def activate(self, z: Array, bias: Array, points: int) -> None:  # noqa: D102
        t = z[:points]
        t += bias
        np.tanh(t, out=t)
        if len(z) > points:
            kernel.multiply_by_slope(z.reshape(-1, points, z.shape[1]))

    def deactivate(self, gradient: Array, u: Array, points: int) -> None:  # noqa: D102
        if len(u) > points:
            blocks = (-1, points, u.shape[1])
            kernel.turn_back(gradient.reshape(blocks), u.reshape(blocks))
        else:
            gradient *= 1 - u * u
