"""Random molecular crystals: volume, compatible sites, cells and placements without overlap, the rigid press."""

from genarris_fw.generation.contacts import ContactRules, check_contacts, cutoff_matrix
from genarris_fw.generation.draws import Accepted, Group, Sampling
from genarris_fw.generation.generator import Generated, generate
from genarris_fw.generation.occupations import Occupation, occupations
from genarris_fw.generation.press import Pressed, press, press_fully
from genarris_fw.generation.sites import Site, compatible_sites
from genarris_fw.generation.volume import VolumeEstimate, estimate_volume, volume_estimate

__all__ = [
    "Accepted",
    "ContactRules",
    "Generated",
    "Group",
    "Occupation",
    "Pressed",
    "Sampling",
    "Site",
    "VolumeEstimate",
    "check_contacts",
    "compatible_sites",
    "cutoff_matrix",
    "estimate_volume",
    "generate",
    "occupations",
    "press",
    "press_fully",
    "volume_estimate",
]
