"""The configuration as text that may be shown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import pytest
import yaml

from exporter.config.models import MainFile, SloFile
from exporter.config.reading.loading import load, load_file
from exporter.config.reading.source import parse
from exporter.config.types.fields import Secret
from exporter.config.types.section import Section
from exporter.store.settings import PostgresSettings
from tests.helpers.secret_config import PLACES, SLOS, Planted

FILE = Path("config.yaml")


def masked(text: str) -> str:
    return load(text, FILE).masked


def secret_places(kind: Any, path: str = "") -> set[str]:
    """Where a type's values are marked as secret: keys of the file, without their indices."""
    parts = get_args(kind)
    if get_origin(kind) is Annotated and any(isinstance(part, Secret) for part in parts):
        return {path}
    if isinstance(kind, type) and issubclass(kind, Section):
        return {
            place
            for name, field in kind.model_fields.items()
            for place in secret_places(
                Annotated[field.annotation, None, *field.metadata], f"{path}.{name}".lstrip(".")
            )
        }
    return {place for part in parts for place in secret_places(part, path)}


def has(section: Any, place: str) -> bool:
    key, _, rest = place.partition(".")
    return key in section and (not rest or has(section[key], rest))


def test_the_url_of_a_database_is_masked_as_a_whole():
    """Its password may stand in its parameters as well."""
    url = "postgresql://exporter@db.example.com/slo?password=hidden"
    found = load(f"storage: {{url: '{url}'}}\n{SLOS}", FILE)
    assert found.storage == PostgresSettings(url)
    assert "url: <secret>" in found.masked.replace("'", "")
    assert "hidden" not in found.masked + repr(found.storage) + str(found.storage)


def test_the_secret_places_are_these():
    """Whoever adds one adds it to the test that plants secrets, too."""
    own = {place for place in secret_places(MainFile) if not place.startswith("datasources")}
    assert {place.removeprefix("prometheus.") for place in own} == {*PLACES, "storage.url"}
    named = {place for place in secret_places(MainFile) if place.startswith("datasources")}
    assert {place.removeprefix("datasources.") for place in named} == PLACES
    assert secret_places(SloFile) == set()


def test_no_secret_is_in_the_text_of_files_with_one_in_every_place(tmp_path):
    """Nor in what is printed of the settings; everything else is there."""
    planted = Planted(tmp_path)
    text = planted.text
    settings = load(text, tmp_path / "config.yaml")
    shown = settings.masked
    written = yaml.safe_load(text)["datasources"]
    assert {
        place for place in PLACES if any(has(each, place) for each in written.values())
    } == PLACES
    for told in (shown, repr(settings), repr(settings.datasources)):
        assert [secret for secret in planted.secrets if secret in told] == []
    for name, source in yaml.safe_load(shown)["datasources"].items():
        assert source.keys() == written[name].keys()


@pytest.mark.parametrize("quotes", ["", "'", '"'])
def test_a_secret_is_replaced_however_it_is_written(quotes):
    """In quotes, in a block or plain; what is around it stays."""
    text = f"prometheus:\n  basic_auth: {{username: me, password: {quotes}hunter2{quotes}}}\n{SLOS}"
    assert "basic_auth: {username: me, password: <secret>}" in masked(text)
    block = "prometheus:\n  basic_auth:\n    password: |\n      hunter2\n    username: me\n"
    assert "password: <secret>\n    username: me" in masked(block + SLOS)


def test_of_a_url_user_and_password_are_replaced():
    """Where the proxy is may be seen."""
    text = f"prometheus: {{proxy_url: 'http://me:hun@ter2@proxy:3128'}}\n{SLOS}"
    assert "proxy_url: 'http://<secret>@proxy:3128'" in masked(text)
    plain = f"prometheus: {{proxy_url: 'http://proxy:3128'}}\n{SLOS}"
    assert "proxy_url: 'http://proxy:3128'" in masked(plain)


