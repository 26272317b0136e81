"""The rules as YAML, for Prometheus's `rule_files` or for the Prometheus operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

from exporter.rules import exporter_alerts, slo_alerts
from exporter.rules.aliases import ALIASES
from exporter.rules.rule import AlertRule, RecordingRule, RuleOptions

FORMATS: Final = ("prometheus", "operator")

HEADER: Final = """\
# Written by `error-budget-exporter rules`: change its options rather than this file.
"""

NAME: Final = "error-budget-exporter"

INTERVAL: Final = "15s"
"""How often the rules are evaluated: a page need not wait for Prometheus's default of a minute."""


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, so that expressions stay readable."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def groups(
    options: RuleOptions, per_slo: Mapping[str, Sequence[AlertRule]] | None = None
) -> dict[str, Any]:
    """The content of a rule file; `per_slo` are burn-rate alerts by service, if not for any SLO."""
    starter = slo_alerts.STARTER if options.starter else ()
    burn = slo_alerts.BURN if per_slo is None else ()
    contents: dict[str, Sequence[AlertRule | RecordingRule]] = {
        "error-budgets": (*burn, *starter, *slo_alerts.POLICY),
        **{f"error-budgets-of-{service}": rules for service, rules in (per_slo or {}).items()},
        NAME: (*exporter_alerts.alerts(options.job), *slo_alerts.DATA),
        **{
            f"error-budgets-as-{alias}": ALIASES[alias](options.of_slos)
            for alias in options.aliases
        },
    }
    return {
        "groups": [
            {
                "name": name,
                "interval": INTERVAL,
                "rules": [rule.content(options) for rule in rules],
            }
            for name, rules in contents.items()
        ]
    }


def write(
    options: RuleOptions,
    form: str,
    per_slo: Mapping[str, Sequence[AlertRule]] | None = None,
) -> str:
    """The rules as YAML text in one of FORMATS; `per_slo` as in `groups`."""
    content = groups(options, per_slo)
    if form == "operator":
        content = {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {
                "name": NAME,
                **({"namespace": options.namespace} if options.namespace else {}),
                "labels": {"app.kubernetes.io/name": NAME},
            },
            "spec": content,
        }
    return HEADER + yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=1000)
