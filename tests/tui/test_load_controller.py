"""The load controller: its phases, and the order of requests, polls and stops."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.support.paths import INCIDENT, ROOT
from tracetui.ingest.loader import LoadProgress, load
from tracetui.ingest.processes.background_load import BackgroundLoad
from tracetui.ingest.servers.pool import SearchReport
from tracetui.ingest.servers.searched_window import SearchedWindow
from tracetui.model.search import Search
from tracetui.session import FilteredSession, Session
from tracetui.tui.loading.controller import LoadController
from tracetui.tui.loading.phase import TRANSITIONS, LoadEvent, Phase, PhaseMachine
from tracetui.tui.loading.searches import Searches
from tracetui.tui.loading.updates import LoadFailed, LoadProgressed, ServersUnchanged, TraceSetArrived
from tracetui.tui.state import State

PACKAGE = ROOT / "tracetui"

# phase, event -> phase while not following, phase while following; all other events are rejected
TABLE = {
    (Phase.IDLE, LoadEvent.LOAD): (Phase.LOADING, None),
    (Phase.IDLE, LoadEvent.QUERY): (Phase.QUERYING, None),
    (Phase.FOLLOWING, LoadEvent.LOAD): (None, Phase.LOADING),
    (Phase.FOLLOWING, LoadEvent.QUERY): (None, Phase.QUERYING),
    (Phase.FOLLOWING, LoadEvent.POLL): (None, Phase.POLLING),
    (Phase.LOADING, LoadEvent.STOP): (Phase.STOPPING, Phase.STOPPING),
    (Phase.LOADING, LoadEvent.END): (Phase.IDLE, Phase.FOLLOWING),
    (Phase.QUERYING, LoadEvent.STOP): (Phase.STOPPING, Phase.STOPPING),
    (Phase.QUERYING, LoadEvent.END): (Phase.IDLE, Phase.FOLLOWING),
    (Phase.POLLING, LoadEvent.STOP): (Phase.STOPPING, Phase.STOPPING),
    (Phase.POLLING, LoadEvent.END): (Phase.IDLE, Phase.FOLLOWING),
    (Phase.STOPPING, LoadEvent.STOP): (Phase.STOPPING, Phase.STOPPING),
    (Phase.STOPPING, LoadEvent.END): (Phase.IDLE, Phase.FOLLOWING),
}


@pytest.mark.parametrize(("phase", "event"), list(product(Phase, LoadEvent)))
@pytest.mark.parametrize("is_following", [False, True])
def test_each_event_in_each_phase(phase: Phase, event: LoadEvent, is_following: bool) -> None:
    if phase is (Phase.IDLE if is_following else Phase.FOLLOWING):
        return
    machine = PhaseMachine()
    machine.is_following = is_following
    machine.phase = phase
    expected = TABLE.get((phase, event), (None, None))[is_following]
    assert machine.can(event) is (expected is not None)
    if expected is None:
        with pytest.raises(ValueError, match=event.name):
            machine.send(event)
    else:
        machine.send(event)
        assert machine.phase is expected


def test_every_transition_is_in_the_table() -> None:
    assert TRANSITIONS.keys() == TABLE.keys()


def test_phase_is_only_changed_by_the_state() -> None:
    names = "|".join(State.__dataclass_fields__)
    assignment = re.compile(rf"\bstate\.({names})\b(\[[^]]*\])?(, *\w[\w.]*)* *[-+^|&]?= ")
    change = re.compile(rf"\bstate\.({names})\.(add|append|clear|discard|extend|insert|pop|remove|update)\(")
    found = [
        f"{path.relative_to(PACKAGE)}: {line.strip()}"
        for path in PACKAGE.rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if assignment.search(line) or change.search(line)
    ]
    assert not found


class Host(SimpleNamespace):
    """A host that runs no work by itself."""

    def __init__(self) -> None:
        self.requests: list[Callable[[], None]] = []
        self.notices: list[str] = []
        self.banners: list[Sequence[str]] = []
        super().__init__(
            view="traces",
            is_listing=True,
            is_reading=False,
            is_placed=False,
            key_names=SimpleNamespace(short=lambda text: text),
            work=lambda name, work, done: done(work()),
            post_update=lambda update: None,
            run_request=self.requests.append,
            set_timer=lambda delay, callback: SimpleNamespace(stop=lambda: None),
            show_notice=lambda text, is_error=False: self.notices.append(text),
            show_banner=lambda lines, is_failure=False: self.banners.append(lines),
            **{name: lambda *_, **__: None for name in ("end_failure", "update_frame", "refresh_views")},
            **{name: lambda *_, **__: None for name in ("drop_from_banner", "traces_changed", "go_to")},
            **{name: lambda *_, **__: None for name in ("open_traces",)},
            **{name: lambda *_, **__: None for name in ("show_service_choice", "show_server_stats")},
        )


@pytest.fixture
def stops(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record stops and cancellations of loads, and start no process."""
    calls: list[str] = []
    monkeypatch.setattr(BackgroundLoad, "stop", lambda _: calls.append("stop"))
    monkeypatch.setattr(BackgroundLoad, "cancel", lambda _: calls.append("cancel"))
    return calls


