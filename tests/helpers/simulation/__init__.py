"""Deterministic simulation: daemons on a simulated clock, Prometheus, network and disk.

`clock` has to be imported before anything of the exporter's: it puts simulated time in the place of
the machine's. So a simulation is a process of its own: `python -m tests.helpers.simulation`.
"""
