"""Write the dashboards that the exporter ships."""

from __future__ import annotations

from pathlib import Path

import exporter
from dev.dashboards.build import build

FOLDER = Path(exporter.__file__).parent / "dashboards"

if __name__ == "__main__":
    for name, text in build().items():
        (FOLDER / name).write_text(text)
