"""SLO specs of other tools (Sloth, Pyrra, OpenSLO), and what they mean in our configuration."""
