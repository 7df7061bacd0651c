"""The option ``--walltime`` of the commands that launch rockets."""

from __future__ import annotations

import os
import time

import click

from genarris_fw.declaring.queueing import duration
from genarris_fw.schedulers import END


def _end(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    """Note when this process, and every worker that it starts, has to end."""
    if value is None:
        return
    try:
        seconds = duration(value)
    except ValueError:
        raise click.BadParameter(f"'{value}' is no time: write 04:00:00, 2-00:00:00, 90 min or 4 h") from None
    os.environ[END] = str(time.time() + seconds)


walltime_option = click.option(
    "--walltime",
    callback=_end,
    default=None,
    metavar="TIME",
    help="End within this time (04:00:00, 90 min); default: what the queueing system says.",
)
