"""Test oracle: every result computed a second time in plain Python, one function per definition."""
