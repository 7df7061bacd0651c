"""Write the table of sections in docs/options.md from the models.

    python docs/developing/write_options.py

replaces what stands between the two marks; tests/cli/test_options.py says when that is old.
"""

from __future__ import annotations

from pathlib import Path

from genarris_fw.options.registered import models
from genarris_fw.options.tables import purpose

PAGE = Path(__file__).parents[1] / "options.md"
BEGIN = "<!-- made by docs/developing/write_options.py: change the models, not this table -->\n"
END = "<!-- the end of what is made -->\n"


def table() -> str:
    """Return what stands between the marks."""
    lines = ["", "| section | what it does | also called |", "|---|---|---|"]
    for model in models():
        also = ", ".join(f"`{name}`" for name in model.synonyms)
        lines.append(f"| `{model.procedure}` | {purpose(model).rstrip('.')} | {also} |")
    return "\n".join([*lines, "", ""])


def page(text: str) -> str:
    """Return the page with the table of now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + table() + END + after


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
