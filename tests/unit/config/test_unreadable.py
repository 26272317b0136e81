"""A configuration that its reader may not read, as a daemon of another user finds it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.config.errors import ConfigError
from exporter.config.reading.loading import load_file
from tests.helpers.ledger.troubled import NOBODY

CONFIG = """\
prometheus:
  url: http://localhost:9090
  basic_auth: {username: me, password_file: secret}
slos:
  - service: a
    name: b
    objective: 99
    sli: {events: {bad: a_total, total: b_total}}
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Root's, with a secret; whoever asks is nobody."""
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_uid == 0:
            parent.chmod(parent.stat().st_mode | 0o055)
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "secret").write_text("x")
    yield tmp_path
    os.seteuid(0)


def refusal(folder: Path) -> str:
    os.seteuid(NOBODY)
    with pytest.raises(ConfigError) as refused:
        load_file(folder / "config.yaml")
    return str(refused.value)


def test_it_is_said_whose_the_file_is_and_who_reads(folder):
    """With its mode, which is what has to be changed."""
    (folder / "config.yaml").chmod(0o600)
    assert refusal(folder).endswith(
        f"cannot be read: Permission denied: {folder}/config.yaml is root's with mode -rw-------, "
        "and this is the user nobody"
    )


def test_a_secret_is_no_different(folder):
    """The line that names it is told, too."""
    (folder / "secret").chmod(0o600)
    told = refusal(folder)
    assert f"{folder}/secret is root's with mode -rw-------, and this is the user nobody" in told
    assert "config.yaml:3" in told


def test_a_closed_folder_is_named(folder):
    """Not the file, whose mode is of no use."""
    inner = folder / "closed"
    inner.mkdir(mode=0o700)
    (inner / "config.yaml").write_text(CONFIG)
    told = refusal(inner)
    assert f"the folder {inner} is root's with mode drwx------, and this is" in told


@pytest.mark.parametrize("closed", ["slos", "."])
def test_a_folder_of_slos_is_not_taken_for_an_empty_one(folder, closed):
    """Its SLOs would be gone without a word."""
    (folder / "conf.d/slos").mkdir(parents=True)
    (folder / "conf.d/slos/a.yaml").write_text(CONFIG.partition("slos:")[2])
    (folder / "config.yaml").write_text(f"slo_files: [conf.d/slos/*.yaml]\n{CONFIG}")
    (folder / "conf.d" / closed).chmod(0o700)
    told = refusal(folder)
    assert "config.yaml:1: slo_files[0]: " in told
    assert f"{folder}/conf.d/slos cannot be read: Permission denied: the folder " in told


def test_what_is_not_there_is_told_as_before(folder):
    """It is no matter of rights."""
    (folder / "config.yaml").unlink()
    assert refusal(folder).endswith("cannot be read: No such file or directory")
