"""Certificates for the tests of TLS, made on the spot."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme


@dataclass(frozen=True)
class Authority:
    """A certificate authority of the test's own."""

    ca: trustme.CA

    def write(self, folder: Path, *names: str, stem: str = "server") -> tuple[Path, Path]:
        """A certificate for these names and its key, as files."""
        made = self.ca.issue_cert(*names)
        certificate, key = folder / f"{stem}.pem", folder / f"{stem}.key"
        certificate.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
        made.private_key_pem.write_to_path(key)
        return certificate, key

    def write_ca(self, folder: Path, name: str = "ca.pem") -> Path:
        """Its own certificate, as a file."""
        file = folder / name
        self.ca.cert_pem.write_to_path(file)
        return file

    def client(self, folder: Path | None = None, *names: str) -> ssl.SSLContext:
        """A client that trusts it, with a certificate for `names` if there are any."""
        context = ssl.create_default_context()
        self.ca.configure_trust(context)
        if folder and names:
            context.load_cert_chain(*self.write(folder, *names, stem="client"))
        return context


@pytest.fixture(scope="session")
def authority() -> Authority:
    """The authority that the tests' servers and clients trust."""
    return Authority(trustme.CA())


@pytest.fixture(scope="session")
def stranger() -> Authority:
    """One that nobody trusts."""
    return Authority(trustme.CA())
