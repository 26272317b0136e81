"""Every field of the three formats and what becomes of it, for docs/migrating.md.

`python -m exporter.specs.reference` writes the part that begins with "Every field".
"""

from __future__ import annotations

import sys

from exporter.specs import openslo_fields, pyrra_fields, sloth_fields
from exporter.specs.fields import Fields

_INTRO = """\
## Every field

What is not listed is no field of the format: it is left out, and that is said; a key that
resembles one of the format's is refused.
"""

_SLOTH_RESOURCE = """\
A `PrometheusServiceLevel` has the same under `spec`, in camelCase (`errorQuery`, `pageAlert`),
and:
"""

_TABLES: tuple[tuple[str, Fields, str], ...] = (
    ("Sloth: `version: prometheus/v1`", sloth_fields.FILE, ""),
    (
        "Sloth: `PrometheusServiceLevel`",
        {key: field for key, field in sloth_fields.RESOURCE.items() if not key.startswith("spec.")},
        _SLOTH_RESOURCE,
    ),
    ("Sloth: `AlertWindows`", sloth_fields.WINDOWS, ""),
    ("Pyrra: `ServiceLevelObjective`", pyrra_fields.FIELDS, ""),
    *((f"OpenSLO v1: `{kind}`", fields, "") for kind, fields in openslo_fields.OBJECTS.items()),
    ("OpenSLO v1alpha: `SLO`", openslo_fields.ALPHA, ""),
)


def reference() -> str:
    """The tables, as Markdown."""
    parts = [_INTRO]
    for title, fields, intro in _TABLES:
        rows = "".join(f"| `{way}` | {field.becomes} |\n" for way, field in fields.items())
        between = f"{intro}\n" if intro else ""
        parts.append(f"### {title}\n\n{between}| field | what becomes of it |\n|---|---|\n{rows}")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(reference())