def loaded(*, is_poll: bool = False) -> TraceSetArrived:
    session = Session(load([INCIDENT]))
    return TraceSetArrived(FilteredSession(session, "", *session.select("")), whole=True, is_poll=is_poll)


def live_controller(host: Host) -> LoadController:
    """Return a controller with loaded servers."""
    controller = LoadController(State(sources=("http://127.0.0.1:1",)), None, host)
    controller.start()
    assert controller._requests.load is not None
    controller._requests.load.can_search_again = True
    controller.handle(loaded())
    return controller


def phase_of(controller: LoadController) -> Phase:
    """Return the phase. Type checkers do not see that calls change it."""
    return controller.phase


def test_stop_applies_to_the_running_request_only(stops: list[str]) -> None:
    controller = LoadController(State(sources=(INCIDENT,)), None, Host())
    controller.start()
    assert phase_of(controller) is Phase.LOADING
    controller.stop()
    assert (controller.phase, stops) == (Phase.STOPPING, ["stop"])
    assert "again discards it" in controller.status
    controller.stop()
    assert stops == ["stop", "stop"], "the second one discards what was read"
    controller.handle(LoadFailed("loading stopped", stopped=True))
    assert phase_of(controller) is Phase.IDLE
    controller.stop()
    assert stops == ["stop", "stop"]


def test_reload_is_refused_while_a_request_runs_and_follows_one_that_stops(stops: list[str]) -> None:
    host = Host()
    controller = live_controller(host)
    controller.reload()
    assert phase_of(controller) is Phase.QUERYING
    controller.reload()
    assert host.notices[-1] == "still loading; {app.back} stops it"
    controller.stop()
    controller.reload()
    assert (phase_of(controller), stops) == (Phase.STOPPING, ["stop"])
    controller.handle(LoadFailed("search stopped", stopped=True))
    assert phase_of(controller) is Phase.QUERYING, "the reload follows"


def test_request_of_the_user_interrupts_a_poll(stops: list[str]) -> None:
    host = Host()
    controller = live_controller(host)
    controller.follow()
    assert phase_of(controller) is Phase.POLLING
    assert not controller.can_stop, "Esc leaves polls alone"
    controller.reload()
    controller.reload()
    assert (controller.phase, stops) == (Phase.STOPPING, ["stop"])
    controller.handle(LoadFailed("search stopped", stopped=True, is_poll=True))
    assert phase_of(controller) is Phase.QUERYING, "the search of the user follows"
    controller.handle(ServersUnchanged((), is_poll=False))
    assert phase_of(controller) is Phase.FOLLOWING
    controller.follow()
    assert phase_of(controller) is Phase.IDLE
    assert host.notices[-1] == "following stopped"


