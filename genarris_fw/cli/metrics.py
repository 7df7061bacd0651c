"""``genarris-fw metrics``: how far runs are, for Prometheus."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click
from pymongo.errors import PyMongoError

from genarris_fw.cli.examples import example
from genarris_fw.cli.existing import database_options, open_existing, run_argument, the_run, whereabouts
from genarris_fw.database.launchpads import explain
from genarris_fw.errors import GenarrisError, InputError
from genarris_fw.farm.opening import Opened
from genarris_fw.views.metrics import CONTENT_TYPE, metrics

HOST = "127.0.0.1"
ANSWERED_WITHIN = 30.0


@click.command(name="metrics", epilog=example("metrics", "metrics --serve 9100"))
@run_argument
@click.option(
    "--serve",
    "port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help=f"Answer http://{HOST}:PORT/metrics until interrupted, instead (0: any free port).",
)
@database_options
def command(run: str | None, port: int | None, folder: Path, uri: str | None) -> None:
    """Print the numbers of `status` in Prometheus' text format, for RUN or for all runs of the database."""
    folder, run = whereabouts(run, folder, uri)
    with open_existing(folder, uri, read_only=True) as opened:
        run = the_run(opened, run) if run else None
        text = _text(opened, run)  # a run that is not there is an error now, not at the first scrape
        if port is None:
            click.echo(text, nl=False)
        else:
            _serve(opened, run, port)


def _text(opened: Opened, run: str | None) -> str:

    return metrics(opened.catalogue, [run] if run else opened.catalogue.runs.names())


def _serve(opened: Opened, run: str | None, port: int) -> None:

    class Answer(BaseHTTPRequestHandler):
        timeout = ANSWERED_WITHIN

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/metrics":
                self._say(404, "the metrics are at /metrics\n")
                return
            try:
                self._say(200, _text(opened, run))
            except GenarrisError as error:
                self._say(503, f"{error}\n")
            except PyMongoError as error:
                self._say(503, f"{explain(error, opened.uri)}\n")

        def _say(self, code: int, text: str) -> None:
            content = text.encode()
            self.send_response(code)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: every scrape is a request."""

    try:
        server = ThreadingHTTPServer((HOST, port), Answer)
    except OSError as error:
        raise InputError(f"--serve {port}: {error.strerror}; give another port, or 0 for any free one") from None
    with server:
        click.echo(f"metrics at http://{HOST}:{server.server_port}/metrics (Ctrl-C ends)", err=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("", err=True)
