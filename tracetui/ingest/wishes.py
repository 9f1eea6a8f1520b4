"""What a program and the process that loads for it say to each other.

The program tells what it wants through a Unix socket: what is said to a process by its arguments can be read by
everyone. The process answers in JSON lines on its stdout; trace sets go through the socket, as `handover` hands them.
"""

from __future__ import annotations

import socket
import struct

import msgspec

from tracetui.config import Overrides
from tracetui.ingest.asked import Told
from tracetui.ingest.load import Progress
from tracetui.model.any_text import decode_any, encode_any
from tracetui.model.opinion import Opinion
from tracetui.model.search import Search


class Read(msgspec.Struct, tag="read"):
    sources: list[str]
    search: Search
    overrides: Overrides
    first_part: float
    asks_for_choice: bool = False
    """Whether somebody is there to choose services, where a server can only be asked for each of many."""


class Ask(msgspec.Struct, tag="ask"):
    search: Search
    known_ns: int = 0
    """Where not all is sent at once: until when to ask for older ones; 0 for not at all."""


class Opine(msgspec.Struct, tag="opine"):
    services: list[str]
    lookback_ns: int


class FindNewest(msgspec.Struct, tag="find_newest"):
    """When did the newest trace of each service begin?"""

    services: list[str]
    lookback_ns: int


class Far(msgspec.Struct, tag="far"):
    progress: Progress


class Said(msgspec.Struct, tag="told"):
    found: Told


class Part(msgspec.Struct, tag="part"):
    """A set of what is here so far was sent."""


class Whole(msgspec.Struct, tag="whole"):
    """The set was sent."""

    services: list[str] = []
    """Those that the servers know."""
    can_ask_again: bool = False


class Same(msgspec.Struct, tag="same"):
    """Nothing is other than it was."""


class Opined(msgspec.Struct, tag="opined"):
    opinion: Opinion


class Newest(msgspec.Struct, tag="newest"):
    starts: dict[str, int]
    """In nanoseconds since the epoch, by the services that servers have answered for; 0 for none."""


class Failure(msgspec.Struct, tag="failure"):
    error: str


Word = Far | Said | Part | Whole | Same | Opined | Newest | Failure
_WORDS = msgspec.json.Decoder(Word)
Wish = Read | Ask | Opine | FindNewest
_WISHES = msgspec.json.Decoder(Wish)
_SIZE = struct.Struct("<I")


def send_wish(wish: Wish, to: socket.socket) -> None:
    """Tell the process what is wanted. Raises OSError where it is gone."""
    text = encode_any(wish)
    to.sendall(_SIZE.pack(len(text)) + text)


def receive_wish(at: socket.socket) -> Wish | None:
    """What is wanted next; None where nobody is there any more. Waits for it."""
    head = _received(at, _SIZE.size)
    return decode_any(_WISHES, _received(at, _SIZE.unpack(head)[0])) if head else None


def word_line(word: Word) -> bytes:
    """Encode what the process answers, as a line."""
    return encode_any(word) + b"\n"


def read_word(line: bytes) -> Word:
    """Decode a line of the process."""
    word: Word = decode_any(_WORDS, line)
    return word


def _received(at: socket.socket, size: int) -> bytes:
    parts = b""
    while len(parts) < size:
        part = at.recv(size - len(parts))
        if not part:
            return b""
        parts += part
    return parts
