"""A picture's SVG as a part of the page: in the page's colours and letters, its ids its own."""

from __future__ import annotations

import re
from html import escape

from genarris_fw.pictures.style import CLUSTERS, FAINT, INK, SETS, UNKNOWN

# The colours of the pictures, as variables that page.css gives a light and a dark value.
COLORS = {
    INK: "--ink",
    FAINT: "--faint",
    UNKNOWN: "--unknown",
    "#ffffff": "--paper",
    **{color: f"--set-{k}" for k, color in enumerate(SETS[:3])},
    **{color: f"--group-{k}" for k, color in enumerate(CLUSTERS)},
}
_COLOR = re.compile("|".join(map(re.escape, COLORS)), re.IGNORECASE)
# In an attribute of its own a variable means nothing: only styles are changed.
_STYLE = re.compile(r'style="[^"]*"')
_FONT = re.compile(r"'DejaVu Sans'[^;\"]*sans-serif")
_ID = re.compile(r'(\bid="|url\(#|xlink:href="#)')


def inlined(svg: str, name: str, title: str) -> str:
    """Return an ``<svg>`` element for the page.

    Parameters
    ----------
    svg : str
        A file that matplotlib wrote.
    name : str
        Unique on the page; ids begin with it.
    title : str
        What the picture shows, for those who do not see it.

    Returns
    -------
    str
        As wide as its place. Crowds of points that are pixels keep the colours of white paper, and the picture with
        them: it has the class ``pixels``.
    """
    body = svg[svg.index("<svg") :]
    head, _, rest = body.partition(">")
    rest = re.sub(r"<metadata>.*?</metadata>", "", rest, count=1, flags=re.DOTALL)
    rest = _STYLE.sub(lambda found: _styled(found[0]), rest)
    rest = _ID.sub(lambda found: f"{found[1]}{name}-", rest)
    box = re.search(r'viewBox="[^"]*"', head)
    width = re.search(r'width="([\d.]+)pt"', head)
    assert box is not None and width is not None
    kind = "picture pixels" if "<image" in rest else "picture"
    # 1.25: a picture's letters of 9 points are then as large as the page's small ones.
    about = f'class="{kind}" role="img" aria-label="{escape(title)}" style="max-width: {1.25 * float(width[1]):.0f}px"'
    space = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f"<svg {space} {box[0]} {about}>{rest.strip()}"


def _styled(style: str) -> str:
    colored = _COLOR.sub(lambda found: f"var({COLORS[found[0].lower()]})", style)
    return _FONT.sub("var(--letters)", colored)
