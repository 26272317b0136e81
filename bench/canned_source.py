"""A source that answers every query at once, in a process of its own: what it costs is not ours.

Every SLO has ten events a second, one in a hundred of them bad, at all times.
"""

from __future__ import annotations

import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

SCRAPE = 30
_PART = re.compile(r'"slo_query_part", "(\d+)"')


def answer(form: dict[str, list[str]]) -> str:
    """The text of an answer to a query, instant or over a range."""
    [query] = form["query"]
    if "start" not in form:
        one = '{"metric":{},"value":[60,"1"]}'
        return f'{{"status":"success","data":{{"resultType":"vector","result":[{one}]}}}}'
    start, end, step = (int(form[name][0]) for name in ("start", "end", "step"))
    times = range(start, end + 1, step)
    of_samples = "sum(count_over_time(" in query
    series = []
    for number in _PART.findall(query):
        # Totals stand before bad events.
        value = step / SCRAPE if of_samples else step * (0.1 if int(number) % 2 else 10.0)
        values = ",".join(f'[{at},"{value:g}"]' for at in times)
        series.append(f'{{"metric":{{"slo_query_part":"{number}"}},"values":[{values}]}}')
    body = ",".join(series)
    return f'{{"status":"success","data":{{"resultType":"matrix","result":[{body}]}}}}'


class Handler(BaseHTTPRequestHandler):
    """Answers form-encoded queries."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # heading and body in one segment

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._send(answer(form).encode())

    def do_GET(self) -> None:
        self._send(b"ready")

    def _send(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
