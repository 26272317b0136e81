"""Query layers as they behave in the field, before a real Prometheus.

Each behaviour was seen at a real server: what Thanos 0.42, VictoriaMetrics cluster 1.150 and
Prometheus with `remote_read` answer while a part of their data is away, and how they compute.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from tests.helpers.tcp_servers import Answer, Headers, HttpServer

JSON = {"Content-Type": "application/json"}

STORE_AWAY = (
    'fetch series for {cluster="y"} Addr: 127.0.0.1:19113 MinTime: 1795572180000 MaxTime: '
    "9223372036854775807: rpc error: code = Unavailable desc = connection error"
)

Form = dict[str, str]
Layer = Callable[["QueryLayer", str, Headers, Form], Answer]


class QueryLayer:
    """Answers as `layer` does, which may ask the Prometheus at the URL `upstream`.

    `asked` holds every form that came.
    """

    def __init__(self, upstream: str, layer: Layer | None = None) -> None:
        self.layer = layer or passed_on
        self.upstream = upstream
        self.asked: list[Form] = []
        self._http = httpx.Client(base_url=upstream, timeout=60)
        self._server = HttpServer(self._answer)
        self.url = self._server.url

    def _answer(self, path: str, headers: Headers, form: Form) -> Answer:
        self.asked.append(form)
        return self.layer(self, path, headers, form)

    def prometheus(self, path: str, form: Mapping[str, str]) -> httpx.Response:
        """What Prometheus answers."""
        return self._http.post(path, data=dict(form))

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.__exit__(kind, error, trace)
        self._http.close()


def passed_on(layer: QueryLayer, path: str, _headers: Headers, form: Form) -> Answer:
    """Nothing is changed."""
    answer = layer.prometheus(path, form)
    return answer.status_code, JSON, answer.content


def lacking(said: Mapping[str, Any]) -> Layer:
    """Half of the data is away, and the answer says so in a key besides."""

    def answer(layer: QueryLayer, path: str, _headers: Headers, form: Form) -> Answer:
        body = layer.prometheus(path, form).json()
        for series in body["data"]["result"]:
            for at_value in series.get("values", [series.get("value")]):
                at_value[1] = str(float(at_value[1]) / 2)
        return 200, JSON, json.dumps({**body, **said}).encode()

    return answer


def without_a_store(layer: QueryLayer, path: str, headers: Headers, form: Form) -> Answer:
    """Thanos with a store away: it leaves it out, or refuses where it must not."""
    if form.get("partial_response") != "false":
        return lacking({"warnings": [STORE_AWAY]})(layer, path, headers, form)
    told = f"expanding series: proxy Series(): {STORE_AWAY}"
    return 422, JSON, json.dumps(refusal("execution", told)).encode()


def without_a_storage_node(layer: QueryLayer, path: str, headers: Headers, form: Form) -> Answer:
    """VictoriaMetrics cluster with a node away: it leaves it out, or refuses where it must not."""
    if form.get("deny_partial_response") != "1":
        return lacking({"isPartial": True})(layer, path, headers, form)
    told = "error occured during search: cannot fetch query results from vmstorage nodes"
    return 503, JSON, json.dumps(refusal("503", told)).encode()


def blind_to_resets(layer: QueryLayer, path: str, _headers: Headers, form: Form) -> Answer:
    """Thanos: `resets()` is 0, since it is given values from which resets were taken out."""
    if form.get("partial_response") not in {None, "true", "false", "1", "0"}:
        told = "'partial_response' parameter: strconv.ParseBool: invalid syntax"
        return 400, JSON, json.dumps(refusal("bad_data", told)).encode()
    query = re.sub(r"\bresets\(", "0 * count_over_time(", form["query"])
    answer = layer.prometheus(path, {**form, "query": query})
    return answer.status_code, JSON, answer.content


def caching(passes: Callable[[Headers, Form], bool]) -> Layer:
    """A query frontend that answers range queries from its cache, unless a request `passes` it.

    It caches the result of a query at each step, and also that there was none yet.
    """
    cache: dict[tuple[str, str], dict[float, dict[str, str]]] = {}

    def answer(layer: QueryLayer, path: str, headers: Headers, form: Form) -> Answer:
        fresh = layer.prometheus(path, form)
        if passes(headers, form) or "step" not in form or fresh.status_code != httpx.codes.OK:
            return fresh.status_code, JSON, fresh.content
        start, end, step = (int(form[name]) for name in ("start", "end", "step"))
        known = cache.setdefault((form["query"], form["step"]), {})
        values: dict[float, dict[str, str]] = {t: {} for t in range(start, end + 1, step)}
        for series in fresh.json()["data"]["result"]:
            for t, value in series["values"]:
                values[t][json.dumps(series["metric"])] = value
        held = {t: known.setdefault(t, now) for t, now in values.items()}
        result = [
            {
                "metric": json.loads(labels),
                "values": [[t, now[labels]] for t, now in held.items() if labels in now],
            }
            for labels in dict.fromkeys(labels for now in held.values() for labels in now)
        ]
        data = {"resultType": "matrix", "result": result}
        return 200, JSON, json.dumps({"status": "success", "data": data}).encode()

    return answer


def says_no_store(headers: Headers, _form: Form) -> bool:
    """As Cortex, Mimir and Thanos's query frontend have it."""
    return any(
        name.lower() == "cache-control" and "no-store" in value for name, value in headers.items()
    )


def says_nocache(_headers: Headers, form: Form) -> bool:
    """As VictoriaMetrics has it."""
    return form.get("nocache") == "1"


def refusing(what: Callable[[Form], bool], told: str) -> Layer:
    """Some queries are refused."""

    def answer(layer: QueryLayer, path: str, headers: Headers, form: Form) -> Answer:
        if what(form):
            return 422, JSON, json.dumps(refusal("execution", told)).encode()
        return passed_on(layer, path, headers, form)

    return answer


class Caching:
    """A query frontend that keeps what it was answered, also "nothing there yet"."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Answer] = {}

    def __call__(self, layer: QueryLayer, path: str, headers: Headers, form: Form) -> Answer:
        if headers.get("Cache-Control") == "no-store":
            return passed_on(layer, path, headers, form)
        key = (path, json.dumps(form, sort_keys=True))
        if key not in self._kept:
            self._kept[key] = passed_on(layer, path, headers, form)
        return self._kept[key]


def refusal(kind: str, message: str) -> dict[str, str]:
    """The body of a refusal."""
    return {"status": "error", "errorType": kind, "error": message}
