"""Questions before anything is removed: answered on a terminal, or beforehand by ``--yes``."""

from __future__ import annotations

import sys

import click

from genarris_fw.errors import InputError

yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def confirm(question: str, yes: bool, unchanged: str) -> None:
    """Ask whether something may be removed, unless it was said.

    Parameters
    ----------
    question : str
        One line.
    yes : bool
        What ``--yes`` says.
    unchanged : str
        What stays as it is where the answer is no: ``run 'urea' was not removed``.

    Raises
    ------
    InputError
        When the answer is no, or there is no terminal to ask at.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise InputError(f"{unchanged}: there is no terminal to ask at; give --yes to have it done")
    if not click.confirm(question, err=True):
        raise InputError(f"{unchanged}, as was answered")
