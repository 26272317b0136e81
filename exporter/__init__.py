"""The error-budget exporter: exact error budgets and burn rates for Prometheus."""
