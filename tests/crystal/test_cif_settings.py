"""All 530 settings of the space groups, by operations, Hall symbol, and symbol with its choice."""

import pytest
from crystals_of_settings import crystal_of

from genarris_fw.crystal.formats.cif import parse_cif
from genarris_fw.crystal.reading import Reading
from genarris_fw.errors import InputError

SETTINGS = range(1, 531)
# Å; the file's six decimals are 1e-5 Å in the largest cell.
SAME = 1e-3


@pytest.mark.parametrize("way", ["operations", "hall", "full", "short"])
def test_every_setting_is_read_as_it_is_meant(way):
    """Reference: the operations of spglib's database. Nothing is refused, nothing lies elsewhere."""
    wrong = []
    for number in SETTINGS:
        crystal = crystal_of(number)
        symmetry = {
            "operations": crystal.by_operations,
            "hall": crystal.by_hall,
            "full": crystal.by_symbol(full=True),
            "short": crystal.by_symbol(full=False),
        }[way]
        try:
            [found] = parse_cif(crystal.cif(symmetry), "x.cif", Reading())
        except InputError as error:
            wrong.append((number, crystal.kind.international_full, crystal.kind.choice, str(error)))
            continue
        farthest = crystal.farthest(found.fractional, found.species)
        if not farthest < SAME:
            wrong.append((number, crystal.kind.international_full, crystal.kind.choice, f"{farthest:.3f} Å off"))
    assert wrong == []
