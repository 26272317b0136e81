"""The daemon: its life, its loop, and what it is to the web."""
