"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# what a property test finds does not depend on how fast the machine is
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
