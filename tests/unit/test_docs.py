"""What the documents say is held against the program."""

import json
import re

import pytest

from exporter.commands.dashboards import dashboards
from exporter.commands.rules import rules
from exporter.config.reading.loading import load
from exporter.exposition.reference import reference
from exporter.prometheus.settings import PrometheusSettings
from exporter.rules import slo_alerts
from tests.helpers.paths import ROOT

DOCS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]

AROUND = """\
slos:
  - service: a
    name: b
    objective: 99
    {}
"""


def examples(name: str) -> list[str]:
    """The YAML examples of a document; several in one block are parted by `---`."""
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / name).read_text(), flags=re.DOTALL)
    return [part for block in blocks for part in block.split("---\n")]


def test_the_metrics_reference_is_up_to_date():
    """Made from the code: `python -m exporter.exposition.reference > docs/metrics.md`."""
    assert (ROOT / "docs/metrics.md").read_text() == reference()


def test_the_first_configuration_loads():
    """The very text that a newcomer copies."""
    first = examples("docs/first-steps.md")[0]
    assert len(load(first, ROOT / "config.yaml").slos) == 2


SLIS = [text for text in examples("docs/slis.md") if text.startswith("sli:")]


def test_there_is_an_example_of_every_kind_of_indicator():
    """A kind without an example is one that nobody finds."""
    kinds = {re.findall(r"^  (\w+):", text, flags=re.MULTILINE)[0] for text in SLIS}
    assert kinds == {"events", "latency", "query", "ratio", "probe", "threshold"}


@pytest.mark.parametrize("text", SLIS)
def test_every_example_of_an_indicator_loads(text):
    """As they stand in docs/slis.md."""
    whole = AROUND.format(text.replace("\n", "\n    "))
    assert load(whole, ROOT / "config.yaml").slos[0].sli


DATASOURCES = examples("docs/datasources.md")


def test_the_example_of_several_datasources_loads():
    """As it stands in docs/datasources.md."""
    settings = load(DATASOURCES[0], ROOT / "config.yaml")
    assert [slo.datasource for slo in settings.slos] == list(settings.datasources)


@pytest.mark.parametrize("text", DATASOURCES[1:])
def test_every_example_of_credentials_loads(text, tmp_path):
    """In a folder that has the files it names."""
    text = text.replace("/var/run/", "")
    for name in re.findall(r"_file: (.*)", text):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    section = "prometheus:\n  " + text.replace("\n", "\n  ") + "\n"
    slos = AROUND.format("sli: {events: {bad: a, total: b}}")
    settings = load(section + slos, tmp_path / "config.yaml")
    assert settings.datasources["prometheus"] != PrometheusSettings()


def test_every_option_and_alert_of_the_rules_is_described():
    """docs/alerting.md names what the command has."""
    text = (ROOT / "docs/alerting.md").read_text()
    names = [flag for option in rules.params for flag in option.opts]
    alerts = (*slo_alerts.BURN, *slo_alerts.POLICY, *slo_alerts.DATA, *slo_alerts.STARTER)
    assert not [
        name for name in (*names, *(rule.name for rule in alerts)) if f"`{name}`" not in text
    ]


def test_every_dashboard_is_described():
    """docs/dashboards.md names each by its title and uid, and the command's options."""
    text = (ROOT / "docs/dashboards.md").read_text()
    contents = [json.loads(file.read_text()) for file in (ROOT / "exporter/dashboards").iterdir()]
    rows = [f"| {content['title']} | `{content['uid']}` |" for content in contents]
    options = [flag for option in dashboards.params for flag in option.opts]
    assert not [what for what in (*rows, *options) if what not in text]


@pytest.mark.parametrize("file", DOCS, ids=lambda file: file.name)
def test_links_lead_somewhere(file):
    """Every relative link names a file that is there."""
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", file.read_text())
    missing = [link for link in links if "://" not in link and not (file.parent / link).exists()]
    assert not missing


