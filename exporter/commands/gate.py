"""`gate`: asks a running daemon whether a service may be deployed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from exporter.commands.api_client import Access, ElsewhereError, ask
from exporter.commands.api_options import (
    access_options,
    group_text,
    of_first,
    readable,
    servers_option,
)
from exporter.commands.changes import noting
from exporter.commands.options import output_option
from exporter.errors import ApiError

EXIT_CODES = {"allow": 0, "caution": 0, "unknown": 3, "block": 2}
"""By decision, the worst last."""
CAUTION = 1
"""The exit code of caution with --strict."""

SENTENCES = {
    "allow": "{} may be deployed.",
    "caution": "{} may be deployed, with caution.",
    "block": "{} must not be deployed.",
    "unknown": "It is unknown whether {} may be deployed.",
}


@click.command()
@click.argument("services", metavar="SERVICE...", nargs=-1, required=True)
@servers_option
@click.option("--slo", help="Ask only for this SLO of the service.")
@click.option(
    "--reason", help="What the deploy is for, such as security; the policy may exempt it."
)
@click.option("--strict", is_flag=True, help="Exit with 1 on caution.")
@click.option(
    "--on-unknown",
    type=click.Choice(["allow", "block"]),
    default="block",
    show_default=True,
    help="What follows from an unknown decision, or from an exporter that does not answer.",
)
@click.option(
    "--record", metavar="WHAT", help="Note the change, such as a version, if it may be deployed."
)
@click.option("--link", help="With --record: where more is said of it, an http or https URL.")
@click.option("--by", help="With --record: who deploys.")
@output_option("A few lines of text, or the exporter's whole answer.")
@access_options
def gate(
    *,
    services: Sequence[str],
    servers: Sequence[str],
    slo: str | None,
    reason: str | None,
    strict: bool,
    on_unknown: str,
    record: str | None,
    link: str | None,
    by: str | None,
    output: str,
    access: Access,
) -> None:
    """Ask whether SERVICE may be deployed now; of several the worst decision counts.

    Exits with 0 for allow (and caution, unless --strict), 1 for caution with --strict, 2 for
    block, 3 for unknown (0 with --on-unknown allow). A change that cannot be noted stops nothing.
    """
    if record is None and (link or by):
        raise click.UsageError("--link and --by need --record")
    answers = []
    for service in dict.fromkeys(services):
        query = {"service": service, "slo": slo, "reason": reason}
        given = {name: value for name, value in query.items() if value is not None}
        answer: Mapping[str, Any]
        try:
            answer = _ask_for_decision(service, servers, access, given)
        except ApiError as error:
            answer = {"service": service, "decision": "unknown", "why": str(error), "slos": []}
        answers.append(answer)
        if output == "text":
            click.echo("\n".join(_text(service, answer)))
    decisions = [str(each["decision"]) for each in answers]
    decision = max(decisions, key=list(EXIT_CODES).index)
    if output == "json":
        several = {"decision": decision, "services": answers}
        click.echo(json.dumps(answers[0] if len(answers) == 1 else several))
    code = EXIT_CODES[decision]
    if decision == "unknown" and on_unknown == "allow":
        code = 0
        if output == "text":
            click.echo("The deploy is allowed: --on-unknown allow.")
    if code == 0 and strict and "caution" in decisions:
        code = CAUTION
    if code == 0 and record is not None:
        for service in dict.fromkeys(services):
            note = noting(service, record, access, link=link, by=by)
            _record(servers, note, quiet=output == "json")
    sys.exit(code)


def _record(servers: Sequence[str], note: Callable[[str], str], *, quiet: bool) -> None:
    """Note a change on every replica. A deploy does not wait for one that is away."""
    for server in servers:
        try:
            said = note(server)
        except ElsewhereError:
            continue  # another of the servers is the shard whose change it is
        except ApiError as error:
            click.echo(f"The change was not noted: {error}", err=True)
        else:
            if not quiet:
                click.echo(f"{server}: {said}")


def _ask_for_decision(
    service: str, servers: Sequence[str], access: Access, query: Mapping[str, str]
) -> Mapping[str, Any]:
    """The decision of the first server that has one; unknown ones count if there is no other.

    Raises:
        ApiError: none of them gives a decision.
    """
    unknown: list[Mapping[str, Any]] = []

    def decide(server: str) -> Mapping[str, Any]:
        answer = ask(server, "GET", "gate", access, query=query)
        try:
            _text(service, answer)
        except (LookupError, TypeError) as error:
            # Whatever it is that answers there: no deploy may pass by accident.
            raise ApiError(f"{server} did not give a decision") from error
        if answer["decision"] == "unknown":
            unknown.append(answer)
            raise ApiError(f"{server} knows no decision")
        return answer

    try:
        return of_first(servers, decide)
    except ApiError:
        if unknown:
            return unknown[0]
        raise


def _text(service: str, answer: Mapping[str, Any]) -> Sequence[str]:
    """The decision in a few lines: those SLOs that there is something to be said of."""
    decision = answer["decision"]
    lines = [f"{decision}: {SENTENCES[decision].format(service)}"]
    if not answer["slos"]:
        lines.append(f"  {answer['why']}")
    for slo in answer["slos"]:
        passed = slo["decision"] == "allow" and not slo["exempted"] and not slo["overridden"]
        if passed and slo["held"] is None:
            continue
        lines.append(f"  {slo['slo']}{group_text(slo['groups'])}: {slo['why']}")
        if slo["decision"] != "allow":
            lines += [f"    {line}" for line in _advice(slo)]
    return lines


def _advice(slo: Mapping[str, Any]) -> Sequence[str]:
    lines = [text for text in (slo["guidance"], slo["link"]) if text]
    if slo["recovery"] is not None:
        lines.append(f"Recovers on {readable(slo['recovery'])} if nothing more fails.")
    if slo["exemptions"]:
        lines.append(f"Passes with --reason {' or '.join(slo['exemptions'])}.")
    return lines
