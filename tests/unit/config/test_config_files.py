"""Configurations in several files, and files that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config.errors import ConfigError
from exporter.config.reading.loading import load, load_file
from tests.helpers.config import loaded
from tests.helpers.config.loaded import A_SLO


def mistakes(text: str, folder: Path) -> list[str]:
    return [line.replace(f"{folder}/", "") for line in loaded.mistakes(text, folder)]


class TestSloFiles:
    def test_their_slos_follow_those_of_the_main_file(self, tmp_path):
        """Globs reach into folders, a file is read once, and the order is that of the names."""
        (tmp_path / "teams" / "b" / "deep").mkdir(parents=True)
        (tmp_path / "teams" / "folder.yaml").mkdir()
        for place in ("a.yaml", "b/c.yaml", "b/deep/d.yaml", "b/notes.txt"):
            text = A_SLO.replace("availability", place)
            (tmp_path / "teams" / place).write_text(text)
        settings = load(
            "slo_files: [teams/a.yaml, 'teams/**/*.yaml', 'none/*']\n" + A_SLO,
            tmp_path / "config.yaml",
        )
        assert [slo.name for slo in settings.slos] == [
            "availability",
            "a.yaml",
            "b/c.yaml",
            "b/deep/d.yaml",
        ]

    def test_they_are_enough(self, tmp_path):
        """The main file needs no SLO of its own; an absolute glob works too."""
        (tmp_path / "team.yaml").write_text(A_SLO)
        assert (
            load(f"slo_files: ['{tmp_path}/*.yaml']", Path("c.yaml")).slos
            == load(A_SLO, Path("c.yaml")).slos
        )

    def test_a_folder_with_glob_characters_is_taken_literally(self, tmp_path):
        """Only what the user wrote is a pattern, not the folder of the file."""
        folder = tmp_path / "[a]*"
        folder.mkdir()
        (folder / "team.yaml").write_text(A_SLO)
        assert len(load("slo_files: ['t*.yaml']", folder / "config.yaml").slos) == 1

    def test_mistakes_name_the_file_they_are_in(self, tmp_path):
        """Every file is judged, the main one first."""
        (tmp_path / "a.yaml").write_text("prometheus: {}\n" + A_SLO.replace("99.9", "0"))
        (tmp_path / "b.yaml").write_text("slos: [")
        (tmp_path / "c.yaml").write_bytes(b"slos:\n- \xff")
        (tmp_path / "d.yaml").write_text(A_SLO)
        (tmp_path / "e.yaml").write_text("slos:")
        text = "evaluation: {concurrency: 0}\nslo_files: ['[a-z].yaml']\n" + A_SLO
        assert mistakes(text, tmp_path) == [
            "config.yaml:1: evaluation.concurrency: must be at least 1",
            "a.yaml:1: prometheus: unknown key, known here: maintenance, slos",
            'a.yaml:4: slos[0].name: "availability" is already the name of an SLO of "auth": '
            "config.yaml:4: slos[0]",
            "a.yaml:5: slos[0].objective: must be a percentage above 0 and below 100, not 0",
            "b.yaml:1: is not valid YAML: while parsing a flow node, did not find expected node "
            "content",
            "c.yaml:2: is not UTF-8 text",
            'd.yaml:3: slos[0].name: "availability" is already the name of an SLO of "auth": '
            "config.yaml:4: slos[0]",
            "e.yaml:1: slos: is required",
        ]

    def test_a_period_is_judged_by_the_interval_of_the_main_file(self, tmp_path):
        """What the main file says holds in all files."""
        (tmp_path / "a.yaml").write_text(A_SLO + "    period: 1h30s\n")
        text = "evaluation: {interval: 1m}\nslo_files: [a.yaml]"
        assert mistakes(text, tmp_path) == [
            "a.yaml:6: slos[0].period: must be a multiple of evaluation.interval (1m), not 1h30s"
        ]

    def test_a_glob_that_takes_in_the_main_file_is_a_mistake(self, tmp_path):
        """A file does not read itself."""
        path = tmp_path / "config.yaml"
        path.write_text(A_SLO + "slo_files: ['*.yaml']")
        assert mistakes(path.read_text(), tmp_path) == [
            "config.yaml:6: slo_files[0]: matches this file itself: move the SLOs to other files, "
            "or narrow the pattern"
        ]


class TestLoadFile:
    def test_a_file_is_loaded_like_its_text(self, tmp_path):
        """A byte-order mark is no mistake."""
        path = tmp_path / "config.yaml"
        path.write_bytes(A_SLO.encode("utf-8-sig"))
        assert load_file(path) == load(A_SLO, path)

    def test_a_missing_file_is_named(self, tmp_path):
        """A file that is not there has no line."""
        path = tmp_path / "none.yaml"
        with pytest.raises(ConfigError) as caught:
            load_file(path)
        assert str(caught.value) == f"{path}: cannot be read: No such file or directory"

    def test_a_folder_is_no_file(self, tmp_path):
        """What the system says is passed on."""
        with pytest.raises(ConfigError) as caught:
            load_file(tmp_path)
        assert str(caught.value) == f"{tmp_path}: cannot be read: Is a directory"

    def test_other_encodings_are_refused_with_the_line(self, tmp_path):
        """A file must be UTF-8."""
        path = tmp_path / "config.yaml"
        path.write_bytes(A_SLO.encode() + "    labels: {owner: Jürgen}".encode("latin-1"))
        with pytest.raises(ConfigError) as caught:
            load_file(path)
        assert str(caught.value) == f"{path}:6: is not UTF-8 text"
