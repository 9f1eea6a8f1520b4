"""Recorded rejections of real servers: the program changes its requests, and all traces are found."""

from __future__ import annotations

import json

import msgspec
import pytest

from tests.support.backends import PLAIN
from tests.support.client import client_of
from tests.support.loopback import Request, Response
from tests.support.recordings import FIRST_NS, LAST_NS, Recorded, recorded
from tests.support.servers import LiveServer, StandIn
from tests.support.stores import store_by_service
from tracetui.model.search import Search

WHOLE = Search(start_ns=FIRST_NS, end_ns=LAST_NS + 1_000_000_000, limit=1000)
changed = msgspec.structs.replace


class Tempo(StandIn):
    """Gives recorded responses: to searches with and without the hint, for names with and without a window."""

    def __init__(self) -> None:
        super().__init__([recorded("faults")], [])

    def respond_below(self, request: Request) -> Response:
        if request.path == "/api/echo":
            return Response((b"echo\n",), 200, PLAIN)
        timed = "window" if {"start", "end"} <= set(request.query) else "no-window"
        if request.path == "/api/v2/search/tag/resource.service.name/values":
            return recorded("faults")[f"tempo-3.0-services-{timed}"]
        if request.path == "/api/v2/search/tag/name/values":
            return recorded("faults")[f"tempo-3.0-operations-{timed}"]
        if request.path == "/api/search":
            hinted = "most_recent" in request.query["q"][0]
            return recorded("faults")["tempo-3.0-search-20" + "-most-recent" * hinted]
        return Response((b"",), 404, PLAIN)


def listed(answer: Recorded) -> set[str]:
    return {item["traceID"].zfill(32) for item in json.loads(answer.body)["traces"]}


def test_tempo_names_all_services_and_operations() -> None:
    with client_of(Tempo()) as client:
        services = client.back_end.services()
        operations = client.back_end.operations("cart")
    assert len(services) == 345
    assert "cart" in services
    assert len(operations) > 1


def test_tempo_search_requests_the_newest() -> None:
    newest, anyway = (listed(recorded("faults")[f"tempo-3.0-search-20{kind}"]) for kind in ("-most-recent", ""))
    assert newest - anyway
    with client_of(Tempo()) as client:
        # none of them was recorded
        list(client.back_end.search(changed(WHOLE, limit=20)))
        fetched = {path.rpartition("/")[2] for path in client.server.paths() if "/traces/" in path}
    assert fetched == newest


@pytest.mark.parametrize("everything", [False, True], ids=["badger", "cassandra"])
@pytest.mark.parametrize(
    "wanted",
    [
        Search(),
        Search(errors=True),
        Search(failed=True),
        Search(slower_ns=400_000_000),
        Search(attributes={"customer.tier": "gold"}),
        Search(attributes={"customer.tier": "gold"}, failed=True),
        Search(operation="payments.Charge/Run"),
        Search(least_ns=100_000_000),
    ],
    ids=["all", "error", "failed", "slow", "attribute", "attribute of failed", "operation", "duration"],
)
def test_store_that_requires_a_service_is_searched_for_each(wanted: Search, everything: bool) -> None:
    search = changed(wanted, start_ns=WHOLE.start_ns, end_ns=WHOLE.end_ns, limit=1000)
    with client_of(LiveServer("jaeger-v3")) as plain:
        right = plain.found(search)
    with client_of(store_by_service(everything)) as client:
        assert client.found(search) == right
    assert right
