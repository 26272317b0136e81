"""The configuration file: its models, how it is read, and what it says of mistakes."""
