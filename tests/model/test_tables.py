"""Tables are pickled without loss, and number equal entries once."""

from __future__ import annotations

import pickle

from hypothesis import given
from hypothesis import strategies as st

from tests.support.building import CODEC
from tracetui.ingest.formats.jaeger_values import CODEC as JAEGER_CODEC
from tracetui.model.span import UNKNOWN_SERVICE
from tracetui.model.span_codec import Codec
from tracetui.model.tables import Interner, ResourceTable, TraceTable

_Key = tuple[str, bytes, Codec, str, str]
TEXTS = st.sampled_from(["", "a", "b", "\0", "a\0b", "\ud800", UNKNOWN_SERVICE])
RESOURCES = st.lists(
    st.tuples(TEXTS, st.sampled_from([b"", b"{}"]), st.sampled_from([CODEC, JAEGER_CODEC]), TEXTS, TEXTS)
)
TRACE_IDS = st.lists(st.sampled_from(["1", "01", "A", "a", "0" * 31 + "a", "not hex", "", "0" * 40]))


def table_of(resources: list[_Key]) -> tuple[ResourceTable, list[int]]:
    table = ResourceTable()
    return table, [table(*one) for one in resources]


@given(resources=RESOURCES, more=RESOURCES)
def test_resources_are_numbered_in_order_of_appearance(resources: list[_Key], more: list[_Key]) -> None:
    table, numbers = table_of(resources)
    distinct = list(dict.fromkeys(resources))
    assert numbers == [distinct.index(one) for one in resources]
    for keys in (resources, [*resources, *more]):
        numbers = [table(*one) for one in keys]
        for number, (service, *rest) in zip(numbers, keys, strict=True):
            entry = table.entries[number]
            assert (table.services.texts[entry.service], *entry[1:]) == (service or UNKNOWN_SERVICE, *rest)
    assert len(table) == len(table.entries) == len({*resources, *more})


@given(resources=RESOURCES, more=RESOURCES)
def test_resources_of_another_process_join_equal_ones(resources: list[_Key], more: list[_Key]) -> None:
    table, _ = table_of(resources)
    other, theirs = table_of(more)
    numbers = table.absorb(pickle.loads(pickle.dumps(other)))
    expected, own = table_of([*resources, *more])
    assert numbers[theirs].tolist() == own[len(resources) :] if more else not len(numbers)
    assert [(one.service, one.raw, type(one.codec), *one[3:]) for one in table.entries] == [
        (one.service, one.raw, type(one.codec), *one[3:]) for one in expected.entries
    ]
    assert table.services.texts == expected.services.texts


@given(resources=RESOURCES, data=st.data())
def test_resources_that_are_kept_are_numbered_anew(resources: list[_Key], data: st.DataObject) -> None:
    table, _ = table_of(resources)
    _ = table.entries
    kept = sorted(data.draw(st.sets(st.integers(0, len(table) - 1)))) if len(table) else []
    distinct = list(dict.fromkeys(resources))
    table.keep(kept)
    expected, _ = table_of([distinct[at] for at in kept])
    assert table.entries == expected.entries
    assert table.services.texts == expected.services.texts


@given(ids=TRACE_IDS, more=TRACE_IDS)
def test_traces_of_another_process_are_the_same(ids: list[str], more: list[str]) -> None:
    table = TraceTable()
    numbers = [table(text) for text in ids]
    table.warn(table("1"), ["late"])
    table.add_unnamed()
    received = pickle.loads(pickle.dumps(table))
    assert received.ids == table.ids
    assert (received.unnamed, received.warnings) == (table.unnamed, table.warnings)
    assert [received(text) for text in ids] == numbers
    assert received.spelling_count == table.spelling_count
    assert [received(text) for text in more] == [table(text) for text in more]


@given(texts=st.lists(TEXTS), more=st.lists(TEXTS))
def test_texts_are_numbered_in_order_of_appearance(texts: list[str], more: list[str]) -> None:
    interner = Interner(texts)
    assert interner.texts == list(dict.fromkeys(texts))
    received = pickle.loads(pickle.dumps(interner))
    numbers = interner.array(more).tolist()
    assert numbers == [interner(text) for text in more] == received.many(more)
    assert [interner.texts[number] for number in numbers] == more
    assert received.texts == interner.texts == list(dict.fromkeys([*texts, *more]))
