"""The settings of the engine so3lr."""

from __future__ import annotations

from genarris_fw.engines.base import Settings


class SO3LRSettings(Settings):
    """None: weights, cutoffs, precision and device are fixed, and it does not relax."""
