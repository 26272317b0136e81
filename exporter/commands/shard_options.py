"""Options of `run` that say which shard it is, and where the others are."""

from __future__ import annotations

import re
from functools import wraps
from pathlib import Path

import click

from exporter.commands.options import Command
from exporter.slo.sharding import Shard
from exporter.web.server.sharding import PLACE, Sharding, is_template

_SHARDS = click.IntRange(min=0)
_TOTAL = click.IntRange(min=1, max=1_000)


def _ordinal(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    found = re.fullmatch(r".*-(\d{1,9})", value.strip())
    if found is None:
        raise click.BadParameter(
            f"{value!r} is no pod of a StatefulSet: its name ends with a number, as exporter-0"
        )
    return int(found[1])


def _template(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not is_template(value):
        raise click.BadParameter(
            f"{value!r} is not a template: write http://... or https://..., with {PLACE} where "
            "the number of a shard belongs, and without a password"
        )
    return value


def shard_options(command: Command) -> Command:
    """The options; the command is given them as `sharding`."""
    options = (
        click.option(
            "--shard",
            "number",
            type=_SHARDS,
            help="Which of the shards this is, from 0 on. Each has some of the configuration's "
            "services, with all their SLOs.",
        ),
        click.option(
            "--pod",
            "ordinal",
            callback=_ordinal,
            metavar="NAME",
            help="The name of this pod of a StatefulSet, such as exporter-3: its number is that of "
            "the shard, in place of --shard.",
        ),
        click.option(
            "--total-shards",
            "total",
            type=_TOTAL,
            default=1,
            show_default=True,
            help="How many shards there are; the same for all of them.",
        ),
        click.option(
            "--web.shard-url-template",
            "url_template",
            metavar="URL",
            callback=_template,
            help="Where shards reach each other, such as http://exporter-{shard}.exporter:9098: "
            "requests for a service of another one are led there.",
        ),
        click.option(
            "--web.shard-ca-file",
            "ca_file",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Certificates to trust for that instead of the system's.",
        ),
    )

    @wraps(command)
    def with_shard(
        *,
        number: int | None,
        ordinal: int | None,
        total: int,
        url_template: str | None,
        ca_file: Path | None,
        **others: object,
    ) -> object:
        if number is not None and ordinal is not None:
            raise click.UsageError("--shard and --pod say the same: give one of them")
        if number is None and ordinal is None and total > 1:
            raise click.UsageError(
                f"--total-shards={total} needs to be told which of them this is: --shard, or --pod"
            )
        by = "--pod says" if ordinal is not None else "--shard is"
        chosen = next((each for each in (number, ordinal) if each is not None), 0)
        if chosen >= total:
            raise click.UsageError(
                f"{by} {chosen}, but with --total-shards={total} shards are 0 to {total - 1}"
                if total > 1
                else f"{by} {chosen}, which needs --total-shards={chosen + 1} or more"
            )
        sharding = Sharding(Shard(chosen, total), url_template, ca_file)
        return command(sharding=sharding, **others)

    for option in reversed(options):
        with_shard = option(with_shard)
    return with_shard