def test_the_readmes_commands_are_targets():
    """`make demo` and `make test` are what README promises."""
    makefile = (ROOT / "Makefile").read_text()
    commands = re.findall(r"^    make (\w+)", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    assert set(commands) == {"demo", "test"}
    assert all(re.search(rf"^{name}:", makefile, flags=re.MULTILINE) for name in commands)


def cells(document: str, *begins: str) -> list[str]:
    """A row of one of a document's tables, by its first cells; without emphasis."""
    rows = [
        [cell.strip().replace("*", "") for cell in line.strip("| ").split("|")]
        for line in (ROOT / document).read_text().splitlines()
        if line.startswith("|")
    ]
    (row,) = [row for row in rows if row[: len(begins)] == list(begins)]
    return row


def compared(text: str) -> list[str]:
    """A row of the README's comparison, by what its first cell has."""
    lines = (ROOT / "README.md").read_text().splitlines()
    (row,) = [line for line in lines if line.startswith("|") and text in line.split("|")[1]]
    return [cell.strip() for cell in row.strip("| ").split("|")[1:]]


class TestComparison:
    """What README says of recording rules and of us is what was measured."""

    def test_of_samples(self):
        """docs/performance.md, looking again included, and the first start beside it."""
        rules_, *ours = cells("docs/performance.md", "12 series, 30d")[1:4]
        together = f"{sum(map(float, ours)):.0f}"
        assert compared("of an SLO with 12 series over 30 days") == [rules_, together]
        (start,) = [
            line
            for line in (ROOT / "docs/performance.md").read_text().splitlines()
            if line.startswith("| 12 series |")
        ]
        evaluations = start.split("|")[3].strip()
        assert f"what {evaluations} evaluations of the rules read" in compared("history")[1]

    @pytest.mark.parametrize(
        ("case", "text"),
        [("single resets", "across resets of a counter"), ("late births", "a service's first")],
    )
    def test_of_truth(self, case, text):
        """docs/exactness.md: events that are missed, of how many, on every server."""
        _, bad, *ours, by_rule, _ = cells("docs/exactness.md", case)
        assert ours == ["0", "0", "0"]
        missed = by_rule.partition(" ")[0].removeprefix("-")
        assert compared(text) == [f"{missed} missed", "none missed"]
        readme = (ROOT / "README.md").read_text()
        assert re.search(rf"{text}[^|]* {bad}\b", readme)

    def test_of_time_to_page(self):
        """docs/performance.md: the medians with everybody's defaults."""
        row = cells("docs/performance.md", "30 s", "30 s")
        ours, sloth, sloth_often, pyrra = (cell.split(", ")[1] for cell in row[3:])
        assert compared("time to page") == [f"Sloth {sloth} s, Pyrra {pyrra} s", f"{ours} s"]
        assert compared("groups every 15 s") == [f"Sloth {sloth_often} s", f"{ours} s"]

    def test_can_be_repeated(self):
        """By modules and targets that there are."""
        text = (ROOT / "README.md").read_text()
        for module in re.findall(r"python -m bench\.(\w+)", text):
            assert (ROOT / f"bench/{module}.py").is_file()
        assert re.search(r"^exactness:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_the_readme_leads_to_every_page():
    """A page that nothing leads to is not read."""
    linked = set(re.findall(r"\]\((docs/[\w-]+\.md)", (ROOT / "README.md").read_text()))
    pages = {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}
    # docs/web.md and docs/experiments.md lead to the keys of their files.
    assert pages - linked == {"docs/web-config.md", "docs/experiment-file.md"}


def test_the_readme_is_short():
    """A visitor decides by it; a screen or two, the rest is links."""
    assert len((ROOT / "README.md").read_text().splitlines()) < 90


MODULES = [
    (path.relative_to(ROOT).as_posix(), name)
    for path in [*DOCS, ROOT / "CONTRIBUTING.md"]
    for name in sorted(set(re.findall(r"`([\w/]+\.py)\b", path.read_text())))
]


@pytest.mark.parametrize(("document", "name"), MODULES)
def test_every_module_that_is_named_exists(document, name):
    """In the package, in the tests, or from the top."""
    places = (ROOT, ROOT / "exporter", *(ROOT / "exporter").iterdir())
    assert any((place / name).is_file() for place in places) or any((ROOT / "tests").rglob(name))


def test_no_module_is_longer_than_300_lines():
    """One that is wants to be two."""
    long = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "exporter").rglob("*.py")
        if len(path.read_text().splitlines()) > 300
    ]
    assert long == []


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_no_blank_line_cuts_a_table(path):
    """What comes after it is shown as text."""
    lines = ["", *path.read_text().splitlines(), ""]
    for i, line in enumerate(lines):
        if line.startswith("|") and not lines[i - 1].startswith("|"):
            assert re.fullmatch(r"[|:\- ]+", lines[i + 1]), line
