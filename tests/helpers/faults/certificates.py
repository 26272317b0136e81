"""Certificates for servers on this machine: a good one, and one for each way to be bad."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme


def certificates(folder: Path) -> tuple[Path, dict[str, ssl.SSLContext]]:
    """The file of an authority, and servers with certificates by it: see the names."""
    authority = trustme.CA()
    yesterday = datetime.now(UTC) - timedelta(days=1)
    issued = {
        "good": authority.issue_cert("127.0.0.1"),
        "wrong name": authority.issue_cert("prometheus.example.com"),
        "expired": authority.issue_cert(
            "127.0.0.1", not_before=yesterday - timedelta(days=1), not_after=yesterday
        ),
    }
    contexts = {}
    for name, certificate in issued.items():
        contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(contexts[name])
    file = folder / "authority.pem"
    authority.cert_pem.write_to_path(file)
    return file, contexts
