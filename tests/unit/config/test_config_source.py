"""Reading YAML: lines, and what hostile text may not do."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from exporter.config.errors import ConfigError
from exporter.config.reading.loading import load
from exporter.config.reading.source import Document, parse

LOADERS = [yaml.SafeLoader, yaml.CSafeLoader]
FILE = Path("config.yaml")


@pytest.fixture(params=LOADERS, ids=lambda loader: loader.__name__)
def loader(request):
    """PyYAML's own loader and libyaml's: either may be what is installed."""
    return request.param


def refusal(text: str, loader: type) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, FILE, loader)
    return str(caught.value)


def test_values_stay_the_text_that_was_written(loader):
    """YAML's own idea of numbers, dates and booleans is not asked; null is nothing."""
    text = "{a: 99.90, b: yes, c: 2024-01-01, d: 0x1f, e: 1e3, f: ~, g: 'null', h: =, 1: .inf}"
    assert parse(text, FILE, loader).values == {
        "a": "99.90",
        "b": "yes",
        "c": "2024-01-01",
        "d": "0x1f",
        "e": "1e3",
        "f": None,
        "g": "null",
        "h": "=",
        "1": ".inf",
    }


def test_every_key_knows_its_line(loader):
    """A path leads to the line of its key, or to the nearest one above it."""
    document = parse("# first\na:\n  - b: 1\n    c:\n      d: [1,\n        2]\n", FILE, loader)
    lines: dict[tuple[str | int, ...], int] = {
        (): 2,
        ("a",): 2,
        ("a", 0): 3,
        ("a", 0, "b"): 3,
        ("a", 0, "c", "d"): 5,
        ("a", 0, "c", "d", 1): 6,
        ("a", 0, "c", "x"): 4,
        ("a", 0, "x", "b"): 3,
        ("x", "a"): 2,
    }
    assert {path: document.line(path) for path in lines} == lines


def test_merged_keys_keep_their_line(loader):
    """A mistake in what `<<` takes over is reported where it was written."""
    document = parse("a: &a\n  b: 1\nc:\n  <<: *a\n", FILE, loader)
    assert document.line(("c", "b")) == 2


def test_aliases_do_not_multiply(loader):
    """Nine levels of nine aliases stand for a billion values, and are read as ten."""
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    document: Document = parse("\n".join(lines), FILE, loader)
    values = document.values
    assert all(inner is values["a8"] for inner in values["a9"])
    assert document.mistakes == []


def test_an_alias_bomb_is_refused():
    """Aliases in place of an SLO, of labels and of names, nine wide and nine deep."""
    bomb = "x: &a0 [x]\n" + "\n".join(
        f"x{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)
    )
    slo = "{service: *a9, name: *a9, labels: *a9, group_by: *a9, sli: *a9, objective: *a9}"
    with pytest.raises(ConfigError) as caught:
        load(f"{bomb}\nslos: [{slo}, *a9]\nslo_files: *a9", FILE)
    [mistake] = caught.value.mistakes
    assert mistake.message.startswith("has more than 2,000,000 values")


def test_half_a_surrogate_pair_is_refused(loader):
    """Text that has no UTF-8 form goes no further."""
    if loader is yaml.SafeLoader:
        document = parse('a:\n  "\\ud800"', FILE, loader)
        assert [str(mistake) for mistake in document.mistakes] == [
            "config.yaml:2: a: has half a surrogate pair, which is not a character"
        ]
    else:
        assert "invalid Unicode character escape code" in refusal('a: "\\ud800"', loader)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_deep_nesting_is_refused(loader, opening):
    """A stack is never used up, in Python or in C."""
    assert refusal(opening * 20_000, loader) == "config.yaml:1: is nested more than 32 levels deep"


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        (
            "a: &x {b: 1}\nc: {*x : 2}",
            ["2: c: has a list or a mapping as a key: keys must be text"],
        ),
        ("a: 1\nb: {<<: 2}", ["2: b.<<: must be a mapping or a list of mappings"]),
        ("a: 1\na: !t {b: !u 2}", ["2: a: is given twice, first on line 1"]),
        ("a: !t {b: !u 2}", ["1: a: has a YAML tag: put text that begins with ! in quotes"]),
        ("[a, !u b]: 1\nc: 2", ["1: has a list or a mapping as a key: keys must be text"]),
        ("a: &x\n  b: *x", ["1: a.b: must not contain itself"]),
        ("a: &x 1\nb: &x 2", ["2: is not valid YAML: found duplicate anchor; first occurrence"]),
        ("a: *x", ["1: is not valid YAML: found undefined alias"]),
    ],
)
def test_a_mistake_of_yaml_is_told_once_and_where_it_is(loader, text, mistakes):
    """What is wrong inside of something that is refused as a whole is not told besides."""
    try:
        told = [*map(str, parse(text, FILE, loader).mistakes)]
    except ConfigError as error:
        told = [*map(str, error.mistakes)]
    assert len(told) == len(mistakes)
    for one, other in zip(told, mistakes, strict=True):
        assert one.startswith(f"config.yaml:{other}")


def test_keys_may_be_aliases_and_what_is_not_heard_may_be_anchored(loader):
    """An alias is what it stands for wherever that stands; lines are those of the anchor."""
    values = parse("a: &x b\n? *x\n: 1\n[c]: &y {d: e}\nf: *y", FILE, loader).values
    assert values == {"a": "b", "b": "1", "f": {"d": "e"}}
    assert values.lines == {"a": 1, "b": 1, "f": 5}


def test_constructors_are_never_run(loader, tmp_path):
    """A tag that would run code in an unsafe loader is a mistake."""
    witness = tmp_path / "witness"
    document = parse(f"a: !!python/object/apply:os.mkdir ['{witness}']", FILE, loader)
    assert "python/object/apply:os.mkdir" in str(document.mistakes[0])
    assert not witness.exists()
