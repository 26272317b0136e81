"""A configuration that explains itself, whatever names and values stand in it."""

from dataclasses import replace
from pathlib import Path

from exporter.config.reading.loading import load
from exporter.suggest.candidates import Candidate
from exporter.suggest.objectives import Past, Skipped, calmer, suggest
from exporter.suggest.writing import configuration

DAY = 86_400
SLI = {"events": {"bad": 'errors_total{job="a"}', "total": 'all_total{job="a"}'}}


def written(*found, others=()):
    """The file of some suggestions, which loads."""
    suggestions = [each for each in found if not isinstance(each, Skipped)]
    skipped = [each for each in found if isinstance(each, Skipped)]
    text = configuration(
        suggestions, skipped, others,
        prometheus={"url": "http://p:9090"}, day="2026-11-28", last=30 * DAY,
    )  # fmt: skip
    if suggestions:
        assert len(load(text, Path("config.yaml")).slos) == len(suggestions)
    return text


def comments(text):
    """Its comments, however they are wrapped."""
    lines = (line.strip() for line in text.splitlines())
    return " ".join(line.lstrip("# ") for line in lines if line.startswith("#"))


def suggested(bad, total, known=30 * DAY, service="cart", **more):
    """What is suggested of a past."""
    what = {"kind": "Istio", "metric": "all_total"} | more
    past = Past(bad, total, known, {})
    return suggest(Candidate(service, "availability", (SLI,), **what), [[past]], 30 * DAY, DAY)


def test_what_was_and_what_it_would_have_meant():
    """Shares are never rounded up to an objective that was missed."""
    text = comments(written(suggested(101, 100_000)))
    assert "99.899% of 100,000 requests in the last 30d succeeded." in text
    assert "With 99.5, 20.2% of the budget was spent." in text
    assert "all_total (Istio)." in text
    # By rounding it would be 99.99%, which was missed.
    assert "99.989% of 10,000,000 requests" in comments(written(suggested(1_005, 10_000_000)))
    calm = calmer(suggested(101, 100_000), [1, 0, 0, 0, 0])
    assert "20.2% of the budget was spent, with 1 page." in comments(written(calm))


def test_groups_that_are_left_out_are_named():
    """With how far they miss it."""
    lost = replace(suggested(101, 100_000), missing=("https://gone (100% failed)",))
    assert "Left out, as they miss it by far: https://gone (100% failed)." in comments(
        written(lost)
    )


def test_one_that_pages_too_often_is_made_looser():
    """Five times a week are too often."""
    often = calmer(suggested(101, 100_000), [60, 22, 10, 3, 0])
    assert (often.objective, often.pages) == ("98", 10)
    assert calmer(suggested(101, 100_000), [60] * 5).objective == "99.5"


def test_what_never_failed_is_no_proof():
    """Failures may not be counted."""
    assert "None failed, or failures are not counted" in comments(written(suggested(0, 1e6)))
    timed = {"timed": True, "bounds": ("90%",), "what": "disks were less than {bound} full"}
    text = comments(written(suggested(0, 1e6, **timed)))
    assert "For all of the last 30d, disks were less than 90% full. It was never worse" in text


def test_what_was_skipped_stands_at_the_end():
    """Measured or not."""
    text = written(suggested(1, 1e6), suggested(0, 0, service="idle"), others=["x: too large"])
    end = text.partition("\n# Skipped:\n")[2]
    assert end.startswith("# - idle/availability (all_total): no traffic in the last 30d\n")
    assert end.endswith("# - x: too large\n")


def test_no_value_breaks_out_of_a_comment():
    """Label values hold what they like."""
    evil = 'a\nslos: []\x00\u2028 "#'
    text = written(suggested(1, 1e6, notes=(evil,)), others=[evil])
    assert all(
        line.lstrip().startswith(("#", "-", "slos:", "prometheus:")) or ": " in line or not line
        or line.endswith(":")
        for line in text.splitlines()
    )  # fmt: skip
    assert text.count("\nslos:") == 1
