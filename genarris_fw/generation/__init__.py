"""Random molecular crystals: volume, compatible sites, cells and placements without overlap."""

from genarris_fw.generation.contacts import check_contacts, cutoff_matrix
from genarris_fw.generation.generator import Accepted, Block, Generated, draw_block, generate
from genarris_fw.generation.sites import Site, compatible_sites
from genarris_fw.generation.volume import VolumeEstimate, estimate_volume, volume_estimate

__all__ = [
    "Accepted",
    "Block",
    "Generated",
    "Site",
    "VolumeEstimate",
    "check_contacts",
    "compatible_sites",
    "cutoff_matrix",
    "draw_block",
    "estimate_volume",
    "generate",
    "volume_estimate",
]
