"""Distributed traces in a terminal."""

import os

__version__ = "0.1.0"

# OpenBLAS, which is not needed here, would start a thread for each processor. That takes half of numpy's import time,
# and threads are a risk in a process that forks.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
