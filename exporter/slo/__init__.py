"""Objectives, windows, burn rates, budgets and policy tiers: pure, without I/O or clock."""
