"""Field cases: data as people really have them, on which every figure must be right or unknown.

A case (`FieldCase` in case.py) is a few series, a configuration as a user would write it, and the
truth: how many events each window holds, how much of it is unknown, and the words that say so.
Every case is stored in a real server and counted by the engine, started now and, where the case
asks for it, polled as time went on.

To add one, put a function that gives a `FieldCase` into a file `cases_*.py` of this folder, and
name it in that file's `CASES`. Metric names and jobs are the case's own, since all cases share one
server.

- kit.py has counters and gauges; times are seconds relative to `now`.
- `config` is YAML, with PROM_URL for the server.
- What a case needs of another server (a proxy that tampers with answers, say) is a test of its
  own; `outcome()` in counted.py counts a case at any URL.

    .venv/bin/python -m pytest tests/field -k label_added
"""
