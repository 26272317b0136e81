"""Rules for Prometheus: alerts on the exported series, and the names that other tools give them."""
