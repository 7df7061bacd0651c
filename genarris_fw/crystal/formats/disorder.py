"""Disorder: sites that are atoms in a part of the crystal only, and which of them belong together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from genarris_fw.crystal.formats.sites import Sites, named
from genarris_fw.crystal.reading import Reading
from genarris_fw.errors import InputError

_WHOLE = 1e-3  # by how much an occupancy may be off from 1, or from one half
_SAME = 0.02  # within which the occupancies of one disordered part agree


def occupied(sites: Sites, reading: Reading) -> Sites:
    """Return the sites that are whole atoms, or of disordered ones the largest part if that is asked for.

    Raises
    ------
    InputError
        For disorder where it is to be refused, or where no part is the largest.
    """
    there = np.flatnonzero(sites.occupancies > 0)
    if len(there) < len(sites):
        reading.note(f"{_counted(len(sites) - len(there))} of occupancy 0 left out")
        sites = sites.only(there.tolist())
    if not len(there):
        raise InputError("no atoms: all have the occupancy 0")
    partial = _partial(sites)
    if not partial:
        return sites
    names = named([f"{sites.labels[i]} ({sites.occupancies[i]:g})" for i in partial])
    if reading.disorder == "refuse":
        raise InputError(
            f"disordered: {names} are no whole atoms (occupancy); read it with disorder = major, which takes the "
            "largest part, or leave one part in the file"
        )
    left_out = _minor(sites, partial)
    kept = [i for i in range(len(sites)) if i not in left_out]
    minor = named([sites.labels[i] for i in sorted(left_out)])
    reading.note(
        f"disordered: the largest part is taken, {minor} left out"
        if left_out
        else f"disordered: {names} taken as whole atoms"
    )
    taken = sites.only(kept)
    return replace(taken, occupancies=np.ones(len(taken)))


def _partial(sites: Sites) -> list[int]:
    """The sites that are no whole atoms: by their occupancy, or since their assembly has alternative groups."""
    alternatives: dict[str, set[str]] = {}
    for assembly, group in zip(sites.assemblies, sites.groups, strict=True):
        if group:
            alternatives.setdefault(assembly, set()).add(group)
    return [
        i
        for i, occupancy in enumerate(sites.occupancies.tolist())
        if occupancy < 1 - _WHOLE or (sites.groups[i] and len(alternatives[sites.assemblies[i]]) > 1)
    ]


def _minor(sites: Sites, partial: list[int]) -> set[int]:
    """The sites of all parts but the largest of each disordered assembly."""
    if negative := [sites.labels[i] for i in partial if sites.groups[i].startswith("-")]:
        raise InputError(
            f"disordered about a symmetry element: {named(negative)}; no part of it has the symmetry of the space "
            "group. Give the file in a lower group, with one part"
        )
    alone = [i for i in partial if not sites.groups[i]]
    smaller = [i for i in alone if sites.occupancies[i] < 0.5 - _WHOLE]
    larger = [i for i in alone if sites.occupancies[i] > 0.5 + _WHOLE]
    if len(smaller) + len(larger) < len(alone) or (len(smaller) > 1 and not larger):
        what = [sites.labels[i] for i in alone if i not in larger]
        raise InputError(
            f"disordered: of {named(what)} none has an occupancy above one half, and nothing says which of them belong "
            "together (_atom_site_disorder_group); leave one part in the file"
        )
    left_out = set(smaller)
    for members in _assemblies(sites):
        sizes: dict[str, float] = {}
        for i in members:
            sizes[sites.groups[i]] = max(sizes.get(sites.groups[i], 0.0), float(sites.occupancies[i]))
        if len(sizes) == 1 and max(sizes.values()) < 0.5 - _WHOLE:
            left_out |= set(members)  # there more often not than there
            continue
        largest = max(sizes, key=lambda group: sizes[group])  # the first of equal ones
        left_out |= {i for i in members if sites.groups[i] != largest}
    return left_out


def _assemblies(sites: Sites) -> Iterator[list[int]]:
    """The sites of each assembly that is disordered by itself.

    Many programs number the groups 1 and 2 wherever there is disorder, and name no assemblies: what is disordered by
    itself is told by its occupancies, p and 1 - p, then.
    """
    of_group = [i for i in range(len(sites)) if sites.groups[i]]
    for assembly in sorted({sites.assemblies[i] for i in of_group}):
        members = [i for i in of_group if sites.assemblies[i] == assembly]
        if assembly or len({sites.groups[i] for i in members}) != 2:
            yield members
            continue
        larger = {i: max(float(sites.occupancies[i]), 1 - float(sites.occupancies[i])) for i in members}
        part: list[int] = []
        for i in sorted(members, key=larger.__getitem__):
            if part and larger[i] - larger[part[-1]] > _SAME:
                yield part
                part = []
            part.append(i)
        yield part


def _counted(number: int) -> str:
    return "1 atom" if number == 1 else f"{number} atoms"
