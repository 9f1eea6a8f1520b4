"""Protocol between a program and its loading process.

The program tells what it wants through a Unix socket: what is said to a process by its arguments can be read by
everyone. The process answers in JSON lines on its stdout; trace sets go through the socket, as `handover` hands them.
"""

from __future__ import annotations

import socket
import struct

import msgspec

from tracetui.config import Overrides
from tracetui.ingest.loader import LoadProgress
from tracetui.ingest.servers.pool import SearchReport
from tracetui.model.decoding import decode_any, encode_any
from tracetui.model.search import Search
from tracetui.model.server_stats import ServerStats


class LoadRequest(msgspec.Struct, tag="load"):
    sources: list[str]
    search: Search
    overrides: Overrides
    first_part: float
    asks_for_choice: bool = False
    """Whether somebody is there to choose services, where a server can only be asked for each of many."""


class SearchRequest(msgspec.Struct, tag="search"):
    search: Search
    known_ns: int = 0
    """Time before which older traces are asked for, where not all is sent at once; 0 for not at all."""


class ServerStatsRequest(msgspec.Struct, tag="server_stats"):
    services: list[str]
    lookback_ns: int


class NewestStartsRequest(msgspec.Struct, tag="newest_starts"):
    """When did the newest trace of each service begin?"""

    services: list[str]
    lookback_ns: int


class ProgressReport(msgspec.Struct, tag="progress"):
    progress: LoadProgress


class SearchReportMessage(msgspec.Struct, tag="search_report"):
    report: SearchReport


class PartialResult(msgspec.Struct, tag="partial"):
    """A partial set was sent."""


class FinalResult(msgspec.Struct, tag="final"):
    """The set was sent."""

    services: list[str] = []
    """Services that the servers know."""
    can_ask_again: bool = False


class Unchanged(msgspec.Struct, tag="unchanged"):
    """Result of a search that found nothing new."""


class ServerStatsResult(msgspec.Struct, tag="server_stats_result"):
    server_stats: ServerStats


class NewestStartsResult(msgspec.Struct, tag="newest_starts_result"):
    starts: dict[str, int]
    """In nanoseconds since the epoch, by the services that servers have answered for; 0 for none."""


class Failure(msgspec.Struct, tag="failure"):
    error: str


Response = (
    ProgressReport
    | SearchReportMessage
    | PartialResult
    | FinalResult
    | Unchanged
    | ServerStatsResult
    | NewestStartsResult
    | Failure
)
_RESPONSES = msgspec.json.Decoder(Response)
Request = LoadRequest | SearchRequest | ServerStatsRequest | NewestStartsRequest
_REQUESTS = msgspec.json.Decoder(Request)
_SIZE = struct.Struct("<I")


def send_request(request: Request, to: socket.socket) -> None:
    """Send a request to the process. Raises OSError if it is gone."""
    text = encode_any(request)
    to.sendall(_SIZE.pack(len(text)) + text)


def receive_request(at: socket.socket) -> Request | None:
    """Wait for the next request; None once the other side is gone."""
    head = _received(at, _SIZE.size)
    return decode_any(_REQUESTS, _received(at, _SIZE.unpack(head)[0])) if head else None


def encode_response(response: Response) -> bytes:
    """Encode a response of the process, as a line."""
    return encode_any(response) + b"\n"


def decode_response(line: bytes) -> Response:
    """Decode a line of the process."""
    response: Response = decode_any(_RESPONSES, line)
    return response


def _received(at: socket.socket, size: int) -> bytes:
    parts = b""
    while len(parts) < size:
        part = at.recv(size - len(parts))
        if not part:
            return b""
        parts += part
    return parts