def test_poll_result_waits_while_a_trace_is_open(stops: list[str]) -> None:
    host = Host()
    controller = live_controller(host)
    controller.follow()
    before = controller._state.session
    host.is_reading = True
    controller.handle(loaded(is_poll=True))
    assert controller._state.session is before
    assert "shown when you leave this trace" in host.notices[-1]
    controller.show_deferred()
    assert controller._state.session is not before
    assert not stops


def test_leaving_twice_during_a_poll_resumes_following(stops: list[str]) -> None:
    host = Host()
    controller = live_controller(host)
    controller.follow()
    left: list[str] = []
    assert controller.leave(lambda: left.append("first"))
    assert controller.leave(lambda: left.append("second"))
    assert stops == ["stop"]
    controller.handle(LoadFailed("search stopped", stopped=True, is_poll=True))
    assert left == ["second"]
    assert not controller.is_following
    controller.come_back()
    assert controller.is_following


@pytest.mark.parametrize("drop", [lambda controller: controller.leave(lambda: None), LoadController.adjust_skew])
def test_filter_of_a_dropped_search_is_not_kept(stops: list[str], drop: Callable[[LoadController], object]) -> None:
    host = Host()
    controller = live_controller(host)
    held: list[str] = []
    host.work = lambda name, *_: held.append(name)
    controller.filter("error", (), searches=False)
    assert (held, controller.query) == (["filter"], "error")
    drop(controller)
    assert (controller.query, controller._state.query) == ("", "")
    assert not stops


def test_first_failed_poll_and_recovery_are_shown(stops: list[str]) -> None:
    host = Host()
    controller = live_controller(host)
    controller.follow()
    shown = len(host.banners)
    for _ in range(3):
        controller.handle(LoadFailed("gone", stopped=False, is_poll=True))
        poll(controller)
    assert len(host.banners) == shown + 1
    assert "gone" in host.banners[-1][0]
    assert not stops


def test_following_while_the_server_is_still_read_does_not_call_it_a_file(stops: list[str]) -> None:
    host = Host()
    controller = LoadController(State(sources=("http://127.0.0.1:1",)), None, host)
    controller.start()
    controller.follow()
    assert host.notices[-1] == "still loading; follow when it is done"
    assert not controller.is_following


def test_poll_after_incomplete_ones_searches_from_before_them() -> None:
    searches = Searches(State(sources=("http://127.0.0.1:1",)))
    minute = 60_000_000_000
    starts = np.array([time.time_ns() + 10 * minute])

    def reaches_of_polls(*are_incomplete: bool) -> list[int]:
        """Poll with these results, one every ten minutes. -> minutes from each start of a window to its poll"""
        reaches: list[int] = []
        for is_incomplete in are_incomplete:
            clock[0] += 10 * minute
            wanted, _ = searches.poll("", starts)
            assert wanted.start_ns is not None
            reaches.append(round((clock[0] - wanted.start_ns) / minute))
            searches._started_ns = clock[0]
            report = SearchReport("", may_have_more=False, search=wanted, is_incomplete=is_incomplete)
            searches.succeeded([report], is_poll=True)
        return reaches

    clock = [time.time_ns() - 200 * minute]
    searches._started_ns = clock[0]
    searches.succeeded([SearchReport("", may_have_more=False, search=Search())], is_poll=False)
    # each reaches back to the poll before, and a minute more
    assert reaches_of_polls(False, False) == [11, 11]
    # the first two incomplete polls are 30 and 20 minutes before the one that follows the first complete one
    assert reaches_of_polls(True, True, False, False, False) == [11, 11, 11, 41, 11]
    # a poll that closes the gap and is incomplete is repeated after the next complete one
    assert reaches_of_polls(True, False, True, False, False) == [11, 11, 31, 11, 51]


