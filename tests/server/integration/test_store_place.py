"""Where the store is, and what there is to see before there is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.integration.exporters import Exporter, config, events


class TestPlace:
    """Nobody answers here: a store is begun all the same."""

    def begun(self, exporter: Exporter) -> set[str]:
        """Run a daemon for a moment; the files in its folder then."""
        with exporter:
            exporter.start("/-/healthy")
            exporter.until(lambda: exporter.own("evaluations_total"))
            metrics = "error_budget_exporter_store_up" in exporter.page()
            assert exporter.stop() == 0
        found = {str(each.relative_to(exporter.folder)) for each in exporter.folder.rglob("*.*")}
        assert metrics == any("ledger.sqlite" in name for name in found)
        return found

    NOWHERE = config("http://127.0.0.1:1", events('job="shop"'))

    def test_is_a_folder_beside_the_configuration(self, tmp_path: Path):
        """Wherever the daemon was started."""
        found = self.begun(Exporter(tmp_path, self.NOWHERE))
        assert found == {"config.yaml", "config.log", "ledger/ledger.sqlite", "ledger/ledger.lock"}

    def test_is_what_the_configuration_says(self, tmp_path: Path):
        """Relative to the file, and made with its parents."""
        text = f"storage: {{path: var/lib}}\n{self.NOWHERE}"
        assert "var/lib/ledger.sqlite" in self.begun(Exporter(tmp_path, text))

    def test_is_what_the_flag_says_before_all(self, tmp_path: Path):
        """The file's own folder is not touched."""
        text = f"storage: {{path: var/lib}}\n{self.NOWHERE}"
        found = self.begun(Exporter(tmp_path, text, f"--storage.path={tmp_path / 'flag'}"))
        assert found == {"config.yaml", "config.log", "flag/ledger.sqlite", "flag/ledger.lock"}

    @pytest.mark.parametrize(
        ("section", "flags"),
        [("", ["--storage.path=none"]), ("storage: {path: none}", [])],
    )
    def test_may_be_none(self, tmp_path: Path, section: str, flags: list[str]):
        """Then nothing is written at all."""
        found = self.begun(Exporter(tmp_path, f"{section}\n{self.NOWHERE}", *flags))
        assert found == {"config.yaml", "config.log"}


def test_the_command_needs_a_store(tmp_path: Path):
    """Nothing is made by looking."""
    shown = Exporter(tmp_path, "").ledger()
    assert shown.returncode == 1
    assert shown.stderr == (
        f"{tmp_path}/ledger/ledger.sqlite does not exist: no daemon has stored anything here yet\n"
    )
    assert not (tmp_path / "ledger").exists()
