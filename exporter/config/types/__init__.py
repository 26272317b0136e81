"""The values that sections are made of."""
