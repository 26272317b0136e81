"""The builder of the dashboards, on Grafana's own library: `python -m dev.dashboards`."""
