import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracetui.render.text import numbers

START = 1_714_557_792_044_999_999  # 2024-05-01 10:03:12.044999999 UTC


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 s"),
        (1, "1 ns"),
        (999, "999 ns"),
        (1_000, "1.00 µs"),
        (12_400, "12.4 µs"),
        (999_499, "999 µs"),
        (999_500, "1.00 ms"),
        (1_234_000, "1.23 ms"),
        (9_995_000, "10.0 ms"),
        (12_000_000, "12.0 ms"),
        (890_000_000, "890 ms"),
        (999_999_999, "1.00 s"),
        (3_000_000_000, "3.00 s"),
        (3_500_000_000, "3.50 s"),
        (3_612_000_000, "3.61 s"),
        (59_949_999_999, "59.9 s"),
        (59_950_000_000, "1 min"),
        (125_400_000_000, "2 min 5 s"),
        (3_599_600_000_000, "1 h"),
        (12_000_000_000_000, "3 h 20 min"),
        (86_390_000_000_000, "1 d"),
        (187_200_000_000_000, "2 d 4 h"),
        (1 << 61, "26,688 d"),
        (-12_000_000, "-12.0 ms"),
    ],
)
def test_duration(ns: int, text: str) -> None:
    assert numbers.duration(ns) == text


def test_micro_in_ascii() -> None:
    assert numbers.duration(12_000, ascii_only=True) == "12.0 us"
    assert numbers.scale(12_000, 2, ascii_only=True) == ["0 us", "6 us", "12 us"]


@given(st.integers(0, 1 << 62), st.integers(0, 1 << 62))
def test_duration_width_fits_all_shorter_ones(a: int, b: int) -> None:
    low, high = sorted((a, b))
    assert len(numbers.duration(low)) <= numbers.duration_width(high)


@given(st.integers(1_000, 59_949_999_999))
def test_every_duration_below_a_minute_has_three_digits(ns: int) -> None:
    assert sum(character.isdigit() for character in numbers.duration(ns)) == 3


@given(st.integers(1, 10**11))
def test_duration_is_within_half_a_percent(ns: int) -> None:
    sizes = {"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9, "min": 60e9}
    parts = numbers.duration(ns).split()
    told = sum(float(value) * sizes[unit] for value, unit in zip(parts[::2], parts[1::2], strict=True))
    assert told == pytest.approx(ns, rel=0.009)


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 ms"),
        (400, "<0.001 ms"),
        (412_000, "0.412 ms"),
        (12_340_000, "12.3 ms"),
        (99_960_000, "100 ms"),
        (1_850_499_999, "1,850 ms"),
        (-2_000_000, "-2.00 ms"),
        (500, "0.001 ms"),
        (36_000_000, "36.0 ms"),
    ],
)
def test_milliseconds(ns: int, text: str) -> None:
    assert numbers.milliseconds(ns) == text


@pytest.mark.parametrize(
    ("total", "steps", "labels"),
    [
        (3_610_000_000, 4, ["0 s", "0.90 s", "1.80 s", "2.71 s", "3.61 s"]),
        (100_000_000, 4, ["0 ms", "25 ms", "50 ms", "75 ms", "100 ms"]),
        (4_000_000_000, 2, ["0 s", "2 s", "4 s"]),
        (120_000_000_000, 2, ["0 min", "1 min", "2 min"]),
        (60_000_000_000, 4, ["0 s", "15 s", "30 s", "45 s", "60 s"]),
        (600_000_000_000, 4, ["0 min", "2.5 min", "5.0 min", "7.5 min", "10.0 min"]),
    ],
)
def test_scale(total: int, steps: int, labels: list[str]) -> None:
    assert numbers.scale(total, steps) == labels


@pytest.mark.parametrize(
    ("value", "text", "whole"),
    [
        (0, "0 %", "0 %"),
        (0.004, "<0.1 %", "<1 %"),
        (0.2, "0.2 %", "<1 %"),
        (5.0, "5.0 %", "5 %"),
        (7.1, "7.1 %", "7 %"),
        (6.25, "6.3 %", "6 %"),
        (12.5, "13 %", "13 %"),
        (9.96, "10 %", "10 %"),
        (99.0, "99.0 %", "99 %"),
        (73.6, "74 %", "74 %"),
        (99.4, "99.4 %", ">99 %"),
        (99.99, ">99.9 %", ">99 %"),
        (100, "100 %", "100 %"),
        (250, "250 %", "250 %"),
    ],
)
def test_percent(value: float, text: str, whole: str) -> None:
    assert (numbers.percent(value), numbers.whole_percent(value)) == (text, whole)


@given(st.floats(0, 100))
def test_percent_is_0_or_100_only_for_exact_values(value: float) -> None:
    assert (numbers.percent(value) == "0 %") == (value == 0)
    assert (numbers.percent(value) == "100 %") == (value == 100)
    assert len(numbers.whole_percent(value)) <= 5


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"), (950, "950"), (999, "999"), (1_000, "1k"), (4_096, "4.1k"), (9_990, "10k"), (38_400, "38k"),
        (999_600, "1M"), (1_234_567, "1.2M"), (5_000_000_000, "5G"), (7 * 10**12, "7,000G"), (-4_096, "-4.1k"),
    ],
)  # fmt: skip
def test_short_count(number: int, text: str) -> None:
    assert numbers.short_count(number) == text


def test_counts_with_nouns() -> None:
    assert numbers.count(1_234_567) == "1,234,567"
    assert numbers.counted(1, "span") == "1 span"
    assert numbers.counted(1_085, "span") == "1,085 spans"
    assert numbers.counted(2, "echo", "echoes") == "2 echoes"


def test_times_are_utc() -> None:
    assert numbers.clock(START) == "10:03:12.044"
    assert numbers.date_clock(START) == "2024-05-01 10:03:12.044"
    assert numbers.zone(START) == "UTC"
    assert numbers.clock(0) == "00:00:00.000"
    assert numbers.date_clock(1 << 62).startswith("2116-")


def test_time_range() -> None:
    minute = 60_000_000_000
    assert numbers.time_range(START, START + 13 * minute) == "10:03–10:16 UTC"
    assert numbers.time_range(START, START + minute // 2, ascii_only=True) == "10:03:12-10:03:42 UTC"
    assert numbers.time_range(START, START + 200_000_000) == "10:03:12.044–10:03:12.244 UTC"
    assert numbers.time_range(START, START + 40_000) == "10:03:12.044999–10:03:12.045039 UTC"
    assert numbers.time_range(START, START) == "10:03:12 UTC"
    assert numbers.time_range(START, START + 1440 * minute) == "2024-05-01 10:03–2024-05-02 10:03 UTC"


def test_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "XYZ-2")
        time.tzset()
        assert numbers.clock(START, local=True) == "12:03:12.044"
        assert numbers.zone(START, local=True) == "XYZ"
    time.tzset()
    assert "XYZ" not in os.environ.get("TZ", "")


def test_rates_are_per_minute() -> None:
    rates = [0.04, 5.42, 99.9, 99.96, 1_234_567.8]
    assert [numbers.per_minute(rate) for rate in rates] == ["0.0", "5.4", "99.9", "100", "1,234,568"]
