"""Root causes on the screen and in the report."""
