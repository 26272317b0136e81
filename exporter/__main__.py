"""`python -m exporter` is `error-budget-exporter`."""

from exporter.cli import main

main(prog_name="error-budget-exporter")
