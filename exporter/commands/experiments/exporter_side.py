"""What a running exporter knows before an experiment, and what it is told of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from exporter.commands.api_client import Access, ElsewhereError, ask
from exporter.commands.api_options import of_first
from exporter.errors import ApiError
from exporter.experiment.hypothesis import Target
from exporter.experiment.refusing import Standing
from exporter.slo.policy import Gate
from exporter.slo.records import ChangeSource

LONGEST_WHAT = 200
"""Characters of what a change may be called."""


@dataclass(frozen=True, slots=True)
class ExporterSide:
    """The replicas of an exporter, and how they are asked; there may be none."""

    servers: Sequence[str]
    access: Access

    def standings(self, own: Sequence[Standing], slos: Mapping[str, float]) -> list[Standing]:
        """How SLOs stand as the exporter says: what is missing there is as it was measured.

        Args:
            own: by what was measured.
            slos: the objectives of the configuration, by full name.

        Raises:
            ApiError: no replica answers.
        """
        if not self.servers:
            return list(own)
        services = dict.fromkeys(each.target.slo.partition("/")[0] for each in own)
        entries: list[Mapping[str, Any]] = []
        for service in services:
            entries += of_first(self.servers, partial(self._entries, service))
        return [self._told(each, entries, slos[each.target.slo]) for each in own]

    def _entries(self, service: str, server: str) -> list[Mapping[str, Any]]:
        answer: Any = ask(server, "GET", "slos", self.access, query={"service": service})
        return list(answer["slos"])

    def _told(
        self, own: Standing, entries: Sequence[Mapping[str, Any]], objective: float
    ) -> Standing:
        entry = next((each for each in entries if _is_of(each, own.target)), None)
        if entry is None:
            return replace(own, problem=own.problem or "the exporter does not have this SLO")
        pages = tuple(
            f"{each['severity']} {each['long']}/{each['short']}"
            for each in entry["alerts"]
            if each["severity"] == "page" and each["firing"]
        )
        tier, budget = entry["tier"], entry["budget"]
        period = entry["windows"].get(entry["period"]["name"])
        return Standing(
            target=own.target,
            pages=pages,
            gate=Gate(tier["gate"]) if tier else None,
            tier=tier["name"] if tier else None,
            remaining=budget["remaining"] if budget else own.remaining,
            allowed=period["total"] * (1 - objective) if period else own.allowed,
            problem=entry["problem"],
        )

    def note(self, services: Sequence[str], title: str, source: ChangeSource) -> list[str]:
        """Note something as a change of services, on every replica; what came of it, to be told.

        An experiment does not fail because of this.
        """
        what = title if len(title) <= LONGEST_WHAT else f"{title[: LONGEST_WHAT - 3]}..."
        told = []
        for service in services:
            at: object = None
            for server in self.servers:
                body: dict[str, object] = {"service": service, "what": what, "source": source}
                if at is not None:
                    body["at"] = at
                try:
                    answer: Any = ask(server, "POST", "changes", self.access, body=body)
                    at = answer["change"]["at"]
                except ElsewhereError:
                    continue
                except ApiError as error:
                    told.append(f"not noted as a change of {service}: {error}")
        return told


def _is_of(entry: Mapping[str, Any], target: Target) -> bool:
    same: bool = f"{entry['service']}/{entry['slo']}" == target.slo
    return same and dict(entry["groups"]) == dict(target.groups)
