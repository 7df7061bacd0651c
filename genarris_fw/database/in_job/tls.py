"""A certificate of our own for a job's database, made with the program openssl where there is one."""

from __future__ import annotations

import ipaddress
import shutil
import subprocess
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

from genarris_fw.database.in_job.allocation import write_private

CERTIFICATE, SECRET = "tls.crt", "tls.pem"
# Clocks of nodes differ: a certificate that begins now would be refused by a node that is behind.
BEFORE, AFTER = timedelta(days=1), timedelta(days=366)
_SECONDS = 60
_SETTINGS = """\
[ca]
default_ca = here
[here]
database = {place}/index
serial = {place}/serial
new_certs_dir = {place}
default_md = sha256
policy = any
x509_extensions = extensions
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[extensions]
subjectAltName = {names}
basicConstraints = critical, CA:true
"""


def make_certificate(home: Path, address: str) -> str | None:
    """Make a certificate for `address` and this machine's loopback; it vouches for itself.

    Parameters
    ----------
    home : Path
        Gets ``tls.crt`` (for clients) and ``tls.pem`` (with the secret key, mode 0600, for the server).
    address : str
        The name or address by which clients reach the server.

    Returns
    -------
    str or None
        Why there is none; None when it is made.
    """
    program = shutil.which("openssl")
    if program is None:
        return "there is no openssl here"
    today = datetime.now(timezone.utc)
    begin, end = (f"{moment:%Y%m%d%H%M%SZ}" for moment in (today - BEFORE, today + AFTER))
    with tempfile.TemporaryDirectory(prefix="genarris_fw_tls_") as folder:  # mode 0700
        place = Path(folder)
        names = ", ".join(dict.fromkeys((_entry(address), "DNS:localhost", "IP:127.0.0.1")))
        (place / "settings").write_text(_SETTINGS.format(place=place, names=names), encoding="utf-8")
        (place / "index").touch()
        (place / "serial").write_text("01\n", encoding="ascii")
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        calls = (
            ("req", "-new", "-config", "settings", *curve, "-subj", "/CN=genarris", "-keyout", "key",
             "-out", "request"),
            ("ca", "-batch", "-notext", "-selfsign", "-config", "settings", "-keyfile", "key", "-in", "request",
             "-out", "certificate", "-startdate", begin, "-enddate", end),
        )  # fmt: skip
        for words in calls:
            try:
                done = subprocess.run(
                    [program, *words], cwd=place, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                    timeout=_SECONDS, check=False,
                )  # fmt: skip
            except (OSError, subprocess.SubprocessError) as error:
                return f"openssl cannot be used ({type(error).__name__})"
            if done.returncode != 0:
                return f"openssl cannot make a certificate ({(done.stderr.strip().splitlines() or ['?'])[-1][:200]})"
        certificate = (place / "certificate").read_text(encoding="ascii")
        write_private(home / SECRET, (place / "key").read_text(encoding="ascii") + certificate)
        write_private(home / CERTIFICATE, certificate)
    return None


def _entry(address: str) -> str:
    """Return the entry of a certificate that names the address."""
    try:
        return f"IP:{ipaddress.ip_address(address)}"
    except ValueError:
        return f"DNS:{address}"
