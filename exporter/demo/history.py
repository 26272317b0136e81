"""The shop's 30 days before the demo, as OpenMetrics files for promtool.

`python -m exporter.demo.history` writes them alone, as one file, for a Prometheus of one's own.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import click
import numpy as np

from exporter.demo.blocks import BLOCK_SECONDS, write_openmetrics
from exporter.demo.traffic import HISTORY, SERIES, Series, Shop

SPACING: Final = 60
"""Seconds between the samples of the history."""


BLOCKS: Final = HISTORY // BLOCK_SECONDS + 1
"""About how many files the history takes."""


def history_files(
    shop: Shop, target: dict[str, str], folder: Path, clock: Callable[[], float] = time.time
) -> Iterator[Path]:
    """Write the history up to the present, a file of two hours at a time, oldest first.

    `target` holds the labels that Prometheus's scrape will add (`job`, `instance`). The
    target's `up` is part of the history. The present is asked of `clock` as it goes, so that
    the gap until the first scrape stays below a minute on a slow machine too. Afterwards the
    shop stands at the last sample.
    """
    names = [series.text(**target) for series in SERIES]
    up = Series("up", {}).text(**target)
    begin = shop.clock
    while True:
        end = (begin // BLOCK_SECONDS + 1) * BLOCK_SECONDS
        times = np.arange(begin, min(end, clock()), SPACING)
        if not times.size:
            return
        at = times.tolist()
        samples = {up: [(moment, 1.0) for moment in at]}
        for name, values in zip(names, shop.run(times).T.tolist(), strict=True):
            samples[name] = list(zip(at, values, strict=True))
        yield from write_openmetrics(samples, folder)
        begin = at[-1] + SPACING
        if begin < end:  # the present cut this file short
            return


END: Final = "# EOF\n"


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The file to write. One that is there stays as it is.",
)
@click.option("--job", default="shop", show_default=True, help="The job that scrapes the service.")
@click.option("--instance", required=True, help="Its target there, such as demo:8000.")
def main(output: Path, job: str, instance: str) -> None:
    """Write the shop's 30 days up to now, for `promtool tsdb create-blocks-from openmetrics`."""
    if output.exists():
        click.echo(f"{output} is there already")
        return
    shop, target = Shop(start=float(int(time.time()))), {"job": job, "instance": instance}
    # Whoever ends this before its end finds no half of a history the next time.
    unfinished = output.with_suffix(".unfinished")
    with tempfile.TemporaryDirectory() as folder, unfinished.open("w") as whole:
        for file in history_files(shop, target, Path(folder)):
            whole.write(file.read_text().removesuffix(END))
            file.unlink()
        whole.write(END)
    unfinished.rename(output)
    click.echo(f"{output}: the shop's last 30 days")


if __name__ == "__main__":
    main()
