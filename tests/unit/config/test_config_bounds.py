"""Files that hold too much, and what is no file: an error in seconds, that says what is wrong."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from exporter.config.errors import MOST_TOLD, ConfigError
from exporter.config.reading import documents, files, values
from exporter.config.reading.files import matching, read_text
from exporter.config.reading.loading import load

FILE = Path("config.yaml")
SLO = "  - {service: s, name: n, objective: 99, sli: {events: {bad: b, total: t}}}\n"


def told(text: str) -> str:
    with pytest.raises(ConfigError) as raised:
        load(text, FILE)
    return str(raised.value)


def query(bad: str) -> str:
    of = f"{{query: {{bad: '{bad}', total: 'sum(rate(x[$window]))'}}}}"
    return f"slos: [{{service: s, name: n, objective: 99, sli: {of}}}]\n"


class TestMistakes:
    def test_the_first_are_told_and_how_many_more_there_are(self):
        """All of them are known, in the order of the file."""
        found = told("slos:\n" + SLO + "".join(f"k{i}: 1\n" for i in range(1_500)))
        lines = found.splitlines()
        assert len(lines) == MOST_TOLD + 1
        assert lines[0].startswith("config.yaml:3: k0: unknown key")
        assert lines[-1] == "and 1,480 more"

    def test_a_key_of_a_megabyte_is_cut(self):
        """And so is a message."""
        assert len(told(f"slos:\n{SLO}{'k' * 1_000_000}: 1\n")) < 1_000
        assert len(told(f"slos:\n{SLO}prometheus: {{url: 'x{'y' * 1_000_000}'}}\n")) < 2_000


class TestAliases:
    def test_what_they_repeat_counts_each_time(self, monkeypatch):
        """A list of thousands, in thousands of SLOs, is millions of values."""
        monkeypatch.setattr(documents, "MOST_VALUES", 1_000)
        names = ", ".join(f"l{i}" for i in range(100))
        slo = SLO.replace("}\n", ", group_by: *g}\n").replace("*g", "&g [" + names + "]", 1)
        again = "".join(SLO.replace("}\n", ", group_by: *g}\n") for _ in range(10))
        assert "has more than 1,000 values" in told(f"slos:\n{slo}{again}")

    def test_what_merge_keys_take_over_counts_each_time(self, monkeypatch):
        """A mapping of thousands of keys, in thousands of others."""
        monkeypatch.setattr(values, "MOST_VALUES", 1_000)
        first = "  - &b {" + ", ".join(f"k{i}: 1" for i in range(100)) + "}\n"
        found = told("slos:\n" + first + "  - {<<: *b}\n" * 20)
        assert found == "config.yaml:13: slos[11]: takes over more than 1,000 keys by <<"


class TestPromql:
    @pytest.mark.parametrize(
        ("bad", "why"),
        [
            ("(" * 20_000 + "rate(x[$window])" + ")" * 20_000, "nested more than 100 levels"),
            ("sum(" * 200 + "rate(x[$window])" + ")" * 200, "nested more than 100 levels"),
            ("-" * 5_000 + "sum(rate(x[$window]))", "more than 300 operators"),
            (" + ".join(["sum(rate(x[$window]))"] * 1_000), "more than 300 operators"),
            ("sum(rate(x[$window]))" + " " * 70_000, "longer than 65,536 characters"),
        ],
        ids=["brackets", "functions", "signs", "sums", "long"],
    )
    def test_what_is_too_deep_or_too_long_is_a_mistake(self, bad, why):
        """The parser would take all memory, or end the process."""
        assert why in told(query(bad))

    def test_a_selector_that_is_too_long_is_a_mistake(self):
        """Such as a list of all pods there have ever been."""
        pods = "|".join(f"pod-{i}" for i in range(10_000))
        long = SLO.replace("bad: b", f"bad: 'b{{pod=~\"{pods}\"}}'")
        assert "longer than 65,536 characters" in told(f"slos:\n{long}")

    def test_what_stands_in_quotes_and_matchers_is_not_counted(self):
        """Names with a dash or a bracket are no operators."""
        pods = "|".join(f"(pod-{i})" for i in range(400))
        long = f'sum(rate(x{{pod=~"{pods}"}}[$window]))'
        assert len(load(query(long), FILE).slos) == 1


class TestFiles:
    def test_a_pipe_is_read_if_somebody_writes_to_it(self, tmp_path):
        """`--config.file=<(sops -d config.yaml)`."""
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        writing = threading.Thread(target=pipe.write_text, args=("slos: []\n" * 10_000,))
        writing.start()
        # The writer waits for a reader, and the reader may come first.
        while not (found := read_text(pipe)):
            pass
        writing.join()
        assert found == "slos: []\n" * 10_000

    def test_one_that_nobody_writes_to_is_given_up(self, tmp_path, monkeypatch):
        """As a mistake, not by waiting."""
        monkeypatch.setattr(files, "PATIENCE", 0.05)
        reading, writing = os.pipe()
        try:
            with pytest.raises(ConfigError, match="whoever writes to this pipe was not done"):
                read_text(Path(f"/dev/fd/{reading}"))
        finally:
            os.close(reading)
            os.close(writing)

    def test_what_never_ends_is_refused(self, tmp_path, monkeypatch):
        """A device unseen, a file that is too long once that is plain."""
        with pytest.raises(ConfigError, match="/dev/zero: cannot be read: it is a device"):
            read_text(Path("/dev/zero"))
        with pytest.raises(ConfigError, match="Is a directory"):
            read_text(tmp_path)
        monkeypatch.setattr(files, "MOST_BYTES", 100)
        (tmp_path / "long").write_text("a" * 101)
        with pytest.raises(ConfigError, match="it is longer than 100 bytes"):
            read_text(tmp_path / "long")

    def test_links_of_a_folder_to_itself_are_followed_once(self, tmp_path):
        """Two of them would lead on for ever."""
        below = tmp_path / "specs" / "team"
        below.mkdir(parents=True)
        for link in ("a", "b", "c"):
            (tmp_path / "specs" / link).symlink_to(".")
        (below / "up").symlink_to("../..")
        (below / "slo.yaml").touch()
        (tmp_path / "specs" / ".hidden").mkdir()
        (tmp_path / "specs" / ".hidden" / "slo.yaml").touch()
        assert matching("specs/**/*.yaml", tmp_path) == [below / "slo.yaml"]
        assert below / "slo.yaml" in matching("**", tmp_path)
        assert matching("**/team/**/*.yaml", tmp_path) == [below / "slo.yaml"]
