"""Measurements of the budgets, each as a ratio to a yardstick of the same run. Nothing here is a test."""
