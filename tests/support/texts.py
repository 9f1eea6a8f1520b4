"""Arbitrary texts, and a check of text for terminals."""

from __future__ import annotations

import unicodedata

from hypothesis import strategies as st

ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=60)
ODD = "\x1b\x9b\u202e\u2066\u200b\u200d\ufe0f\ufeff\ud800\u2028\U000e0041\u0301\u00ad\r\n\tx❤👩 …"
ODD_TEXT = st.text(st.sampled_from(ODD), max_size=60)
BIDI = {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}


def is_harmless(text: str) -> bool:
    """Test that a text has no control, bidirectional or invisible characters."""
    return all(
        ord(c) >= 0x20
        and not 0x7F <= ord(c) <= 0x9F
        and ord(c) not in BIDI
        and unicodedata.category(c) not in ("Cs", "Cf", "Co", "Zl", "Zp")
        # outputs of megabytes have few distinct characters
        for c in set(text)
    )
