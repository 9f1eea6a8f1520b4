"""Addresses of back ends, as typed and as shown by a browser."""

from __future__ import annotations

import pytest

from tracetui.config import Profile
from tracetui.ingest.servers.address import Address, is_address, parse_address, without_secrets
from tracetui.ingest.servers.resolve import Server, server_at
from tracetui.model.errors import UsageError
from tracetui.model.search import LIMIT, Search

MS, SECOND = 1_000_000, 1_000_000_000
HOUR = 3600 * SECOND
NOON_NS = 1_795_176_000 * SECOND
HERE = "http://h:1"

SHOWN = {
    # Jaeger
    "/search?end=1795176000000000&limit=20&lookback=1h&maxDuration&minDuration&service=cart"
    "&start=1795172400000000": Search(service="cart", limit=20, start_ns=NOON_NS - HOUR, end_ns=NOON_NS),
    "/search?lookback=2d&service=cart&operation=GET%20%2Fitems&minDuration=1.5s&maxDuration=100ms": Search(
        service="cart", operation="GET /items", lookback_ns=48 * HOUR, least_ns=1500 * MS, most_ns=100 * MS
    ),
    "/search?service=cart&operation=all&lookback=custom": Search(service="cart"),
    "/search?service=cart&tags=%7B%22error%22%3A%22true%22%2C%22http.method%22%3A%22GET%22%7D": Search(
        service="cart", errors=True, attributes={"http.method": "GET"}
    ),
    "/search?service=cart&tag=error%3Atrue&tag=a%3Ab%3Ac&tags=%7B%22d%22%3A%22e%22%7D": Search(
        service="cart", errors=True, attributes={"a": "b:c", "d": "e"}
    ),
    "/search?service=cart&tags=%7B%22n%22%3A1%7D&limit=0": Search(service="cart"),
    "/search": None,
    "/search?": None,
    "/search?traceID=": None,
    "/trace/1f2e3d4c5b6a7988": Search(trace_ids=("1f2e3d4c5b6a7988",)),
    "/trace/1f2e3d4c5b6a7988?uiFind=cart&x=y": Search(trace_ids=("1f2e3d4c5b6a7988",)),
    "/trace/1f...2a": Search(trace_ids=("1f", "2a")),
    "/trace/...2a": Search(trace_ids=("2a",)),
    "/trace/1f...": Search(trace_ids=("1f",)),
    "/trace/Hy49TFtqeYg%3D": Search(trace_ids=("Hy49TFtqeYg=",)),
    "/compare?cohort=1f&cohort=2a": Search(trace_ids=("1f", "2a")),
    "/search?traceID=1f&traceID=2a": Search(trace_ids=("1f", "2a")),
    "/api/traces?traceID=1f": Search(trace_ids=("1f",)),
    "/zipkin/dependency?startTime=1795172400000&endTime=1795176000000": Search(start_ns=NOON_NS - HOUR, end_ns=NOON_NS),
    "/api/search?tags=service.name%3Dcart": Search(service="cart"),
    "/api/search?tags=service.name%3Dcart%20name%3D%22GET%20%2Fitems%22%20http.method%3DGET&limit=5": Search(
        service="cart", operation="GET /items", attributes={"http.method": "GET"}, limit=5
    ),
    "/dependencies": None,
    "/monitor": None,
    # Jaeger's requests
    "/api/traces?service=cart&start=1795172400000000&end=1795176000000000&limit=5": Search(
        service="cart", limit=5, start_ns=NOON_NS - HOUR, end_ns=NOON_NS
    ),
    "/api/traces/1f": Search(trace_ids=("1f",)),
    "/api/v3/traces/1f?startTime=2026-11-20T09:00:00Z": Search(trace_ids=("1f",)),
    "/api/v3/traces?query.serviceName=cart&query.operationName=GET&query.searchDepth=7&query.durationMin=5ms"
    "&query.startTimeMin=2026-11-20T11:00:00Z&query.startTimeMax=2026-11-20T12:00:00Z"
    "&query.attributes=%7B%22a%22%3A%22b%22%7D": Search(
        service="cart",
        operation="GET",
        limit=7,
        least_ns=5 * MS,
        start_ns=NOON_NS - HOUR,
        end_ns=NOON_NS,
        attributes={"a": "b"},
    ),
    "/api/v3/trace-summaries?query.service_name=cart&query.operation_name=GET&query.num_traces=7"
    "&query.duration_max=5ms": Search(service="cart", operation="GET", limit=7, most_ns=5 * MS),
    "/api/services": None,
    "/api/v3/services": None,
    # Zipkin
    "/zipkin/": None,
    "/zipkin": None,
    "/zipkin/?serviceName=cart&spanName=get&lookback=15m&endTs=1795176000000&limit=10": Search(
        service="cart", operation="get", lookback_ns=HOUR // 4, end_ns=NOON_NS, limit=10
    ),
    "/zipkin/?lookback=range&startTs=1795172400000&endTs=1795176000000": Search(
        start_ns=NOON_NS - HOUR, end_ns=NOON_NS
    ),
    "/zipkin/?lookback=millis&millis=60000&endTs=1795176000000": Search(lookback_ns=60 * SECOND, end_ns=NOON_NS),
    "/zipkin/?minDuration=1500&maxDuration=2s": Search(least_ns=1_500_000, most_ns=2 * SECOND),
    "/zipkin/?annotationQuery=error+and+http.method%3DGET+and+cache.miss+and+q%3Da%3Db": Search(
        errors=True, attributes={"http.method": "GET", "cache.miss": "", "q": "a=b"}
    ),
    "/zipkin/traces/1f2e3d4c5b6a7988": Search(trace_ids=("1f2e3d4c5b6a7988",)),
    "/zipkin/dependency": None,
    "/api/v2/trace/1f": Search(trace_ids=("1f",)),
    "/api/v2/traces?serviceName=cart&endTs=1795176000000&lookback=3600000&minDuration=500000&limit=20": Search(
        service="cart", end_ns=NOON_NS, lookback_ns=HOUR, least_ns=500 * MS, limit=20
    ),
    # Tempo
    "/api/search?q=%7Bstatus%3Derror%7D&limit=20&spss=3&start=1795172400&end=1795176000": Search(
        expression="{status=error}", limit=20, start_ns=NOON_NS - HOUR, end_ns=NOON_NS
    ),
    "/api/v2/traces/1f": Search(trace_ids=("1f",)),
}


