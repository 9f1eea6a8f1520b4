"""An independent oracle: every finding computed again in plain Python, one function per definition."""
