"""From pending slots to counts: what is asked of Prometheus, and how answers are read."""
