"""Folders and files that tests read."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_traces"
TESTS = ROOT / "tests"
CASES = TESTS / "cases"
GOLDEN = TESTS / "golden"
SNAPSHOTS = TESTS / "snapshots"
RECORDINGS = TESTS / "recordings"
INCIDENT = str(SAMPLES / "incident" / "before.json")
SHOP = str(SAMPLES / "shop" / "shop.json")
CHECKOUT = str(SAMPLES / "first-look" / "checkout.json")
