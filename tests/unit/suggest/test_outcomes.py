"""How a request ended, by the values of a label, in every form that people have."""

import pytest

from exporter.suggest.outcomes import outcome

GO = "Unknown|DeadlineExceeded|Unimplemented|Internal|Unavailable|DataLoss"
UPPER = "UNKNOWN|DEADLINE_EXCEEDED|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS"
NUMBERS = "2|4|12|13|14|15"


def parts(label, values):
    """The matchers of what counts, of the bad and of the good, as text; whether bad was seen."""
    found = outcome(label, values)
    if found is None:
        return None
    texts = [",".join(map(str, each)) for each in (found.counts, found.bad, found.good)]
    return (*texts, found.seen)


@pytest.mark.parametrize(
    ("label", "values", "expected"),
    [
        ("code", {"200", "302", "500"}, ("", 'code=~"5.."', "", True)),
        ("code", {"200", "404"}, ('code!~"4.."', 'code=~"5.."', "", False)),
        ("status", {"2xx", "4xx", "5xx"}, ('status!~"4.."', 'status=~"5.."', "", True)),
        ("status", {"2XX", "5XX"}, ("", 'status=~"5.."', "", True)),
        ("code", {"2xx", "5xx", "other"}, ("", 'code=~"5.."', "", True)),
        ("response_code", {"200", "0", ""}, ("", 'response_code=~"5.."', "", False)),
        ("class", {"2", "4", "5"}, ('class!="4"', 'class="5"', "", True)),
        ("grpc_code", {"OK", "Internal"}, ("", f'grpc_code=~"{GO}"', "", True)),
        ("grpc_code", {"OK"}, ("", f'grpc_code=~"{GO}"', "", False)),
        ("grpc_code", {"OK", "Unknown"}, ("", f'grpc_code=~"{GO}"', "", True)),
        ("grpc_code", {"OK", "NotFound", "Canceled"}, ("", f'grpc_code=~"{GO}"', "", False)),
        ("grpc_status", {"OK"}, ("", f'grpc_status=~"{UPPER}"', "", False)),
        ("grpc_status", {"OK", "DATA_LOSS"}, ("", f'grpc_status=~"{UPPER}"', "", True)),
        (
            "rpc_response_status_code",
            {"OK", "CANCELLED"},
            ("", f'rpc_response_status_code=~"{UPPER}"', "", False),
        ),
        (
            "rpc_grpc_status_code",
            {"0", "5", "13"},
            ("", f'rpc_grpc_status_code=~"{NUMBERS}"', "", True),
        ),
        ("rpc_grpc_status_code", {"0"}, ("", f'rpc_grpc_status_code=~"{NUMBERS}"', "", False)),
        ("status", {"OK", "ERROR"}, ("", 'status="ERROR"', "", True)),
        ("result", {"success", "failure"}, ("", 'result="failure"', "", True)),
        ("result", {"failed", "error", "ok"}, ("", 'result=~"error|failed"', "", True)),
        (
            "outcome",
            {"SUCCESS", "CLIENT_ERROR", "SERVER_ERROR", "REDIRECTION"},
            ('outcome!="CLIENT_ERROR"', 'outcome="SERVER_ERROR"', "", True),
        ),
        ("result", {"success"}, ("", "", 'result="success"', False)),
        ("result", {"success", "quota"}, ("", "", 'result="success"', True)),
        ("code", {"fine"}, None),
        ("code", {""}, None),
        ("code", set(), None),
    ],
)
def test_forms(label, values, expected):
    """Numbers, classes, gRPC's names in three spellings, and words."""
    assert parts(label, values) == expected
