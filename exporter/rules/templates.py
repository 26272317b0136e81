"""Templates of annotations: Prometheus fills in the figures of what fires when it sends an alert.

The series that they look up carry the labels of the alert, so the alert's own labels are the
selector, whatever they are.
"""

from __future__ import annotations

ME = (
    '{{ $me := "" }}{{ range $name, $value := $labels }}'
    '{{ $me = printf "%s%s=%q," $me $name $value }}{{ end }}\n'
)
"""Makes `$me`: the labels of the alert as a selector."""


def _figure(query: str, function: str, text: str) -> str:
    """A text with a figure in the place of `VALUE`, nothing where that is not known."""
    shown = "{{ . | first | value | FUNCTION }}".replace("FUNCTION", function)
    before, _, after = text.partition("VALUE")
    return f'{{{{- with query (printf "{query}" $me) }}}}{before}{shown}{after}{{{{ end }}}}'


def _of(name: str) -> str:
    return f"slo_alert_{name}{{%s}}"


FIGURES = ME + "\n".join(
    (
        _figure(_of("error_ratio"), "humanizePercentage", "VALUE of events fail"),
        _figure(_of("allowed_error_ratio"), "humanizePercentage", ", VALUE are allowed."),
        _figure(
            _of("budget_remaining_ratio") + " > 0",
            "humanizePercentage",
            " VALUE of the error budget is left",
        ),
        _figure(
            "0 - " + _of("budget_remaining_ratio") + " >= 0 < 10",
            "humanizePercentage",
            " The error budget is overspent by VALUE",
        ),
        # From 1000% on, a percentage would be written as 1.389e+04%.
        _figure(
            "0 - " + _of("budget_remaining_ratio") + " >= 10",
            "humanize",
            " The error budget is overspent VALUE times over",
        ),
        _figure(
            _of("budget_hourly_ratio") + " <= 1",
            "humanizePercentage",
            ", VALUE of it goes every hour.",
        ),
        _figure(
            f"3600 / ({_of('budget_hourly_ratio')} > 1)",
            "humanizeDuration",
            ", a whole one goes in VALUE.",
        ),
        _figure(
            _of("exhaustion_seconds"), "humanizeDuration", " At this rate it is spent in VALUE."
        ),
        _figure(_of("since_timestamp_seconds"), "humanizeTimestamp", " Since VALUE."),
    )
)
"""What burns, as the status page says it."""


def own(name: str, otherwise: str) -> str:
    """The SLO's own annotation of a burn-rate alert, else another text."""
    query = f'slo_alert_annotations{{%sannotation_{name}!=\\"\\"}}'
    return (
        f'{ME}{{{{- with query (printf "{query}" $me) }}}}'
        f'{{{{ . | first | label "annotation_{name}" }}}}{{{{ else }}}}{otherwise}{{{{ end }}}}'
    )


def from_label(names: tuple[str, ...], otherwise: str) -> str:
    """An SLO's own label in place of a text: the first of some names that it has."""
    text = otherwise
    for name in reversed(names):
        query = f'slo_info{{service=%q,slo=%q,{name}=~\\"https?://.+\\"}}'
        text = (
            f'{{{{ with query (printf "{query}" $labels.service $labels.slo) }}}}'
            f'{{{{ . | first | label "{name}" }}}}{{{{ else }}}}{text}{{{{ end }}}}'
        )
    return text


def of_daemon(path: str, job: str) -> str:
    """A page of the daemon, where Prometheus scrapes it: of one that is up, if there is one."""
    up = f'up{{job=\\"{job}\\"}}'
    query = f"{up} == 1 or ({up} unless on () {up} == 1)"
    return (
        f'{{{{ with query "{query}" | sortByLabel "instance" }}}}'
        f'http://{{{{ . | first | label "instance" }}}}{path}{{{{ end }}}}'
    )
