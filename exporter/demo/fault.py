"""Breaks and repairs the demo's service: what an experiment's commands run.

`python -m exporter.demo.fault http://127.0.0.1:8000 break --part auth-us --failing 0.3`
"""

from __future__ import annotations

from typing import Final
from urllib.error import URLError
from urllib.request import Request, urlopen

import click

TIMEOUT: Final = 5.0


@click.group()
@click.argument("url")
@click.pass_context
def main(ctx: click.Context, url: str) -> None:
    """Tell the demo's service at URL what to do."""
    ctx.obj = url.rstrip("/")


@main.command("break")
@click.option("--part", default="auth-us", show_default=True, help="Service and region.")
@click.option("--failing", type=click.FloatRange(0, 1), default=0.3, show_default=True)
@click.pass_obj
def break_(url: str, part: str, failing: float) -> None:
    """Let a share of the requests of a part fail."""
    _post(f"{url}/-/break?part={part}&failing={failing}")


@main.command()
@click.pass_obj
def repair(url: str) -> None:
    """Let nothing fail any longer."""
    _post(f"{url}/-/repair")


def _post(url: str) -> None:
    try:
        with urlopen(Request(url, method="POST"), timeout=TIMEOUT):  # noqa: S310 - the demo's own
            pass
    except (URLError, OSError) as error:
        raise click.ClickException(f"{url}: {error}") from error


if __name__ == "__main__":
    main()
