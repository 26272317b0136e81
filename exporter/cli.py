"""The command line: which commands there are, and how an error ends them."""

from __future__ import annotations

from importlib import import_module

import click

from exporter.commands.printable import printable_streams
from exporter.errors import ExporterError
from exporter.version import NAME

COMMANDS = {
    "backtest": "backtest",
    "change": "changes",
    "check": "check",
    "dashboards": "dashboards",
    "demo": "demo",
    "experiment": "experiment",
    "gate": "gate",
    "healthcheck": "healthcheck",
    "history": "history",
    "import": "import_specs",
    "ledger": "ledger",
    "mcp": "mcp",
    "override": "overrides",
    "overrides": "overrides",
    "postmortem": "postmortem",
    "reload": "reload",
    "report": "report",
    "rules": "rules",
    "run": "run",
    "suggest": "suggest",
}
"""Command -> its module in `exporter.commands`, which holds it under its own name."""


class LazyGroup(click.Group):
    """Imports a command's module when it is asked for: most need little of the exporter."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, sorted."""
        return sorted(COMMANDS)

    def get_command(
        self, ctx: click.Context, cmd_name: str
    ) -> click.Command | None:  # as click has it
        """The command, or None if there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"exporter.commands.{COMMANDS[cmd_name]}")
        # import is a word of Python's own.
        command: click.Command = getattr(module, "import_" if cmd_name == "import" else cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; an error that is the user's to mend is a message, and exit code 1."""
        with printable_streams():
            try:
                return super().invoke(ctx)
            except ExporterError as error:
                click.echo(str(error), err=True)
                ctx.exit(1)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name=NAME, prog_name=NAME)
def main() -> None:
    """Exact error budgets and burn rates for Prometheus, with policy tiers."""
