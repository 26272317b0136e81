"""PromQL expressions in the file.

They stay as they are written: the parser only says whether they are right.
"""

from __future__ import annotations

from typing import Annotated

import promql_parser
from pydantic import AfterValidator, BeforeValidator

from exporter.config.types.fields import Kind, not_a_mapping
from exporter.prometheus.metricsql import metricsql_hint
from exporter.prometheus.parsing import parse_promql
from exporter.prometheus.raw_strings import quoted_strings

WINDOW = "$window"

_STAND_IN = "7s"
"""With it $windows becomes 7ss, which is refused; 2m would make 2 milliseconds of it."""


def _expression(text: str) -> str:
    if WINDOW in text:
        raise ValueError(
            f"must not contain {WINDOW}, which sli.query has: write a range such as 5m"
        )
    text = quoted_strings(text)
    _check(text)
    return text.strip()


def _windowed(text: str) -> str:
    text = quoted_strings(text)
    if WINDOW not in text or _is_promql(text):  # in quotes it stands for nothing
        raise ValueError(
            f"must contain {WINDOW} as the range, as in rate(errors_total[{WINDOW}]): "
            "the exporter needs to know over how long it counts"
        )
    _check(text.replace(WINDOW, _STAND_IN))
    return text.strip()


def _is_promql(text: str) -> bool:
    try:
        parse_promql(text)
    except ValueError:
        return False
    return True


def _check(text: str) -> None:
    try:
        expression = parse_promql(text)
    except ValueError as error:
        raise ValueError(f"is not PromQL: {error}{metricsql_hint(text)}") from error
    while isinstance(expression, promql_parser.ParenExpr):
        expression = expression.expr
    if isinstance(expression, promql_parser.MatrixSelector | promql_parser.SubqueryExpr):
        raise ValueError(
            "must have one value per series, not a range of them: put it into a function, "
            "as in avg_over_time(...)"
        )
    if isinstance(expression, promql_parser.StringLiteral):
        raise ValueError("must have numbers as values: it is text in quotes")
    if not _is_promql(f"({text})"):
        raise ValueError(
            "must not end with a comment: it would hide what the exporter writes after it"
        )


Expression = Annotated[
    str, BeforeValidator(not_a_mapping), AfterValidator(_expression), Kind("PromQL")
]
WindowedExpression = Annotated[
    str, BeforeValidator(not_a_mapping), AfterValidator(_windowed), Kind("PromQL")
]
