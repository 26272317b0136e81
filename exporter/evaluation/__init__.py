"""From what is known to figures: windows, budgets, tiers and chart data."""
