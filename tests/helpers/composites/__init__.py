"""Composites in plain Python, and SLOs that are composites."""
