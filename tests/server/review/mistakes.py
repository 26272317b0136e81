"""The mistakes: what people write, and the lines that a review must have. A star stands for what
differs from run to run."""

from __future__ import annotations

from tests.server.review.mistaken_series import ALL

BAD = 'http_requests_total{code=~"5.."}'


def events(bad: str = BAD, total: str = ALL, side: str = "bad") -> str:
    return f"{{events: {{{side}: '{bad}', total: '{total}'}}}}"


def latency(histogram: str, threshold: str = "500ms") -> str:
    return f"{{latency: {{histogram: '{histogram}', threshold: {threshold}}}}}"


def query(bad: str, total: str, side: str = "bad", **more: str) -> str:
    others = "".join(f", {key}: {value}" for key, value in more.items())
    return f"{{query: {{{side}: '{bad}', total: '{total}'{others}}}}}"


def rate(selector: str) -> str:
    return f"sum(rate({selector}[$window]))"


NO_STATUS = (
    'FAIL  bad: http_requests_total has no label status, so http_requests_total{status=~"5.."} '
    "matches nothing: it has code, instance, job, method"
)

MISTAKES: dict[str, tuple[str, list[str]]] = {
    "none": (events(), ["ok    total: 2 series", "ok    bad: 1 series"]),
    "label of bad": (events('http_requests_total{status=~"5.."}'), [NO_STATUS]),
    "label of bad, nearly": (
        events('http_requests_total{cod=~"5.."}'),
        [
            'FAIL  bad: http_requests_total has no label cod, so http_requests_total{cod=~"5.."} '
            "matches nothing: it has code, instance, job, method; did you mean code?"
        ],
    ),
    "label in a query": (
        query(rate('http_requests_total{status=~"5.."}'), rate(ALL)),
        [NO_STATUS],
    ),
    "value of bad": (
        events('http_requests_total{code="5xx"}'),
        [
            "WARN  bad: no code of http_requests_total matches ='5xx': it is one of 200, 500; that "
            "is well if nothing of it has happened yet"
        ],
    ),
    "value of good": (
        events('http_requests_total{code="OK"}', side="good"),
        ["FAIL  good: no code of http_requests_total matches ='OK': it is one of 200, 500"],
    ),
    "value of total": (
        events(total='http_requests_total{job="api"}'),
        ["FAIL  total: no job of http_requests_total matches ='api': it is one of shop"],
    ),
    "metric": (
        events("http_request_total", "http_request_total"),
        [
            "FAIL  total: there is no metric http_request_total: did you mean http_requests_total?",
            "WARN  bad: there is no metric http_request_total now, nor was there in the last day: "
            "did you mean http_requests_total?",
        ],
    ),
    "metric that nothing is like": (
        events(total="zzz_total"),
        ["FAIL  total: there is no metric zzz_total: is it scraped?"],
    ),
    "error metric that is not there yet": (
        events("qqq_errors_total"),
        [
            "WARN  bad: there is no metric qqq_errors_total now, nor was there in the last day: "
            "that is well if nothing of it has happened yet"
        ],
    ),
    "good metric that is not there": (
        events("qqq_success_total", side="good"),
        ["FAIL  good: there is no metric qqq_success_total: is it scraped?"],
    ),
    "name by a pattern that matches nothing": (
        events(total='{__name__=~"zzz_.*"}'),
        ['FAIL  total: {__name__=~"zzz_.*"} matches no series now, nor did it in the last day'],
    ),
    "matchers that exclude one another": (
        events(total='http_requests_total{method="POST",code="500"}'),
        [
            'FAIL  total: http_requests_total{method="POST",code="500"} matches no series now, '
            "nor did it in the last day: its matchers exclude one another"
        ],
    ),
    "bad outside of total": (
        events(total='http_requests_total{code="200"}'),
        [
            'FAIL  bad: 1 series of http_requests_total{code=~"5.."} are not among '
            'http_requests_total{code="200"}: bad must be part of total'
        ],
    ),
    "swapped": (
        events(ALL, BAD),
        [
            "FAIL  data: 300 bad of 6 events in 30s: bad must be part of total",
            "FAIL  bad: 1 series of http_requests_total are not among "
            'http_requests_total{code=~"5.."}: bad must be part of total',
        ],
    ),
    "more good than all": (
        events("twice_good_total", "twice_total", side="good"),
        ["FAIL  data: 3,000 good of 1,500 events in 5m: good must be part of total"],
    ),
    "gauge, by its metadata": (
        events("typed_calls_total", "typed_connections"),
        [
            "WARN  type: typed_connections is a gauge by its metadata: counters only grow",
            "ok    type: typed_calls_total is a counter",
        ],
    ),
    "summary in place of its count": (
        events("typed_calls_total", "typed_wait_seconds"),
        [
            "FAIL  total: there is no metric typed_wait_seconds: did you mean "
            "typed_wait_seconds_sum or typed_wait_seconds_count?"
        ],
    ),
    "gauge that falls": (
        events("wobbling", "wobbling"),
        [
            "FAIL  data: not known at *",
        ],
    ),
    "recorded sum": (
        events("job:requests:sum", "job:requests:sum"),
        [
            "WARN  type: job:requests:sum is recorded by a rule: a sum of counters falls when one "
            "of them goes away"
        ],
    ),
    "recorded sum that falls": (
        events("job:falling:sum", "job:falling:sum"),
        [
            "FAIL  type: job:falling:sum is recorded by a rule, and fell 3 times in 6h: it is not "
            "a counter"
        ],
    ),
    "counter as a histogram": (
        latency(ALL),
        [
            "FAIL  histogram: there is no http_requests_total_bucket: http_requests_total is no "
            "histogram: count a counter by sli.events"
        ],
    ),
    "histogram that is not there": (
        latency("http_second"),
        [
            "FAIL  histogram: there is no metric http_second_count: did you mean "
            "http_seconds_count or http_seconds_bucket?"
        ],
    ),
    "bound": (
        latency("http_seconds", "300ms"),
        [
            "FAIL  data: threshold 300ms is not a bucket bound of http_seconds; the bounds there "
            "are (in seconds): 0.5, 1"
        ],
    ),
    "bound of milliseconds": (
        latency("istio_request_time", "250ms"),
        [
            "FAIL  data: threshold 250ms is not a bucket bound of istio_request_time; the bounds "
            "there are (in seconds): 250, 500"
        ],
    ),
    "bound that some lack": (
        latency("mixed_seconds"),
        [
            "WARN  histogram: 1 series without the bound 500ms, such as instance=m2, job=b: their "
            "requests are left out; give them the bucket, or exclude them"
        ],
    ),
    "bound that all have": (
        latency("http_seconds"),
        ["ok    histogram: 1 series, all with the bound 500ms"],
    ),
    "ratio of nothing": (
        "{ratio: {error: 'job:errors:ratio'}}",
        ["FAIL  ratio: there is no metric job:errors:ratio: is it scraped?"],
    ),
    "ratio in percent": (
        "{ratio: {error: in_percent}}",
        [
            "FAIL  data: not known before *",
            "FAIL  ratio: it is 3, above 1: divide by 100 if it is in percent",
        ],
    ),
    "ratio with a label that is not there": (
        "{ratio: {error: 'avg(a_ratio{servce=\"a\"})'}}",
        [
            'FAIL  ratio: a_ratio has no label servce, so a_ratio{servce="a"} matches nothing: it '
            "has service; did you mean service?"
        ],
    ),
    "threshold of nothing": (
        "{threshold: {query: 'max(a_saturation)', must_be: '< 0.8'}}",
        ["FAIL  query: there is no metric a_saturation: is it scraped?"],
    ),
    "free query of nothing": (
        query("1 * " + rate(BAD), "1 * " + rate("http_request_total")),
        ["FAIL  total: there is no metric http_request_total: did you mean http_requests_total?"],
    ),
    "free query with nothing bad": (
        query("1 * " + rate('http_requests_total{code="503"}'), "1 * " + rate(ALL)),
        ["ok    bad: the query has no result now: nothing of it has happened yet"],
    ),
    "free query whose good side is nothing": (
        query("1 * " + rate('http_requests_total{code="OK"}'), "1 * " + rate(ALL), "good"),
        ["FAIL  good: no code of http_requests_total matches ='OK': it is one of 200, 500"],
    ),
    "query that is refused": (
        "{ratio: {error: 'http_requests_total / on () http_requests_total'}}",
        ["FAIL  data: *", "FAIL  query: Prometheus refuses it: *"],
    ),
    "join of two": (
        query(rate("a_ratio") + " * on () group_left " + ALL, rate(ALL)),
        ["FAIL  data: *", "FAIL  bad: Prometheus refuses it: *"],
    ),
    "probe of a counter": (
        "{probe: {selector: typed_calls_total}}",
        ["FAIL  type: typed_calls_total is a counter: a probe is a 0/1 gauge"],
    ),
    "probe of nothing": (
        "{probe: {selector: 'probe_success{job=\"blackbox\"}'}}",
        ["FAIL  probe: there is no metric probe_success: is it scraped?"],
    ),
    "group that is summed away": (
        query(rate(BAD), rate(ALL)) + "\n    group_by: [host]",
        ["WARN  data: no series has the label host, or the query sums it away: all are one group"],
    ),
    "too many groups": (
        events(ALL, ALL) + "\n    group_by: [code]\n    max_groups: 1",
        ["WARN  data: there are more groups than max_groups (1): the others are left out"],
    ),
    "little traffic": (
        events("rare_bad_total", "rare_total"),
        [
            "WARN  traffic: the budget of a period is 0.7 bad events: with little traffic, set "
            "alerting.min_bad_events, a longer period or a lower objective"
        ],
    ),
    "traffic that ended": (
        events("ended_total", "ended_total"),
        ["ok    total: 1 series"],
    ),
    "objective that is missed": (
        events(),
        [
            "WARN  objective: it was missed in the last period: overspent by 100%: a target that "
            "is always missed is no target"
        ],
    ),
    "slow scrapes": (
        events("slow_total", "slow_total"),
        [
            "WARN  scrape interval: series are scraped every 5m: windows shorter than two scrapes "
            "are not judged"
        ],
    ),
    "late data": (
        events("late_total", "late_total"),
        ["WARN  lateness: data are *"],
    ),
    "short history": (
        events("young_total", "young_total"),
        ["WARN  retention: 25*"],
    ),
    "labels": (
        events() + "\n    labels: {owner: team-a, criticality: tier 1}",
        ["WARN  labels: there is no runbook: whoever is paged asks for them"],
    ),
    "no labels": (
        events(),
        ["WARN  labels: there is no owner, runbook, criticality: whoever is paged asks for them"],
    ),
    "conditions": (
        events() + "\n    period: 1d",
        ["WARN  alerts: ticket 3d/6h cannot fire: its window 3d is longer than the period (1d)"],
    ),
    "policy": (events(), ["ok    policy: default"]),
}
