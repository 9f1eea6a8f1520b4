"""Messages between a program and its loading process.

Requests go through a Unix socket, not the command line, which every user of the machine can read. Responses are JSON
lines on stdout; trace sets go through the socket (`shared_memory`).
"""

from __future__ import annotations

import signal
import socket
import struct

import msgspec

from tracetui.config import Overrides
from tracetui.ingest.loader import LoadProgress
from tracetui.ingest.servers.pool import SearchReport
from tracetui.model.json_decoding import decode_any, encode_any
from tracetui.model.search import Search
from tracetui.model.server_stats import ServerStats


class LoadRequest(msgspec.Struct, tag="load"):
    """Request to read all sources."""

    sources: list[str]
    search: Search
    overrides: Overrides
    first_part: float
    user_can_choose: bool = False
    """True if the user can choose services where a server must be searched service by service."""


class SearchRequest(msgspec.Struct, tag="search"):
    """Request to search the servers again."""

    search: Search
    known_ns: int = 0
    """Start time from which on no trace may be missing, as in `Loader.search_again`; 0 for none."""


class ServerStatsRequest(msgspec.Struct, tag="server_stats"):
    """Request for the servers' own statistics."""

    services: list[str]
    lookback_ns: int


class NewestStartsRequest(msgspec.Struct, tag="newest_starts"):
    """Request for the start of the newest trace of each service."""

    services: list[str]
    lookback_ns: int


class ProgressReport(msgspec.Struct, tag="progress"):
    """Progress of the current request."""

    progress: LoadProgress


class SearchReportMessage(msgspec.Struct, tag="search_report"):
    """Report of the search of one server."""

    report: SearchReport


class PartialResult(msgspec.Struct, tag="partial"):
    """Announcement of a partial set on the socket."""


class FinalResult(msgspec.Struct, tag="final"):
    """Announcement of the complete set on the socket."""

    services: list[str] = []
    """Services of the servers."""
    can_search_again: bool = False


class Unchanged(msgspec.Struct, tag="unchanged"):
    """Result of a search that found nothing new."""


class ServerStatsResult(msgspec.Struct, tag="server_stats_result"):
    """Result of a `ServerStatsRequest`."""

    server_stats: ServerStats


class NewestStartsResult(msgspec.Struct, tag="newest_starts_result"):
    """Result of a `NewestStartsRequest`."""

    starts: dict[str, int]
    """Nanoseconds since the epoch by service, for services with a response; 0 for no traces."""


class Failure(msgspec.Struct, tag="failure"):
    """Error that ended a request."""

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


def stop_signal(number: int) -> signal.Signals:
    """Return the signal that stops the request of this number, counted from 0.

    It differs from that of the next request, so that a stop that comes too late does not stop that one.
    """
    return (signal.SIGUSR1, signal.SIGUSR2)[number % 2]


def send_request(request: Request, to: socket.socket) -> None:
    """Send a request to the process. Raises OSError if it is gone."""
    text = encode_any(request)
    to.sendall(_SIZE.pack(len(text)) + text)


def receive_request(at: socket.socket) -> Request | None:
    """Wait for the next request; None once the other side is gone."""
    head = _received(at, _SIZE.size)
    return decode_any(_REQUESTS, _received(at, _SIZE.unpack(head)[0])) if head else None


def encode_response(response: Response) -> bytes:
    """Encode a response as a line."""
    return encode_any(response) + b"\n"


def decode_response(line: bytes) -> Response:
    """Decode a line of the process as a response."""
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
