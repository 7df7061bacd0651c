"""The network computed by torch: on a GPU."""

from __future__ import annotations

from typing import Any

from genarris_fw.errors import InputError
from genarris_fw.memory import memory_here
from genarris_fw.studies.force_free.network.arithmetic import Array


class TorchArithmetic:
    """On a device of torch; the operations are those of `Arithmetic`.

    Parameters
    ----------
    dtype : str
        ``float32`` or ``float64``.
    device : str
        ``cuda``, or what else torch knows.

    Raises
    ------
    InputError
        When torch is missing, or finds no such device.
    """

    def __init__(self, dtype: str, device: str) -> None:
        try:
            import torch
        except ImportError:
            raise InputError(
                f"device = {device} needs torch, which is not installed: pip install 'genarris_fw[force_free]'"
            ) from None
        if device == "cuda" and not torch.cuda.is_available():
            raise InputError("device = cuda, but torch finds no GPU that it can use here: choose device = cpu")
        self.torch = torch
        self.device = torch.device(device)
        self.dtype = getattr(torch, dtype)

    def array(self, values: Array, precise: bool = False) -> Array:  # noqa: D102
        dtype = self.torch.float64 if precise else self.dtype
        if isinstance(values, self.torch.Tensor):
            return values.to(dtype)
        return self.torch.tensor(values, dtype=dtype, device=self.device)

    def numpy(self, values: Array) -> Any:  # noqa: D102
        return values.cpu().numpy()

    def memory(self) -> int:  # noqa: D102
        if self.device.type == "cuda":
            return int(self.torch.cuda.mem_get_info(self.device)[0])
        return memory_here()

    def empty(self, *shape: int, precise: bool = False) -> Array:  # noqa: D102
        dtype = self.torch.float64 if precise else self.dtype
        return self.torch.empty(shape, dtype=dtype, device=self.device)

    def multiply(self, a: Array, b: Array, out: Array) -> None:  # noqa: D102
        self.torch.matmul(a, b, out=out)

    def activate(self, z: Array, bias: Array, points: int) -> None:  # noqa: D102
        blocks = z.view(-1, points, z.shape[1])
        t = blocks[0]
        t.add_(bias).tanh_()
        blocks[1:] *= 1 - t * t

    def deactivate(self, gradient: Array, u: Array, points: int) -> None:  # noqa: D102
        g, blocks = (part.view(-1, points, u.shape[1]) for part in (gradient, u))
        t = blocks[0]
        slope = 1 - t * t
        bend = (g[1:] * blocks[1:]).sum(0)
        g *= slope
        g[0] -= 2 * t * bend
