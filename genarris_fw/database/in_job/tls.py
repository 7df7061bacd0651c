"""A certificate of our own for a job's database."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from genarris_fw.database.in_job.allocation import write_private

if TYPE_CHECKING:
    from cryptography.x509 import GeneralName

CERTIFICATE, SECRET = "tls.crt", "tls.pem"
# Clocks of nodes differ: a certificate that begins now would be refused by a node that is behind.
BEFORE, AFTER = timedelta(days=1), timedelta(days=366)


def make_certificate(home: Path, address: str) -> None:
    """Make a certificate for `address` and this machine's loopback; it vouches for itself.

    Parameters
    ----------
    home : Path
        Gets ``tls.crt`` (for clients) and ``tls.pem`` (with the secret key, mode 0600, for the server).
    address : str
        The name or address by which clients reach the server.

    Raises
    ------
    DatabaseError
        When they cannot be written.
    """
    # Only here: it is slow to import, and a job makes one certificate.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "genarris")])
    now = datetime.now(timezone.utc)
    names = [_entry(text) for text in dict.fromkeys((address, "localhost", "127.0.0.1"))]
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign", "encipher_only",
         "decipher_only"), False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - BEFORE, now + AFTER)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=True, **usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    write_private(home / SECRET, (secret + public).decode("ascii"))
    write_private(home / CERTIFICATE, public.decode("ascii"))


def _entry(address: str) -> GeneralName:
    """Return the entry of a certificate that names the address."""
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(address))
    except ValueError:
        return x509.DNSName(address.encode("idna").decode("ascii"))
