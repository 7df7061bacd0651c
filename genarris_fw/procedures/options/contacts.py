"""Which contacts of molecules are too close: the options that generation and press share."""

from __future__ import annotations

from genarris_fw.declaring.option import option
from genarris_fw.declaring.types import ContactRulesName, PairDistances, Radii
from genarris_fw.options.base import SharedOptions


class ContactOptions(SharedOptions):
    """The rules of close contacts."""

    contact_rules: ContactRulesName = option(
        "Which contacts are too close: 2.0 and 3.x allow hydrogen bonds the distances that those versions of Genarris "
        "do, vdw knows radii only",
        "2.0",
    )
    custom_radii: Radii | None = option(
        'Van der Waals radii by element, such as {"H": 1.1}, in place of the tabulated ones; for contacts only, the '
        "volume estimate keeps its own",
        unit="Å",
        default_words="none",
    )
    custom_radii_by_pairs: PairDistances | None = option(
        'Smallest distances between atoms of two molecules by pair of elements, such as {"O-H": 1.5}; they go before '
        "radii and hydrogen bonds and are used as they are, not scaled by sr",
        unit="Å",
        default_words="none",
    )
