"""Chaos experiments judged by SLOs: what a file asks for, what is measured, and what it shows."""
