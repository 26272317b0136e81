"""Templates: a team's own take the place of ours, and what is wrong with one is said."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from exporter.config.errors import ConfigError
from exporter.config.reading.loading import load
from exporter.reports.templates import ReportTemplateError, Templates, TemplateText, own_templates
from exporter.web.pages.documents import document

CONFIG = """\
reports:
  templates: mine
slos:
  - service: a
    name: b
    objective: 99
    sli: {events: {bad: x, total: y}}
"""


def of(text: str, name: str = "budget.md") -> Templates:
    return Templates({name: TemplateText(f"mine/{name}", text)})


def test_a_teams_template_is_used_instead_of_ours():
    """By its name; the others stay."""
    assert of("Hello {{ name }}").write("budget", {"name": "you"}) == "Hello you\n"


def test_times_are_written_in_the_zone():
    """With its name, so that the hour that comes twice is told apart."""
    templates, values = of("{{ at | minute }}"), {"at": 1_700_000_000}
    assert templates.write("budget", values, UTC) == "2023-11-14 22:13 UTC\n"
    assert templates.write("budget", values, ZoneInfo("Europe/Berlin")) == "2023-11-14 23:13 CET\n"


def test_what_is_not_known_is_said():
    """Never a zero, nor `None`."""
    text = "{{ x | share }} {{ x | percent }} {{ x | duration }} {{ x | minute }} {{ x | count }}"
    assert of(text).write("budget", {"x": None}) == "unknown unknown unknown unknown unknown\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a\n{{ b", 2, "unexpected end of template"),
        ("a\n\n{% if x %}\n", 3, "Unexpected end of template"),
        ("a\n{{ nothing.there }}\n", 2, "'nothing' is undefined"),
        ("\n\n{{ at | nofilter }}", 3, "No filter named 'nofilter'"),
        ("a\n{{ 1 / 0 }}", 2, "division by zero"),
        ("{{ ().__class__.__base__ }}", 1, "unsafe"),
        ("x\n{% include 'other.md' %}", 2, "other.md"),
    ],
)
def test_what_is_wrong_with_a_template_is_said_with_its_place(text, line, words):
    """File, line, and what it is."""
    with pytest.raises(ReportTemplateError, match=words) as raised:
        of(text).write("budget", {"at": 0})
    assert str(raised.value).startswith(f"mine/budget.md:{line}: ")


def test_a_template_may_be_made_of_parts():
    """Their names begin with an underscore; a mistake in one names it."""
    whole = TemplateText("mine/budget.md", "{% include '_head.md' %}")
    good = Templates({"budget.md": whole, "_head.md": TemplateText("mine/_head.md", "# {{ a }}")})
    assert good.write("budget", {"a": 1}) == "# 1\n"
    with pytest.raises(ReportTemplateError, match=r"^mine/_head.md:1: 'a' is undefined"):
        good.write("budget", {})


def test_ours_compile():
    """All of them."""
    Templates().check()
    assert "budget.md" in own_templates()


def test_a_chart_stands_where_the_template_says():
    """In HTML; in Markdown there is none."""
    templates = of("# T\n\n{{ chart('a') }}\n\nend")
    assert templates.write("budget", {}) == "# T\n\nend\n"
    html = document(templates.write("budget", {}, charts=["a"]), {"a": "<figure>A</figure>"})
    assert "<h1>T</h1>\n<figure>A</figure>\n<p>end</p>" in html


def test_a_document_is_one_file():
    """Nothing is fetched, no script, no inline style; its title is its heading."""
    html = document("# Budget of *a*\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n")
    assert "<title>Budget of a</title>" in html
    assert '<td class="number">2</td>' in html
    assert " style=" not in html
    assert "<script" not in html
    assert "<link" not in html


class TestConfiguration:
    """`reports.templates`."""

    def load(self, folder, **files):
        mine = folder / "mine"
        mine.mkdir(exist_ok=True)
        for name, text in files.items():
            (mine / f"{name}.md").write_text(text)
        return load(CONFIG, folder / "config.yaml")

    def test_its_files_replace_ours(self, tmp_path):
        """As texts: they are read once, with the configuration."""
        settings = self.load(tmp_path, budget="{{ name }}", _part="x")
        assert sorted(settings.templates) == ["_part.md", "budget.md"]
        assert Templates(settings.templates).write("budget", {"name": "n"}) == "n\n"

    @pytest.mark.parametrize(
        ("files", "words"),
        [
            ({"budget": "a\n{{"}, "cannot be used: .*mine/budget.md:2: "),
            ({"budgt": "a"}, "budgt.md. is of no report: known are .*budget.md"),
            ({}, "holds no template: they end with .md"),
        ],
    )
    def test_a_mistake_names_key_and_file(self, tmp_path, files, words):
        """The configuration is refused, so `check` tells it."""
        with pytest.raises(ConfigError, match=rf"config.yaml:2: reports.templates: .*{words}"):
            self.load(tmp_path, **files)

    def test_a_folder_that_is_not_there_is_a_mistake(self, tmp_path):
        """With its path."""
        with pytest.raises(ConfigError, match=r".mine. cannot be read: No such file"):
            load(CONFIG, tmp_path / "config.yaml")