@pytest.mark.parametrize("path", SHOWN)
@pytest.mark.parametrize("base", ["", "/jaeger", "/a/search/b"])
def test_search_of_a_page(path: str, base: str) -> None:
    found = parse_address(HERE + base + path)
    assert (found.base, found.search, found.file) == (HERE + base, SHOWN[path], "")


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("http://jaeger:16686", "http://jaeger:16686"),
        ("  https://traces.example.org/  ", "https://traces.example.org"),
        ("HTTP://Jaeger:16686//", "http://jaeger:16686"),
        ("http://[::1]:16686/search", "http://[::1]:16686"),
        ("http://[fe80::1%25eth0]/jaeger/", "http://[fe80::1%25eth0]/jaeger"),
        ("https://h/jaeger/prod/", "https://h/jaeger/prod"),
        ("http://h/zipkin/api/v2/services", "http://h"),
        ("http://h/api", "http://h"),
        ("http://h/#/search", "http://h"),
    ],
)
def test_server_of_an_address(text: str, base: str) -> None:
    assert parse_address(text) == Address(base)
    assert is_address(text.strip())


@pytest.mark.parametrize(
    ("text", "socket", "base", "shown"),
    [
        ("unix:/run/jaeger.sock", "/run/jaeger.sock", "http://localhost", "unix:/run/jaeger.sock"),
        ("unix:///run/jaeger.sock", "/run/jaeger.sock", "http://localhost", "unix:/run/jaeger.sock"),
        ("UNIX:/s:/jaeger/search", "/s", "http://localhost/jaeger", "unix:/s:/jaeger"),
        ("unix:/s:/", "/s", "http://localhost", "unix:/s"),
    ],
)
def test_unix_sockets(text: str, socket: str, base: str, shown: str) -> None:
    found = parse_address(text)
    assert (found.socket, found.base, found.shown) == (socket, base, shown)


def test_a_page_behind_a_unix_socket() -> None:
    assert parse_address("unix:/s:/trace/1f").search == Search(trace_ids=("1f",))


@pytest.mark.parametrize("name", ["traces.json", "a/b/traces.jsonl.gz", "x.otlp", "traces/t.ndjson", "trace/one.json"])
def test_files(name: str) -> None:
    assert parse_address(f"{HERE}/{name}").file == f"{HERE}/{name}"
    assert parse_address(f"{HERE}/{name}?key=1").file == f"{HERE}/{name}?key=1"


