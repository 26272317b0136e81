"""What makes files of the project, for those who work on it; no part of what is installed."""
