"""The daemon: its life, its loop, and what it tells others."""
