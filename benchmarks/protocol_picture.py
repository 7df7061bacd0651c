"""The picture of docs/protocol.md: how a work item and the lease of a step change, and what each change asks for.

    python benchmarks/protocol_picture.py [--out docs/figures]

Needs matplotlib.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

Point = tuple[float, float]
HIDDEN, DECIDED, FOLLOWS, WORK = "#e2e8f0", "#fed7d7", "#c6f6d5", "#bee3f8"
EDGES = {HIDDEN: "#718096", DECIDED: "#c53030", FOLLOWS: "#2f855a", WORK: "#2b6cb0"}
MEANING = {
    HIDDEN: "prepared: nobody looks at it",
    WORK: "counts, and changes",
    DECIDED: "decided by one update that carries its condition",
    FOLLOWS: "follows from a decision: anybody may do it, any number of times",
}
WIDTH, HEIGHT = 1.9, 0.8


def box(axes: Axes, at: Point, title: str, about: str, color: str) -> None:
    """Draw a state with its name and a line about it, centred at a point."""
    x, y = at[0] - WIDTH / 2, at[1] - HEIGHT / 2
    style = "round,pad=0.02,rounding_size=0.12"
    axes.add_patch(
        FancyBboxPatch(
            (x, y), WIDTH, HEIGHT, boxstyle=style, fc=color, ec=EDGES[color], lw=2.2 if color == DECIDED else 1.3
        )
    )
    axes.text(at[0], at[1] + (0.15 if about else 0.0), title, ha="center", va="center", fontsize=11, weight="bold")
    axes.text(at[0], at[1] - 0.17, about, ha="center", va="center", fontsize=7.5, color="#2d3748")


def arrow(
    axes: Axes,
    start: Point,
    end: Point,
    said: str = "",
    at: Point | None = None,
    bend: float = 0.0,
    color: str = "#2d3748",
) -> None:
    """Draw an arrow between two points, with words at a third."""
    dashed = "--" if color != "#2d3748" else "-"
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=13,
            lw=1.3,
            color=color,
            ls=dashed,
            connectionstyle=f"arc3,rad={bend}",
        )
    )
    if said:
        x, y = at or ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 0.17)
        axes.text(x, y, said, ha="center", va="center", fontsize=8.5, color=color if dashed == "--" else "#1a202c")


def right(of: Point) -> Point:
    return of[0] + WIDTH / 2 + 0.03, of[1]


def left(of: Point) -> Point:
    return of[0] - WIDTH / 2 - 0.03, of[1]


def top(of: Point, by: float = 0.0) -> Point:
    return of[0] + by, of[1] + HEIGHT / 2 + 0.03


def bottom(of: Point, by: float = 0.0) -> Point:
    return of[0] + by, of[1] - HEIGHT / 2 - 0.03


def draw_items(axes: Axes) -> None:
    y, up, down = 6.6, 7.95, 5.25
    planned, waiting, leased = (1.2, y), (4.6, y), (8.0, y)
    committed, done, failed, resting = (11.4, up), (14.8, y), (11.4, down), (6.3, down)
    axes.text(0.2, 8.45, "A work item", fontsize=14, weight="bold")
    box(axes, planned, "planned", "under a round and a token", HIDDEN)
    box(axes, waiting, "waiting", "anybody may claim it", WORK)
    box(axes, leased, "leased", "owner, token, expiry", WORK)
    box(axes, resting, "resting", "before another attempt", WORK)
    box(axes, committed, "committed", "what follows is named in it", DECIDED)
    box(axes, done, "done", "final", DECIDED)
    box(axes, failed, "failed", "final", DECIDED)
    arrow(
        axes,
        right(planned),
        left(waiting),
        "released: its round\nis recorded under\nexactly this token",
        (2.9, y + 0.45),
    )
    arrow(axes, (planned[0] - 0.35, y - 0.42), (planned[0] + 0.35, y - 0.42), bend=1.3)
    axes.text(planned[0], y - 1.12, "a higher token\ntakes it over", ha="center", va="center", fontsize=8.5)
    arrow(axes, right(waiting), left(leased), "claimed: token + 1", (6.3, y + 0.16))
    arrow(axes, top(leased, -0.4), top(waiting, 0.4), "lease ended, given back", (6.3, y + 1.1), bend=0.35)
    arrow(axes, bottom(leased, -0.3), right(resting), "an attempt\nfailed", (8.0, down + 0.08), bend=-0.25)
    arrow(axes, left(resting), bottom(waiting), "", bend=-0.25)
    arrow(
        axes,
        top(leased, 0.3),
        left(committed),
        "commit, where items follow\n(owner, token)",
        (8.75, up + 0.12),
        bend=-0.2,
    )
    arrow(axes, right(leased), left(done), "commit (owner, token)", (11.4, y + 0.16))
    arrow(axes, right(committed), top(done), "what follows is\ninserted, then done", (14.25, up + 0.05), bend=-0.2)
    arrow(
        axes,
        bottom(leased, 0.3),
        left(failed),
        "last attempt, and it is\nnot the replica's fault",
        (9.35, down - 0.28),
        bend=0.2,
    )


def draw_lease(axes: Axes) -> None:
    up, down = 3.15, 1.2
    work, plan, record, release = (1.2, up), (4.6, up), (8.0, up), (11.4, up)
    look, prepare, commit, publish, collected = (1.2, down), (4.6, down), (8.0, down), (11.4, down), (14.8, down)
    axes.text(0.2, 4.25, "The lease of a step's gate", fontsize=14, weight="bold")
    box(axes, work, "work", "until nothing is unfinished", WORK)
    box(axes, plan, "plan", "the next round's items", HIDDEN)
    box(axes, record, "record", "round k: its token", DECIDED)
    box(axes, release, "release", "round k waits", FOLLOWS)
    box(axes, look, "look again", "all is planned", WORK)
    box(axes, prepare, "prepare", "files, pools, summary", HIDDEN)
    box(axes, commit, "commit", "the step is decided", DECIDED)
    box(axes, publish, "publish", "lower tokens are refused", FOLLOWS)
    box(axes, collected, "collected", "the firework may end", FOLLOWS)
    arrow(axes, right(work), left(plan), "no item waits\nor is held", (2.9, up + 0.28))
    arrow(axes, right(plan), left(record), "some are new", (6.3, up + 0.16))
    arrow(axes, right(record), left(release), "token, open,\nnot committed", (9.7, up + 0.28))
    arrow(axes, top(release), top(work, -0.2), "the next round", (6.3, up + 1.22), bend=0.13)
    arrow(axes, bottom(plan), top(look), "none is new", (3.75, (up + down) / 2 + 0.02))
    arrow(axes, top(look, -0.5), bottom(work, -0.5), "")
    axes.text(0.15, (up + down) / 2, "unfinished", ha="center", va="center", fontsize=8.5)
    arrow(axes, right(look), left(prepare), "nothing\nunfinished", (2.9, down + 0.28))
    arrow(axes, right(prepare), left(commit), "all parts named", (6.3, down + 0.16))
    arrow(axes, right(commit), left(publish), "token, open,\nnot committed", (9.7, down + 0.28))
    arrow(axes, right(publish), left(collected), "token", (13.1, down + 0.16))
    taken = "#805ad5"
    axes.text(14.8, up + 0.28, "taken over:", ha="center", fontsize=10, weight="bold", color=taken)
    axes.text(14.8, up - 0.02, "token + 1", ha="center", fontsize=10, color=taken)
    arrow(axes, (13.95, up + 0.1), right(release), "", color=taken)
    arrow(axes, (14.5, up - 0.12), (12.0, down + 0.45), "", color=taken)
    axes.text(13.1, up + 0.28, "not committed", ha="center", fontsize=8.5, color=taken)
    axes.text(12.55, (up + down) / 2 + 0.1, "committed", ha="center", fontsize=8.5, color=taken)


def draw() -> plt.Figure:
    """Return the whole picture."""
    figure, axes = plt.subplots(figsize=(14, 7.9))
    axes.set_xlim(-0.4, 16.0)
    axes.set_ylim(-0.55, 8.9)
    axes.set_aspect("equal")
    axes.axis("off")
    draw_items(axes)
    draw_lease(axes)
    for n, (color, said) in enumerate(MEANING.items()):
        x, y = 0.3 + n % 2 * 6.4, 0.1 - n // 2 * 0.4
        axes.add_patch(FancyBboxPatch((x, y - 0.1), 0.35, 0.2, boxstyle="round,pad=0.02", fc=color, ec=EDGES[color]))
        axes.text(x + 0.55, y, said, va="center", fontsize=9.5)
    figure.tight_layout(pad=0.3)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/figures"))
    out = parser.parse_args().out
    plt.rcParams["svg.hashsalt"] = "protocol"
    figure = draw()
    figure.savefig(out / "protocol.svg", metadata={"Date": None})
    figure.savefig(out / "protocol.png", dpi=110)


if __name__ == "__main__":
    main()
