"""Answers for a program: with ``--json`` standard output is one JSON object, whatever happens.

An error is ``{"problems": [...]}``, the lines that standard error has, too; the exit code is the same as without.
"""

from __future__ import annotations

import json
from typing import Any

import click

OPTION = "--json"
json_option = click.option(OPTION, "as_json", is_flag=True, help="Print JSON for a program.")


def print_json(answer: Any) -> None:
    """Print an answer."""
    click.echo(json.dumps(answer, indent=2))
