"""``genarris-fw completion``: the script by which a shell completes the words of our commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from genarris_fw.cli.examples import example
from genarris_fw.cli.interrupting import PROGRAM
from genarris_fw.errors import InputError

VARIABLE = f"_{PROGRAM.replace('-', '_').upper()}_COMPLETE"  # as click calls it
SHELLS = ("bash", "zsh", "fish")


@click.command(
    name="completion",
    epilog=example(
        "completion bash > ~/.local/share/bash-completion/completions/genarris-fw",
        "completion fish > ~/.config/fish/completions/genarris-fw.fish",
        'completion zsh > "${fpath[1]}/_genarris-fw"',
    ),
)
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print what SHELL needs to complete commands, options, runs, pools and formats.

    bash reads it from the folder of the example in every new shell (package bash-completion), or at once by
    eval "$(genarris-fw completion bash)".
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise InputError(f"click knows no completion for {shell}")
    try:
        script = kind(click.Command(PROGRAM), {}, PROGRAM, VARIABLE).source()
    except RuntimeError as error:  # a bash that is too old
        raise InputError(f"completion {shell}: {error}") from None
    click.echo(script)
