"""`postmortem`: lists the postmortems that are required, and acknowledges them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click

from exporter.commands.api_client import Access, ask
from exporter.commands.api_options import (
    access_options,
    group_text,
    on_every,
    servers_option,
    storing,
)
from exporter.commands.shards import Answers, of_every_shard, report_missing
from exporter.errors import ApiError
from exporter.slo.durations import format_duration
from exporter.slo.figures import percent
from exporter.slo.incident_ids import incident_id


@click.group()
def postmortem() -> None:
    """List postmortems that the policy requires, and acknowledge them."""


def _group(_: click.Context, __: click.Parameter, value: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in value]
    if not all(label and equals for label, equals, _ in pairs):
        raise click.BadParameter("write label=value")
    return {label: text for label, _, text in pairs}


def _start(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    if value is None or value.isdigit():
        return None if value is None else int(value)
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise click.BadParameter("write a time as in RFC 3339, such as 2026-11-25T02:03:00Z")
    return int(at.timestamp())


@postmortem.command("list")
@servers_option
@access_options
def list_postmortems(*, servers: Sequence[str], access: Access) -> None:
    """List the incidents whose postmortem is required, newest first."""
    answers = _all(servers, access)
    found = _newest_first(answers)
    for one in found:
        click.echo(
            f"{one.id}  {one.slo}{group_text(one.groups)}  {one.began}  "
            f"took {one.share:.0%} of the budget{one.more}"
        )
    if not found and not answers.missing:
        click.echo("no postmortem is required")
    report_missing(answers.missing)


@postmortem.command()
@click.argument("incident", metavar="ID|latest|SERVICE/SLO")
@servers_option
@click.option(
    "--start",
    callback=_start,
    help="With SERVICE/SLO: when it began, in RFC 3339 or Unix seconds; the latest without it.",
)
@click.option(
    "--group", "groups", multiple=True, callback=_group, help="With SERVICE/SLO: label=value."
)
@click.option("--by", required=True, help="Who takes care of it.")
@click.option("--note", required=True, help="Where the postmortem is.")
@access_options
def ack(
    *,
    incident: str,
    servers: Sequence[str],
    start: int | None,
    groups: Mapping[str, str],
    by: str,
    note: str,
    access: Access,
) -> None:
    """Acknowledge the postmortem of an incident: by its ID from the list, or the latest one."""
    if start is None:
        found = _chosen(incident, groups, _all(servers, access))
        slo, groups, start = found.slo, found.groups, found.start
    else:
        slo = incident
    service, _, name = slo.partition("/")
    body = {
        "service": service,
        "slo": name,
        "groups": groups,
        "start": start,
        "by": by,
        "note": note,
    }

    def acknowledge(server: str) -> str:
        answer: Any = ask(server, "POST", "postmortems/acknowledge", access, body=body)
        return f"the postmortem of {slo} is acknowledged{storing(answer)}"

    on_every(servers, acknowledge)


@dataclass(frozen=True, slots=True)
class _Awaited:
    """An incident whose postmortem is required."""

    id: str
    slo: str
    groups: Mapping[str, str]
    start: int
    share: float
    began: str
    more: str


def _all(servers: Sequence[str], access: Access) -> Answers[list[_Awaited]]:
    return of_every_shard(servers, access, lambda server, query: _awaited(server, access, query))


def _newest_first(answers: Answers[list[_Awaited]]) -> list[_Awaited]:
    every = (one for found in answers.found for one in found)
    return sorted(every, key=lambda one: one.start, reverse=True)


def _chosen(word: str, groups: Mapping[str, str], answers: Answers[list[_Awaited]]) -> _Awaited:
    """The newest one that a word of the command line stands for.

    Raises:
        ApiError: there is none, or that cannot be told.
    """
    for one in _newest_first(answers):
        named = word == one.slo and (not groups or dict(groups) == dict(one.groups))
        if word == one.id or named or (word == "latest" and not answers.missing):
            return one
    if answers.missing:
        raise ApiError("\n".join(answers.missing))
    what = "no postmortem is required" if word == "latest" else f"none is required of {word!r}"
    raise ApiError(f"{what}: `postmortem list` shows those that are")


def _awaited(server: str, access: Access, query: Mapping[str, str]) -> list[_Awaited]:
    """The incidents of a shard's SLOs whose postmortem is required."""
    found: list[_Awaited] = []
    offset, total = 0, 1
    while offset < total:
        page: Any = ask(server, "GET", "slos", access, query={**query, "offset": str(offset)})
        for slo in page["slos"]:
            for incident in slo["incidents"]:
                if incident["postmortem"] and not incident["acknowledged"]:
                    key = slo["service"], slo["slo"], slo["groups"], incident["start"]
                    name, about = f"{slo['service']}/{slo['slo']}", incident.get("start_about")
                    began = ("about " if about else "") + _rfc3339(incident["start"])
                    words = {"share": incident["share"], "began": began, "more": _more(incident)}
                    found.append(_Awaited(incident_id(*key), name, *key[2:], **words))
        offset, total = offset + max(1, len(page["slos"])), page["total"]
    return found


def _more(incident: Mapping[str, Any]) -> str:
    """What else a daemon tells of an incident; one of an older version tells less."""
    if "state" not in incident:
        return ""
    about = "about " if incident["start_about"] or incident["end_about"] else ""
    more = f", lasted {about}{format_duration(incident['end'] - incident['start'])}"
    if incident["peak_error_ratio"] is not None:
        least = "at least " if about else ""
        more += f", peak {least}{percent(incident['peak_error_ratio'])}"
    detected = incident["time_to_detect"]
    if detected is not None:
        late = "about " if incident["start_about"] else ""
        more += f", paged after {late}{format_duration(detected)}"
    elif incident["followed"]:
        more += ", no page"
    states = {"burning": "ongoing", "quiet": "may go on", "unknown": "nothing is known since"}
    state = states.get(incident["state"])
    return f"{more}; {state}" if state else more


def _rfc3339(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
