"""genarris-fw options: the tables of all options."""

from __future__ import annotations

import click

from genarris_fw.cli.answers import json_option, print_json
from genarris_fw.cli.completing import procedure_names
from genarris_fw.cli.examples import example
from genarris_fw.options.base import ProcedureOptions
from genarris_fw.options.registered import models
from genarris_fw.options.tables import COLUMNS, as_records, model_named, rows

WIDTH_OF_PIPES = 200  # whatever COLUMNS says: cells are not to be folded


@click.command("options", epilog=example("options Run_Rdf_Calc", "options --json"))
@click.argument("procedure", required=False, shell_complete=procedure_names)
@json_option
@click.option("--markdown", is_flag=True, help="Write the pages of the documentation, as Markdown.")
def command(procedure: str | None, as_json: bool, markdown: bool) -> None:
    """Show the options of ui.conf: of one PROCEDURE, or of all."""
    if as_json and markdown:
        raise click.UsageError("--json and --markdown exclude each other")
    chosen = (model_named(procedure),) if procedure else models()
    if as_json:
        print_json(as_records(chosen))
    elif markdown:
        from genarris_fw.options.pages import as_markdown

        click.echo(as_markdown(chosen), nl=False)
    else:
        for model in chosen:
            _show(model)


def _show(model: type[ProcedureOptions]) -> None:
    """Draw the table of one procedure in the terminal's width."""
    from rich.table import Table
    from rich.text import Text

    from genarris_fw.views.layout import console

    terminal = console()
    if not terminal.is_terminal:
        terminal.width = WIDTH_OF_PIPES
    section = model.procedure if model.procedure == "Genarris_master" else model.procedure.lower()
    caption = f"Known, without effect: {', '.join(model.no_effect)}" if model.no_effect else None
    table = Table(
        title=Text(f"{model.procedure}  [{section}]"),
        caption=caption,
        title_justify="left",
        caption_justify="left",
    )
    for name in COLUMNS:
        table.add_column(name, style="bold" if name == "option" else None, overflow="fold")
    for row in rows(model):
        table.add_row(*(Text(cell) for cell in row.cells()))
    terminal.print(table)
    terminal.print()
