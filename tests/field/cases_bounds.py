"""Histograms whose series do not all have the bucket of the threshold."""

from __future__ import annotations

from tests.field.case import FieldCase, Truth, one_slo
from tests.field.kit import counter, scrapes

SLI = "{latency: {histogram: METRIC, threshold: 1500ms}}"
RATES = {"0.1": 9.0, "1.0": 9.8, "1.5": 9.9, "+Inf": 10.0}


def _jobs(metric: str, now: int, *, resets: tuple[int, ...] = ()) -> list:
    """Ten requests a second at two jobs, 1% slow; the bucket of one job's threshold was dropped."""
    times, found = scrapes(now), []
    for job in ("apiserver", "kubelet"):
        labels = {"job": job, "instance": "m1", "region": job[:1]}
        at = [now + reset for reset in resets]
        found.append(counter(f"{metric}_count", 10, times, resets=at, **labels))
        for le, rate in RATES.items():
            if (job, le) != ("apiserver", "1.5"):
                found.append(counter(f"{metric}_bucket", rate, times, resets=at, le=le, **labels))
    return found


def one_job_lacks_the_bucket() -> FieldCase:
    metric = "bound_on_one_job"
    return FieldCase(
        "The bucket of one job was dropped: its requests are not known to be slow.",
        lambda now: _jobs(metric, now),
        one_slo(SLI.replace("METRIC", metric)),
        (Truth("1h", 360, 36_000),),
    )


def one_restarts_without_the_bucket() -> FieldCase:
    metric = "bound_and_restarts"
    return FieldCase(
        "Both jobs restart, so that slots are counted from raw samples; one lacks the bucket.",
        lambda now: _jobs(metric, now, resets=(-1_800,)),
        one_slo(SLI.replace("METRIC", metric)),
        # What the scrape before a restart does not show is lost: 30 s of events.
        (Truth("1h", 357, 35_700, within=1e-3),),
    )


def a_group_lacks_the_bucket() -> FieldCase:
    metric = "bound_in_one_group"
    return FieldCase(
        "With group_by, nothing is known of the group whose series lack the bucket.",
        lambda now: _jobs(metric, now),
        one_slo(SLI.replace("METRIC", metric), group_by="[region]"),
        (Truth("1h", 360, 36_000, groups={"region": "k"}),),
    )


CASES = (one_job_lacks_the_bucket, one_restarts_without_the_bucket, a_group_lacks_the_bucket)
