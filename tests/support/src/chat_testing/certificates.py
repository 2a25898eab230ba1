"""A certificate for a name, and who trusts it."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from chat_testing.tokens import signing_key


@dataclass(frozen=True)
class Certificate:
    """The files of a certificate and of its key."""

    path: Path
    key_path: Path

    @property
    def trusted(self) -> ssl.SSLContext:
        """A client that trusts it, and nothing else."""
        return ssl.create_default_context(cafile=str(self.path))


def certificate(folder: Path, name: str) -> Certificate:
    """A certificate that says of itself that it is of `name`."""
    key, subject = signing_key("tls"), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    found = Certificate(folder / "certificate.pem", folder / "key.pem")
    found.path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    found.key_path.write_bytes(secret)
    return found
