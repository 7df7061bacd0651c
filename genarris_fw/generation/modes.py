"""The mode ``auto``: for each space group, rejection or packing, whichever gives more for the same work."""

from __future__ import annotations

from dataclasses import dataclass

from genarris_fw.generation.draws import Group, Sampling

PILOT_DRAWS = 1 << 15  # by rejection, over all occupations of the group
PILOT_PACKED = 1 << 8  # by packing
FEWEST = 16  # of each occupation
# One evaluation of a packing costs about as much as this many draws by rejection (benchmarks/generation.py). A fixed
# number, not a measurement: the choice must not depend on the machine.
DRAWS_PER_EVALUATION = 8.0


@dataclass(frozen=True)
class Pilot:
    """What a group's pilot draws gave.

    Attributes
    ----------
    mode : str
        The better one.
    rejection, packing : float
        Accepted structures per unit of work (a draw by rejection).
    """

    mode: str
    rejection: float
    packing: float


def pilot(group: Group, seed: int, volume_mean: float, volume_std: float) -> Pilot:
    """Choose a mode for a space group by a fixed number of draws in both.

    The same seed, molecule and options choose the same mode everywhere. A group in which neither pilot accepts
    anything is drawn by packing where something can move there, since one packing looks at many arrangements.
    """
    if group.hopeless(Sampling("rejection", seed, volume_mean, volume_std)):
        return Pilot("rejection", 0.0, 0.0)
    draws = max(FEWEST, PILOT_DRAWS // len(group))
    packed = max(FEWEST, PILOT_PACKED // len(group))
    rejected = accepted = evaluations = 0
    for placement in group.placements:
        rejected += len(placement.sampler.draw(seed, 0, draws, draws, volume_mean, volume_std)[1])
        _, numbers, _, _, looked_at = placement.packer.draw(seed, 0, packed, packed, volume_mean, volume_std)
        accepted, evaluations = accepted + len(numbers), evaluations + looked_at
    by_rejection = rejected / (draws * len(group))
    by_packing = accepted / (evaluations * DRAWS_PER_EVALUATION) if evaluations else 0.0
    if by_rejection == by_packing == 0.0:
        movable = any(placement.packer.variables for placement in group.placements)
        return Pilot("packing" if movable else "rejection", 0.0, 0.0)
    return Pilot("rejection" if by_rejection >= by_packing else "packing", by_rejection, by_packing)
