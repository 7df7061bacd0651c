"""How long leases last in tests: one number for all of them, larger where heartbeats may wait long for a core."""

from __future__ import annotations

import os

SCALE = float(os.environ.get("GENARRIS_FW_TEST_LEASES", "1"))


def scaled(seconds: float) -> float:
    """Return the seconds of a lease, or of what is measured in leases, as this machine needs them."""
    return SCALE * seconds