@pytest.mark.parametrize(
    "text", ["shop/shop.json", "httpd.log", "unix.json", "C:/x", "ftp://h/x", "-", "http:/h", "prod"]
)
def test_paths_are_not_addresses(text: str) -> None:
    assert not is_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "http://user:hunter2@h/",
        "http://hunter2@h/",
        "http://:hunter2@h/",
        "https://user:hunter2/x@h/",
        "https://user:hunter2?@h/",
        "https://user:hunter2#x@h/",
        "https://user:x@hunter2@h:port/",
        "http://user:hunter2@[::1/",
        "http://user:hunter2@",
    ],
)
def test_passwords_are_rejected_and_not_shown(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_address(text)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("http://", "no host"),
        ("http:///search", "no host"),
        ("http://h:port/", "not a server address"),
        ("http://h:99999/", "not a server address"),
        ("http://[::1/", "not a server address"),
        ("unix:relative", "write a Unix socket as"),
        ("http://h:1/search?start=1795176000000000&end=1795172400000000", "time range ends before it begins"),
        ("http://h:1/api/v2/traces?startTs=1795176000000&endTs=1795172400000", "time range ends before it begins"),
    ],
)
def test_invalid_addresses_are_rejected(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        parse_address(text)


def test_parameter_of_a_path_is_not_shown() -> None:
    address = parse_address("http://h:1/jaeger;jsessionid=T0k3n")
    assert (address.base, address.shown) == ("http://h:1/jaeger;jsessionid=T0k3n", "http://h:1/jaeger;jsessionid=***")
    assert (
        without_secrets("http://h/jaeger;jsessionid=T/search;v=1?x=1")
        == "http://h/jaeger;jsessionid=***/search;v=1?x=1"
    )


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("http://h:1/search?service=cart&limit=5&maxDuration&start=1795172400000000", ""),
        (
            "http://h:1/search?service=cart&access_token=T#id_token=T",
            "http://h:1/search?service=cart&access_token=***#id_token=***",
        ),
        (
            "http://h/?apikey=T&uiFind=cart&%74oken=T&x=a-value-of-more",
            "http://h/?apikey=***&uiFind=cart&%74oken=***&x=***",
        ),
        ("http://h/?the-whole-query-is-one", "http://h/?***"),
        ("https://h/t.json?raw=1&X-Amz-Signature=T", "https://h/t.json?raw=1&X-Amz-Signature=***"),
        ("http://user:T@h:1/search", "http://***@h:1/search"),
        ("http://user:T/a?s#s@h:1/", "http://***@h:1/"),
        ("user:T@h:1/", "***@h:1/"),
        ("h:1/search?token=T", "h:1/search?token=***"),
        ("h:99999?token=T", "h:99999?token=***"),
        ("unix:/s:/search?sig=T", "unix:/s:/search?sig=***"),
        ("http://h/?q=a@b", ""),
        ("a@b/c?.json", ""),
    ],
)
def test_secrets_are_removed_from_addresses(source: str, shown: str) -> None:
    assert without_secrets(source) == (shown or source)
    assert without_secrets(without_secrets(source)) == without_secrets(source)
    if is_address(source) and "@" not in source and "json" not in source:
        # the search is unchanged
        assert parse_address(without_secrets(source)) == parse_address(source)


def test_saved_address_without_its_secret_is_rejected() -> None:
    with pytest.raises(UsageError, match=r"^https://h/t.json\?sig=\*\*\*: .* was not saved; enter it again"):
        parse_address(without_secrets("https://h/t.json?sig=T"))


# searches: requested conditions, then those of the address, then those of the profile


def combined_search(wanted: Search, shown: Search | None = None, profile: Profile = Profile()) -> Search:  # noqa: B008 - frozen
    return Server("", Address(HERE, search=shown), profile).search(wanted)


def test_options_override_the_page_and_the_page_overrides_the_profile() -> None:
    profile = Profile(lookback="2h", limit=7)
    assert (combined_search(Search()).lookback_ns, combined_search(Search()).max_traces) == (None, LIMIT)
    assert combined_search(Search(), None, profile) == Search(lookback_ns=2 * HOUR, limit=7)
    page = Search(service="cart", limit=5, attributes={"a": "b"}, start_ns=1, end_ns=2)
    assert combined_search(Search(), page, profile) == Search(
        service="cart", limit=5, attributes={"a": "b"}, start_ns=1, end_ns=2, lookback_ns=2 * HOUR
    )
    wanted = Search(service="web", attributes={"c": "d"}, errors=True)
    assert combined_search(wanted, page) == Search(
        service="web", limit=5, attributes={"a": "b", "c": "d"}, errors=True, start_ns=1, end_ns=2
    )
    # a requested time replaces that of the page
    assert combined_search(Search(lookback_ns=3 * HOUR), page).start_ns is None
    assert combined_search(Search(lookback_ns=3 * HOUR), page).end_ns is None
    assert combined_search(Search(lookback_ns=3 * HOUR), page).lookback_ns == 3 * HOUR
    # and the window of the page does not reverse the requested one
    times = [
        (combined_search(wanted, page).start_ns, combined_search(wanted, page).end_ns)
        for wanted in (Search(start_ns=5), Search(end_ns=1))
    ]
    assert times == [(5, None), (None, 1)]
    page = Search(start_ns=1, end_ns=9)
    assert (combined_search(Search(start_ns=5), page).start_ns, combined_search(Search(start_ns=5), page).end_ns) == (
        5,
        9,
    )


def test_sources_other_than_servers_are_rejected(tmp_path: object) -> None:
    assert server_at("-") is None
    assert server_at("some/file.json") is None
