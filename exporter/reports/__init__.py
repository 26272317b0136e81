"""Documents about SLOs, as data and as Markdown."""
