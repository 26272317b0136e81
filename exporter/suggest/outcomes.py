"""How a request ended, by the values of a label: `500`, `5xx`, `5`, `Internal`, `failure`. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from exporter.prometheus.selectors import Matcher

GRPC = {
    0: "OK",
    1: "Canceled",
    2: "Unknown",
    3: "InvalidArgument",
    4: "DeadlineExceeded",
    5: "NotFound",
    6: "AlreadyExists",
    7: "PermissionDenied",
    8: "ResourceExhausted",
    9: "FailedPrecondition",
    10: "Aborted",
    11: "OutOfRange",
    12: "Unimplemented",
    13: "Internal",
    14: "Unavailable",
    15: "DataLoss",
    16: "Unauthenticated",
}
SERVER_FAULTS = (2, 4, 12, 13, 14, 15)
"""gRPC codes that are the server's fault: OpenTelemetry's semantic conventions for gRPC, where a
server's span is an error by these alone."""


def _upper(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()


_SPELLINGS = [list(GRPC.values()), [_upper(name) for name in GRPC.values()]]


def _british(canceled: str) -> str:
    """The other spelling of this code, which half of all libraries have."""
    return canceled.replace("cel", "cell").replace("CEL", "CELL")


_HTTP = re.compile(r"[1-5](?:\d\d|[xX]{2})?")
_NO_ANSWER = {"", "0", "000", "-1", "other", "unknown", "unset", "none"}
"""Values that HTTP's labels have beside codes; they say nothing of the server's."""

_GOOD_WORDS = {"success", "successful", "succeeded", "ok", "completed", "true", "pass", "passed"}
_BAD_WORDS = {"failure", "failed", "error", "server_error", "exception", "timeout", "false", "fail"}
_CLIENT_WORDS = {"client_error", "invalid", "bad_request"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a label tells: matchers of the bad events (or of the good ones), and of all that count.

    `seen` tells whether a bad event has ever been counted.
    """

    counts: tuple[Matcher, ...]
    bad: tuple[Matcher, ...] = ()
    good: tuple[Matcher, ...] = ()
    seen: bool = True


def outcome(label: str, values: Collection[str]) -> Outcome | None:
    """What the values of a label tell of how requests ended; None if it tells nothing."""
    told = {value for value in values if value.lower() not in _NO_ANSWER}
    there = set(values) - {""}
    if _grpc_label(label):
        numbers = [int(value) for value in there if value.isdecimal()]
        if numbers and len(numbers) == len(there) and max(numbers) < 100:
            return _grpc(label, there, list(map(str, GRPC)))
        # OK alone does not show how the others are written: as in Go by go-grpc-middleware.
        spellings = _SPELLINGS[1:] if there == {"OK"} and label != "grpc_code" else _SPELLINGS
        for names in spellings:
            if there and there <= {*names, _british(names[1])}:
                return _grpc(label, there, names)
    if told and all(_HTTP.fullmatch(value) for value in told):
        return _http(label, told)
    return _words(label, told)


def _grpc_label(label: str) -> bool:
    return "rpc" in label


def _http(label: str, values: Collection[str]) -> Outcome:
    single = all(len(value) == 1 for value in values)
    client, server = ("4", "5") if single else ("4..", "5..")
    compare = "" if single else "~"
    clients = any(value.startswith("4") for value in values)
    return Outcome(
        counts=(Matcher(label, f"!{compare or '='}", client),) if clients else (),
        bad=(Matcher(label, f"={compare}", server),),
        seen=any(value.startswith("5") for value in values),
    )


def _grpc(label: str, values: Collection[str], names: list[str]) -> Outcome:
    faults = [names[code] for code in SERVER_FAULTS]
    return Outcome(
        counts=(),
        bad=(Matcher(label, "=~", "|".join(faults)),),
        seen=bool(set(faults) & set(values)),
    )


def _words(label: str, values: Collection[str]) -> Outcome | None:
    good = sorted(value for value in values if value.lower() in _GOOD_WORDS)
    bad = sorted(value for value in values if value.lower() in _BAD_WORDS)
    client = sorted(value for value in values if value.lower() in _CLIENT_WORDS)
    counts = (_not(label, client),) if client else ()
    if bad:
        return Outcome(counts, bad=(_is(label, bad),))
    if good:  # what is no success is bad, when there is any
        return Outcome(counts, good=(_is(label, good),), seen=bool(set(values) - {*good, *client}))
    return None


def _is(label: str, values: list[str]) -> Matcher:
    return one_of(label, values)


def _not(label: str, values: list[str]) -> Matcher:
    return none_of(label, values)


def one_of(label: str, values: Collection[str]) -> Matcher:
    """Matches the label's values that are among some."""
    if len(values) == 1:
        return Matcher(label, "=", *values)
    return Matcher(label, "=~", "|".join(map(re.escape, values)))


def none_of(label: str, values: Collection[str]) -> Matcher:
    """Matches the label's values that are not among some."""
    matcher = one_of(label, values)
    return Matcher(label, "!=" if matcher.op == "=" else "!~", matcher.value)