@pytest.mark.parametrize("other", [lambda one, starts: one.late_poll("", starts), lambda one, _: one.trace_poll("ab")])
def test_poll_continues_the_last_one_for_recent_traces(other: Callable[[Searches, np.ndarray], Search | None]) -> None:
    """Polls in between, of other traces, may have been the first to succeed after a failure."""
    searches = Searches(State(sources=("http://127.0.0.1:1",)))
    minute = 60_000_000_000
    # of a service whose clock is ahead
    starts = np.array([time.time_ns() + 10 * minute])
    searches._started_ns = answered = time.time_ns() - 30 * minute
    searches.succeeded([SearchReport("", may_have_more=False, search=Search())], is_poll=False)
    assert other(searches, starts) is not None
    searches._started_ns = time.time_ns()
    searches.succeeded([SearchReport("", may_have_more=False, search=Search())], is_poll=True)
    assert searches.poll("", starts)[0].start_ns == answered - minute


def test_late_traces_are_searched_back_to_a_quarter_of_an_hour() -> None:
    searches = Searches(State(sources=("http://127.0.0.1:1",)))
    minute = 60_000_000_000
    now = time.time_ns()
    starts = np.array([now])
    assert searches.late_poll("", starts) is None
    searches._started_ns = now
    searches.succeeded([SearchReport("", may_have_more=False, search=Search())], is_poll=False)

    def reaches(query: str = "") -> tuple[int, int]:
        """Return the minutes from the window of a search to now."""
        wanted = searches.late_poll(query, starts)
        assert wanted is not None
        assert wanted.start_ns is not None
        assert wanted.end_ns is not None
        return round((now - wanted.start_ns) / minute), round((now - wanted.end_ns) / minute)

    def found(since: int) -> None:
        window = SearchedWindow(100, now - since * minute, now - minute)
        report = SearchReport("", may_have_more=True, search=Search(), searched=window)
        searches.succeeded([report], is_poll=True)

    assert reaches() == (16, 1)
    # a full response is continued with older traces
    found(4)
    assert reaches() == (16, 4)
    found(9)
    # by the next search of this kind, not by other polls
    searches.poll("", starts)
    found(2)
    assert reaches() == (16, 9)
    searches.succeeded([SearchReport("", may_have_more=False, search=Search())], is_poll=True)
    assert reaches() == (16, 1)
    moments = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime((now - ago * minute) / 1e9)) for ago in (10, 5)]
    assert reaches("trace.start > {} AND trace.start < {}".format(*moments)) == (10, 5)
    window = SearchedWindow(100, now - 5 * minute, now)
    loaded = SearchReport("", may_have_more=True, search=Search(), searched=window)
    searches.succeeded([loaded], is_poll=False)
    # older traces are not late if the load has left them out
    assert reaches() == (5, 1)
    recent = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now / 1e9 - 30))
    assert searches.late_poll(f"trace.start > {recent}", starts) is None


def poll(controller: LoadController) -> Any:
    """Let the time until the next poll elapse."""
    return controller._follower._start_poll()


def test_status_of_a_load_has_the_size_and_the_seconds(stops: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    controller = LoadController(State(sources=(INCIDENT,)), None, Host())
    controller.start()
    controller.handle(LoadProgressed(LoadProgress("big", 0.0, 0, total_bytes=58 << 20)))
    began = controller._runner.started
    monkeypatch.setattr(time, "monotonic", lambda: began + 0.5)
    assert controller.status == "reading  0 % of 58 MiB"
    controller.handle(LoadProgressed(LoadProgress("big", 0.25, 13_817, total_bytes=58 << 20)))
    monkeypatch.setattr(time, "monotonic", lambda: began + 4.7)
    assert controller.status == "reading  25 % of 58 MiB  14k spans  4 s"
    controller.stop()
    assert "4 s" not in controller.status
    controller.handle(LoadFailed("loading stopped", stopped=True))
    assert controller.status == ""
