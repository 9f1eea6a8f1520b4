"""Distributed traces in a terminal."""

import os

__version__ = "0.1.0"

# What numpy multiplies matrices with, of which there are none here, starts a thread for each processor: that is half of
# the time that numpy takes to be imported, and a process that forks is better off without.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
