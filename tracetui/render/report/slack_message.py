"""Trace as a message for Slack: a sentence, the address of the trace's page, and a small waterfall.

Slack's markup has no headings and no tables; a message may have 40,000 characters, but a block of text at most 3,000
(docs.slack.dev, "Formatting message text" and "Section block"). People paste it as often as programs post it, so it
contains nothing that only one of the two understands.
"""

from __future__ import annotations

from typing import Final

from tracetui.model.trace_page import TraceLinks
from tracetui.render.report.markdown import NO_LINKS, bottleneck_lines, error_lines, headline
from tracetui.render.text.safe_text import safe
from tracetui.render.waterfall.document import waterfall_text
from tracetui.render.waterfall.waterfall import Waterfall

WIDTH: Final = 80
"""Cells of a line of the waterfall; longer ones are wrapped in a narrow window."""
MAX_ROWS: Final = 25
MAX_CHARACTERS: Final = 2_900

_LONGEST: Final = 200
_LONGEST_LINK: Final = 700
_FENCE: Final = "```"
_MARKUP: Final = str.maketrans("<>`", "‹›'")
_ASCII_MARKUP: Final = str.maketrans("<>`", "()'")


def trace_slack(view: Waterfall, local_time: bool = False, links: TraceLinks = NO_LINKS) -> str:
    """Return a trace as a message of at most `MAX_CHARACTERS` characters."""
    markup = _ASCII_MARKUP if view.glyphs.ascii_only else _MARKUP

    def plain(text: str) -> str:
        return safe(text, _LONGEST).translate(markup)

    origins = error_lines(view, plain)
    # the first message says more than the number of errors
    finding = [": ".join(origins[:2])] if origins else bottleneck_lines(view, plain)[:1]
    # an address or command that is cut is of no use
    ways = (links.page, safe(links.command).translate(markup))
    head = [headline(view, plain), *finding, *(way for way in ways if 0 < len(way) <= _LONGEST_LINK)]
    room = MAX_CHARACTERS - sum(len(line) + 1 for line in head) - 2 * (len(_FENCE) + 1)
    lines: list[str] = []
    for line in waterfall_text(view, WIDTH, max_rows=MAX_ROWS, local_time=local_time, hint="see the trace"):
        text = line.text.rstrip().translate(markup)
        room -= len(text) + 1
        if room < 0:
            break
        lines.append(text)
    return "\n".join([*head, _FENCE, *lines, _FENCE, ""])
