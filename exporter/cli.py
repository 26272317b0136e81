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

SUMMARIES = {
    "backtest": "Replay the past with other objectives, and say which would have held.",
    "change": "Note changes to services (deploys, flags, migrations), and list them.",
    "check": "Check a configuration file and name every mistake in it.",
    "dashboards": "Write dashboards for Grafana.",
    "demo": "Watch an error budget burn: everything on this machine, with 30 days of data.",
    "experiment": "Run chaos experiments that are judged by SLOs.",
    "gate": "Ask whether SERVICE may be deployed now; of several the worst decision counts.",
    "healthcheck": "Ask the daemon on this machine how it is.",
    "history": "Write our series (budget, burn rates, error ratios, tier) of the past as "
    "OpenMetrics.",
    "import": "Write specs of Sloth, Pyrra and OpenSLO as configuration of the exporter.",
    "ledger": "Show what is stored of each SLO: since when, how much of it, its days, and its "
    "size.",
    "mcp": "Let assistants ask a running daemon: what burns, the gate, SLOs, records, "
    "charts' data.",
    "override": "Allow deploys of SERVICE that the gate blocks, for some hours.",
    "overrides": "List overrides, and end them.",
    "postmortem": "List postmortems that the policy requires, and acknowledge them.",
    "reload": "Have a daemon on this machine read its configuration again.",
    "report": "Write documents to send: budgets, postmortems, handoffs, definitions.",
    "rules": "Write alerting rules for Prometheus to the standard output.",
    "run": "Run the daemon: poll Prometheus, evaluate, serve metrics.",
    "suggest": "Suggest a configuration for what a Prometheus holds.",
}
"""What `--help` lists: the first sentence of each, which to ask for would import everything."""


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

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands with their summaries, without importing one of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, SUMMARIES[name]) for name in self.list_commands(ctx)])

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
