"""Measurements on a real Prometheus; `python -m bench` runs them all."""
