"""Slots in memory: what is known of the past, per SLO."""
