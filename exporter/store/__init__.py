"""The ledger and its records on disk."""