def test_names_of_headers_and_parameters_stay():
    """Their values go, all of them."""
    text = f"prometheus:\n  headers: {{X-Scope-OrgID: team-a, X-Key: hunter2}}\n{SLOS}"
    assert "headers: {X-Scope-OrgID: <secret>, X-Key: <secret>}" in masked(text)


def test_comments_are_left_out():
    """An old password may stand in one."""
    text = f"# hunter1\nprometheus:\n  timeout: 5s  # was hunter2\n{SLOS}# hunter3"
    assert "hunter" not in masked(text)


def test_a_secret_that_an_alias_or_a_merge_brings_is_replaced():
    """Wherever the anchor stands."""
    text = """\
prometheus:
  basic_auth: &auth {username: &pw hunter2, password: *pw}
datasources:
  a: {basic_auth: *auth, url: 'http://a'}
  b: {basic_auth: {<<: *auth, username: me}, url: 'http://b'}
  c: {<<: [{headers: {X-Key: hunter2}}, {url: 'http://c'}]}
"""
    shown = masked(text + SLOS)
    assert "hunter2" not in shown
    assert re.findall("http://.", shown) == ["http://a", "http://b", "http://c"]


def test_a_key_without_a_value_stays_without():
    """Nothing is there to hide."""
    assert "password:\n" in masked(
        f"prometheus:\n  basic_auth: {{username: me, password_file: /dev/null}}\n{SLOS}".replace(
            "{username: me, ", "\n    password:\n    username: me\n    "
        ).replace("/dev/null}", "/dev/null")
    )


def test_all_files_are_there_each_under_its_name(tmp_path):
    """A YAML document each, in the order in which they were read; what is shown is what is read."""
    (tmp_path / "team.yaml").write_text(SLOS.replace("name: b", "name: c"))
    main = tmp_path / "config.yaml"
    main.write_text(f"{SLOS}slo_files: [team.yaml]\n")
    shown = load_file(main).masked
    first, second = shown.split("---\n")
    assert first.startswith(f"# {main}\n")
    assert second.startswith(f"# {tmp_path / 'team.yaml'}\n")
    assert parse(first, main).values == parse(main.read_text(), main).values
    assert parse(second, main).values["slos"][0]["name"] == "c"


def test_a_file_whose_name_breaks_the_line_breaks_no_comment(tmp_path):
    """It stands in quotes."""
    odd = tmp_path / "a\nslos: b.yaml"
    odd.write_text(SLOS)
    shown = load(f"slo_files: ['{tmp_path}/*.yaml']\n", tmp_path / "config").masked
    assert [line for line in shown.splitlines() if line.startswith("slos: b")] == []


def test_long_expressions_stay_on_their_line():
    """Numbers and words are written as they were."""
    query = " + ".join(f'sum(rate(a{{b="{i}"}}[$window]))' for i in range(40))
    text = SLOS.replace("events: {bad: a, total: b}", f"query: {{bad: '{query}', total: sum(c)}}")
    text = text.replace("sum(c)", "'sum(rate(c[$window]))'")
    assert query in masked(text)
    assert "objective: 99\n" in masked(text)


BOMB = (
    "slos:\n"
    "  - &s0 {service: a, name: s0, objective: 99, sli: {events: {bad: b, total: t}}}\n"
    + "".join(
        f"  - &s{i}\n    name: s{i}\n    <<: [{', '.join([f'*s{i - 1}'] * 10)}]\n"
        for i in range(1, 25)
    )
)
"""Merge keys ten wide: 10^24 mappings, for who follows each."""


def test_merge_keys_are_followed_once_per_mapping():
    """It would never end."""
    found = load(BOMB, FILE)
    assert len(found.slos) == 25
    assert "s24" in found.masked


def test_a_secret_behind_an_alias_and_a_merge_key_is_masked():
    """Wherever its anchor stands."""
    text = masked(
        f"{SLOS}\nprometheus: &p\n  basic_auth: {{username: ada, password: &s hidden}}\n"
        "datasources:\n  two: {<<: [*p, *p]}\n  three: {headers: {X-Key: *s}}\n"
    )
    assert "hidden" not in text
