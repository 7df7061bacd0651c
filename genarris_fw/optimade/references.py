"""The articles on Genarris, served at ``/references``; CITATION.cff names the same."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

_SINCE = datetime(2026, 12, 1, tzinfo=timezone.utc)  # when one of these was last changed here


def _article(id_: str, title: str, authors: str, journal: str, where: str, year: int, **more: str) -> dict[str, Any]:
    volume, _, pages = where.partition(":")
    return {
        "id": id_,
        "type": "references",
        "last_modified": _SINCE,
        "bib_type": "article",
        "title": title,
        "authors": [{"name": name} for name in authors.split(", ")],
        "journal": journal,
        "volume": volume,
        "pages": pages,
        "year": str(year),
        **more,
    }


REFERENCES = [
    _article(
        "genarris-1",
        "Genarris: Random generation of molecular crystal structures and fast screening with a Harris approximation",
        "Xiayue Li, Farren S. Curtis, Timothy Rose, Christoph Schober, Alvaro Vazquez-Mayagoitia, Karsten Reuter, "
        "Harald Oberhofer, Noa Marom",
        "The Journal of Chemical Physics",
        "148:241701",
        2018,
        doi="10.1063/1.5014038",
    ),
    _article(
        "genarris-2",
        "Genarris 2.0: A random structure generator for molecular crystals",
        "Rithwik Tom, Timothy Rose, Imanuel Bier, Harriet O'Brien, Álvaro Vázquez-Mayagoitia, Noa Marom",
        "Computer Physics Communications",
        "250:107170",
        2020,
        url="https://arxiv.org/abs/1909.10629",
    ),
    _article(
        "genarris-3",
        "Genarris 3.0: Generating close-packed molecular crystal structures with rigid press",
        "Yi Yang, Rithwik Tom, Jose A. G. L. Wui, Jonathan E. Moussa, Noa Marom",
        "Journal of Chemical Theory and Computation",
        "21:11318-11332",
        2025,
        doi="10.1021/acs.jctc.5c01080",
    ),
]
