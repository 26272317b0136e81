"""From files to settings, and from mistakes to messages."""
