"""What the example and the reference tell users is true."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest

from exporter.config.models import MainFile
from exporter.config.reading.loading import load, load_file
from exporter.config.reference import render, render_experiment, render_web
from exporter.config.sections.sli_section import SliSection
from exporter.config.sections.slo_section import SloSection
from exporter.config.sections.web_section import WebFile
from exporter.config.settings import Settings
from exporter.config.types.section import Section, section_of
from tests.helpers.paths import ROOT

EXAMPLE = (ROOT / "config.example.yaml").read_text()

A_WINDOW = "maintenance:\n  - {reason: a, start: 2026-11-20T22:00:00Z, "

SLO = """\
datasources: {mimir: {url: http://localhost:8080}}
policies: [{name: payments, tiers: [{name: frozen, gate: block}]}]
slos:
  - service: a
    name: b
    objective: 99
    sli: {events: {bad: a, total: b}}
"""

NEEDED = {"no_proxy": "proxy_url: http://localhost:3128\n  "}
"""What a setting makes no sense without."""


def switched_off() -> list[str]:
    """The blocks of the example that are switched off, each switched on alone."""
    lines = EXAMPLE.splitlines()
    off = re.compile(r"( +)#(?! \S)(.+)")
    found = []
    for is_off, block in groupby(
        range(len(lines)), key=lambda index: bool(off.match(lines[index]))
    ):
        if is_off:
            numbers = set(block)
            found.append(
                "\n".join(
                    off.sub(r"\1\2", line) if number in numbers else line
                    for number, line in enumerate(lines)
                )
            )
    return found


def sli_examples() -> list[tuple[str, str]]:
    """Every kind of SLI with the examples of the reference, once for each of its alternatives."""
    found = []
    for kind, of_kind in SliSection.model_fields.items():
        fields = section_of(of_kind.annotation).model_fields
        lines = {key: f"\n        {key}: {field.examples[0]}" for key, field in fields.items()}
        either = [key for key in ("bad", "good", "error", "success") if key in fields]
        found += [
            (kind, "".join(line for key, line in lines.items() if key not in either or key == each))
            for each in either or [""]
        ]
    return found


def sections(section: type[Section]) -> list[type[Section]]:
    inner = [section_of(field.annotation) for field in section.model_fields.values()]
    return [section, *(deep for each in inner if each for deep in sections(each))]


def told(settings: Settings) -> Settings:
    """The settings, with the lines of their maintenance windows in place of these."""
    windows = tuple(str(placed.window) for placed in settings.maintenance)
    slos = tuple(replace(slo, maintenance=str(slo.maintenance)) for slo in settings.slos)
    return replace(settings, slos=slos, maintenance=windows)


def with_files(text: str, folder: Path) -> Path:
    """The text as a file in a folder that has the files it names."""
    for name in re.findall(r"_file: (.*)", text):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    path = folder / "config.yaml"
    path.write_text(text)
    return path


class TestExample:
    def test_it_loads(self):
        """A newcomer's first file is right."""
        assert len(load_file(ROOT / "config.example.yaml").slos) == 9

    def test_lines_called_default_can_be_left_out(self):
        """Removing them changes nothing."""
        kept = [line for line in EXAMPLE.splitlines() if not line.endswith("# the default")]
        assert len(kept) < len(EXAMPLE.splitlines()) - 5
        path = ROOT / "config.example.yaml"
        assert told(load("\n".join(kept), path)) == told(load(EXAMPLE, path))

    @pytest.mark.parametrize("text", switched_off())
    def test_each_block_that_is_switched_off_can_be_switched_on(self, text, tmp_path):
        """Uncommenting a block gives a file that loads and differs from the example."""
        changed = load_file(with_files(text, tmp_path))
        assert changed.datasources != load(EXAMPLE, ROOT / "config.example.yaml").datasources

    def test_it_shows_every_key(self):
        """Nothing has to be looked for elsewhere to be known of."""
        shown = set(re.findall(r"^[ #-]*(\w+):", EXAMPLE, re.MULTILINE))
        known = {key for section in sections(MainFile) for key in section.model_fields}
        assert known - shown == set()


class TestReference:
    def test_the_page_is_what_the_models_say(self):
        """docs/config.md is up to date: python -m exporter.config.reference > docs/config.md."""
        assert (ROOT / "docs" / "config.md").read_text() == render()

    def test_so_is_that_of_the_web_configuration(self):
        """python -m exporter.config.reference web > docs/web-config.md."""
        assert (ROOT / "docs" / "web-config.md").read_text() == render_web()

    def test_the_page_of_experiments_is_current(self):
        """`python -m exporter.config.reference experiment > docs/experiment-file.md` renews it."""
        assert (ROOT / "docs" / "experiment-file.md").read_text() == render_experiment()

    def test_every_key_is_described(self):
        """Each key has a description and, unless it is a section, an example."""
        for section in sections(MainFile) + sections(WebFile):
            for name, field in section.model_fields.items():
                assert field.description, name
                assert field.examples or section_of(field.annotation), name

    @pytest.mark.parametrize(
        ("text", "settings"),
        [
            (f"{name}:\n  {NEEDED.get(key, '')}{key}: {field.examples[0]}\n" + SLO, settings)
            for name, settings in (("prometheus", "datasources"), ("evaluation", "evaluation"))
            for key, field in section_of(
                MainFile.model_fields[name].annotation
            ).model_fields.items()
            if field.examples
        ],
    )
    def test_examples_of_settings_are_right_and_no_defaults(self, text, settings, tmp_path):
        """Each example of a setting loads, and does something."""
        changed = load_file(with_files(text, tmp_path))
        assert getattr(changed, settings) != getattr(load(SLO, Path("c.yaml")), settings)

    @pytest.mark.parametrize(
        "text",
        [
            *(
                f"{SLO}    {key}: {field.examples[0]}\n"
                for key, field in SloSection.model_fields.items()
                if field.examples and not field.is_required()
            ),
            *(
                SLO.replace("{events: {bad: a, total: b}}", f"\n      {kind}:{written}\n")
                for kind, written in sli_examples()
            ),
            SLO + "    period: {calendar: month, time_zone: Europe/Berlin}\n",
            SLO + "    budgeting: {method: timeslices, slice: 1m, target: 95}\n",
            SLO + "    alerting: {min_events: 100, min_bad_events: 5}\n",
            SLO + A_WINDOW + "end: 2026-11-21T02:00:00Z}",
            SLO + A_WINDOW + "duration: 2h, time_zone: Europe/Berlin, services: [a]}",
            SLO + A_WINDOW.replace("20T", "22T") + "duration: 2h, rrule: FREQ=WEEKLY;BYDAY=SU}",
        ],
    )
    def test_examples_of_slos_are_right(self, text):
        """Each example of a key of an SLO, of what it measures and of maintenance loads."""
        plain = load(SLO, Path("c.yaml"))
        assert load(text, Path("c.yaml")) != plain
