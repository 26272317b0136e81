"""The commands: what each prints, and how it ends."""
