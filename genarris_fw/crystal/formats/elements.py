"""Which element a file's symbols and labels of atoms mean."""

from __future__ import annotations

import re
from collections.abc import Collection

from ase.data import atomic_numbers

from genarris_fw.errors import InputError
from genarris_fw.showing import shown

HEAVY_HYDROGEN = ("D", "T")
_DUMMIES = re.compile(
    r"(X|Xx|Q|Du|Dum|DUM|DU|Dummy|DUMMY|Cnt|CNT|Cg|Cent|CENT|Bq|BQ|Gh|Lp|LP)[\d(].*|"
    r"X|Xx|XX|Q|Du|DU|Dum|DUM|Dummy|DUMMY|Cnt|CNT|Cg|Cent|CENT|Bq|BQ|Lp|LP"
)
# Labels in large letters whose second one is neither a place in a molecule (A, B, G, D, E, Z, H: alpha, beta, ...) nor
# a neighbour (HO, HN), so that nobody means carbon L, boron R, ...
_PLAIN = frozenset({"CL", "BR", "SI", "FE", "IN", "IR", "KR", "YB"})
_WITH_KINDS = frozenset("HBCNOFPSID")
_LAST_OF_LABELS = 96  # curium: CN, CF, NH, NO, OG are no labels of heavier elements


def is_element(name: str) -> bool:
    """Tell whether a text is the symbol of an element."""
    return name != "X" and name in atomic_numbers


def is_dummy(name: str) -> bool:
    """Tell whether a symbol or label stands for a point that is no atom: X, Q, Du, Cnt, Cg, ..."""
    return _DUMMIES.fullmatch(name) is not None


def element_of_symbol(symbol: str) -> str | None:
    """Return the element that a type symbol means, None where it means none.

    Parameters
    ----------
    symbol : str
        ``Cl``, ``CL``, ``O2-``, ``Na+``, ``Fe3+``, ``C5``, ``Cval``, ``D``; letters large or small.

    Returns
    -------
    str or None
        The symbol of an element; D and T as they are.
    """
    match = re.match(r"\s*([A-Za-z]+)", symbol)
    if match is None:
        return None
    letters = match[1]
    two, one = letters[:2].capitalize(), letters[:1].upper()
    if is_element(two):
        return two
    # Cval, Csp3, Oiso: kinds of atoms of these elements. Wat, Uuo: no tungsten, no uranium.
    usual = len(letters) == 1 or one in _WITH_KINDS
    return one if usual and (is_element(one) or one in HEAVY_HYDROGEN) else None


def element_of_label(label: str, known: Collection[str] = ()) -> str | None:
    """Return the element that an atom's label means, None where it means none.

    Parameters
    ----------
    label : str
        ``C1``, ``CL3``, ``H12A``, ``1HB``.
    known : collection of str, optional
        The elements of the formula, where there is one: they decide what can be read in two ways.

    Returns
    -------
    str or None

    Raises
    ------
    InputError
        For a label such as CA, CO or NB, which is a carbon or calcium, if the formula does not tell.
    """
    match = re.match(r"[\d\s'\"*_]*([A-Za-z]+)", label)
    if match is None:
        return None
    letters = match[1]
    two, one = letters[:2].capitalize(), letters[:1].upper()
    readings = [
        name for name in dict.fromkeys((two, one)) if atomic_numbers.get(name, 0) in range(1, _LAST_OF_LABELS + 1)
    ]
    if not readings and one in HEAVY_HYDROGEN:
        return one
    if known:
        readings = [name for name in readings if name in known] or readings
    if len(readings) < 2:
        return readings[0] if readings else None
    mixed = letters[0].isupper() and letters[1].islower()
    if mixed or letters[:2].upper() in _PLAIN:
        return two
    raise InputError(
        f"atom {shown(label)} can be {readings[0]} or {readings[1]}: add _atom_site_type_symbol (the element of each "
        "atom)"
    )
