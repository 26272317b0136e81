"""A source that answers every query at once, in a process of its own: what it costs is not ours.

Every SLO has ten events a second at all times. One in a hundred of them is bad, unless the command
line names another share.
"""

from __future__ import annotations

import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

SCRAPE = 30
BAD = float(sys.argv[2]) if len(sys.argv) > 2 else 0.01
"""The share of events that are bad."""
_PART = re.compile(r'label_replace\((.*?), "slo_query_part", "(\d+)", "", ""\)+(?: or |$)')
_TOGETHER = re.compile(r'service=~"([^"]*)"')


def answer(form: dict[str, list[str]]) -> str:
    """The text of an answer to a query, instant or over a range."""
    [query] = form["query"]
    ranged = "start" in form
    start = end = step = 60
    if ranged:
        start, end, step = (int(form[name][0]) for name in ("start", "end", "step"))
    series = []
    # Samples come in time: nothing is told of when the newest was taken.
    for expression, number in _PART.findall(query) if ranged else ():
        # Totals stand before bad events.
        value = step * (10 * BAD if 'code=~"5.."' in expression else 10.0)
        if "sum_over_time" in expression or not ranged:
            value = step / SCRAPE
        if ranged:
            values = ",".join(f'[{at},"{value:g}"]' for at in range(start, end + 1, step))
            told = f'"values":[{values}]'
        else:
            told = f'"value":[60,"{value:g}"]'
        together = _TOGETHER.search(expression)
        for service in together[1].split("|") if together else [""]:
            labels = f'"slo_query_part":"{number}"' + (f',"service":"{service}"' if service else "")
            series.append(f'{{"metric":{{{labels}}},{told}}}')
    if not series:
        series = ['{"metric":{},"value":[60,"1"]}']
    kind = "matrix" if ranged else "vector"
    return f'{{"status":"success","data":{{"resultType":"{kind}","result":[{",".join(series)}]}}}}'


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
