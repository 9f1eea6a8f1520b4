"""Archives with span files: compressed, nested, intact and damaged."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tests.support.decoding import read
from tests.support.envelope_writers import WRITERS
from tests.support.format_samples import SAMPLES, TABLES
from tests.support.span_formats import FORMATS, Plain, Style
from tests.support.strategies import unhurried
from tracetui.ingest import archive_reader, source_bytes
from tracetui.ingest.archives import ARCHIVES, find_archive, unread_archive
from tracetui.ingest.archives.zip import Zip
from tracetui.ingest.decode_context import DecodeContext
from tracetui.ingest.detect import decode
from tracetui.model.assemble import assemble
from tracetui.model.intake import Intake
from tracetui.model.span import Kind, Span, Status
from tracetui.model.traces import TraceSet

Files = Mapping[str, bytes]
SPANS = [Plain({"a": "b"}, Kind.SERVER), Plain({}, Kind.CLIENT, Status.ERROR)]
OTLP = FORMATS["otlp json"].write(SPANS, Style())
JAEGER = FORMATS["jaeger"].write([*SPANS, *SPANS], Style())
TWO = {"a.json": OTLP, "folder/b.json": JAEGER}
SEED = b"".join(bytes([i * 7919 >> 3 & 0xFF]) for i in range(1 << 12))


def spans_of(traces: TraceSet) -> list[Span]:
    return sorted((traces.span(i) for i in range(len(traces))), key=lambda span: (span.trace_id, span.span_id))


def warnings_of(data: bytes) -> list[str]:
    return [str(warning) for warning in read(data).load_warnings]


def zipped(files: Files, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


class _Stream(io.RawIOBase):
    """File without seeking, so that sizes are written after the data."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # archives write bytes only
        self.data += data
        return len(data)


def streamed_zip(files: Files) -> bytes:
    out = _Stream()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return bytes(out.data)


def large_zip(files: Files) -> bytes:
    """Write the fields of archives above 4 GiB."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            with archive.open(name, "w", force_zip64=True) as file:
                file.write(data)
    return out.getvalue()


def tarred(files: Files, form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def lzma_zip_without_end_mark(files: Files) -> bytes:
    """Write a stream without an end mark and its flag, as 7-Zip does."""
    out, directory = b"", b""
    for name, data in files.items():
        filters = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16, "lc": 3, "lp": 0, "pb": 2}]
        alone = lzma.compress(data, lzma.FORMAT_ALONE, filters=filters)
        packed = struct.pack("<BBH", 9, 20, 5) + alone[:5] + alone[13:-4]
        sizes = struct.pack("<3L2H", zlib.crc32(data), len(packed), len(data), len(name), 0)
        directory += struct.pack("<4s6H", b"PK\1\2", 20, 20, 0, 14, 0, 0) + sizes
        directory += struct.pack("<3H2L", 0, 0, 0, 0, len(out)) + name.encode()
        out += struct.pack("<4s5H", b"PK\3\4", 20, 0, 14, 0, 0) + sizes + name.encode() + packed
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, len(files), len(files), len(directory), len(out), 0)
    return out + directory + end


ARCHIVERS: dict[str, Callable[[Files], bytes]] = {
    "zip": zipped,
    "zip, stored": lambda files: zipped(files, zipfile.ZIP_STORED),
    "zip, bzip2": lambda files: zipped(files, zipfile.ZIP_BZIP2),
    "zip, LZMA": lambda files: zipped(files, zipfile.ZIP_LZMA),
    "zip, LZMA without an end mark": lzma_zip_without_end_mark,
    "zip as a stream": streamed_zip,
    "zip, large": large_zip,
    "zip behind a mark": lambda files: b"PK\7\x08" + zipped(files),
    "tar": tarred,
    "tar, GNU": lambda files: tarred(files, tarfile.GNU_FORMAT),
    "tar, ustar": lambda files: tarred(files, tarfile.USTAR_FORMAT),
    "tar.gz": lambda files: gzip.compress(tarred(files)),
    "tar.zst": lambda files: zstandard.compress(tarred(files)),
    "tar.bz2": lambda files: bz2.compress(tarred(files)),
    "tar.xz": lambda files: lzma.compress(tarred(files)),
    "gzip in zip": lambda files: zipped({f"{name}.gz": gzip.compress(data) for name, data in files.items()}),
    "zip in zip": lambda files: zipped({"inner.zip": zipped(files)}),
    "zip in tar": lambda files: tarred({"inner.zip": zipped(files)}),
    "tar.gz in zip": lambda files: zipped({"inner.tgz": gzip.compress(tarred(files))}),
}


def test_every_archive_kind_has_a_writer() -> None:
    kinds = {type(find_archive(ARCHIVERS[name](TWO))) for name in ("zip", "tar")}
    assert kinds == {type(archive) for archive in ARCHIVES}


@pytest.mark.parametrize("name", ARCHIVERS)
def test_files_in_an_archive_are_read_like_single_files(name: str) -> None:
    intake = Intake()
    for data in TWO.values():
        decode(data, DecodeContext(intake, "f"))
    found = read(ARCHIVERS[name](TWO))
    assert spans_of(found) == spans_of(assemble(intake))
    assert found.load_warnings == []


@pytest.mark.parametrize("packed", [bz2.compress, lzma.compress])
def test_compressed_file_in_an_archive_is_read(packed: Callable[[bytes], bytes]) -> None:
    assert spans_of(read(packed(OTLP))) == spans_of(read(OTLP))
    assert warnings_of(packed(OTLP)) == []
    assert "ends early" in warnings_of(packed(OTLP)[:-5])[0]


FORMATS_WRITTEN = {
    **{name: known.write(SPANS, Style()) for name, known in FORMATS.items()},
    **{name: sample.text.encode() for name, sample in (SAMPLES | TABLES).items()},
}
IN_ENVELOPES = {
    name: writer.write([("web-1", line) for line in OTLP.decode().splitlines()]).encode()
    for name, writer in WRITERS.items()
}


@pytest.mark.parametrize("name", ["zip", "tar.gz", "zip in zip"])
def test_every_format_and_envelope_in_an_archive_gives_the_same_spans(name: str) -> None:
    for data in (*FORMATS_WRITTEN.values(), *IN_ENVELOPES.values()):
        bare, found = read(data), read(ARCHIVERS[name]({"x": data}))
        assert spans_of(found) == spans_of(bare)
        assert [one.message for one in found.load_warnings] == [one.message for one in bare.load_warnings]


def test_warning_names_the_file_in_the_archive() -> None:
    cut = {"good.json": OTLP, "bad.json": OTLP[:-30]}
    for name in ("zip", "tar.gz"):
        (warning,) = read(ARCHIVERS[name](cut)).load_warnings
        assert (warning.file, warning.position) == ("f:bad.json", warning.position)
        assert "damaged JSON" in warning.message
    (warning,) = read(ARCHIVERS["zip in zip"](cut)).load_warnings
    assert warning.file == "f:inner.zip:bad.json"


def test_files_without_spans_are_listed_in_one_warning() -> None:
    others = {"README.md": b"# Hello\n", "picture.png": b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", "package.json": b'{"a": 1}'}
    apple = {"__MACOSX/._a.json": b"\0\5\x16\7", "x/.DS_Store": b"\0\0\0\1Bud1"}
    assert warnings_of(zipped({**others, **TWO, **apple})) == [
        "f: 3 files without spans skipped: README.md, picture.png, package.json"
    ]
    assert warnings_of(zipped({f"{i}.md": b"# x\n" for i in range(9)}))[0] == (
        "f: no file in the zip archive contains spans: 0.md, 1.md, 2.md, 3.md, 4.md and 4 more"
    )


def encrypted(data: bytes) -> bytes:
    """Make a zip archive whose first file claims to be encrypted."""
    changed = bytearray(data)
    for sign, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        changed[data.find(sign) + flags] |= 1
    return bytes(changed)


def with_method(data: bytes, method: int) -> bytes:
    changed = bytearray(data)
    for sign, at in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        struct.pack_into("<H", changed, data.find(sign) + at, method)
    return bytes(changed)


UNREADABLE = {
    "f:a.json: encrypted; unpack it with its password first": encrypted(zipped(TWO)),
    "f:a.json: packed with deflate64, which is not supported; unpack it first": with_method(zipped(TWO), 9),
    "f:a.json: packed with method 77, which is not supported; unpack it first": with_method(zipped(TWO), 77),
}


@pytest.mark.parametrize("warning", UNREADABLE)
def test_file_that_cannot_be_unpacked_costs_only_itself(warning: str) -> None:
    assert warnings_of(UNREADABLE[warning]) == [warning]
    assert len(read(UNREADABLE[warning])) == 4


def test_truncated_zip_keeps_files_before_the_cut() -> None:
    for write in (zipped, streamed_zip):
        whole = write({**TWO, "noise": os.urandom(2_000)})
        found = read(whole[: whole.find(b"noise") + 500])
        assert len(found) == len(read(zipped(TWO)))
        assert str(found.load_warnings[0]) == (
            "f: the zip archive is cut off or damaged: its directory is missing; only its intact files were read"
        )


def test_truncated_tar_keeps_files_before_the_cut() -> None:
    whole = tarred({**TWO, "c.json": OTLP})
    end = whole.find(b"c.json") + 512 + len(OTLP) // 2
    for data in (whole[:end], gzip.compress(whole[:end])):
        found = read(data)
        assert len(found) >= len(read(zipped(TWO)))
        messages = [str(warning) for warning in found.load_warnings]
        assert any("f:c.json: damaged in the archive (it ends early)" in message for message in messages)


def test_damaged_file_is_detected_by_its_checksum() -> None:
    data = bytearray(zipped(TWO, zipfile.ZIP_STORED))
    at = data.find(b'"name":"op"') + 8
    data[at : at + 2] = b"oq"
    (warning,) = warnings_of(bytes(data))
    assert warning == "f:a.json: damaged in the archive (its checksum does not match); everything before it was read"


NAMED = {
    b"7z\xbc\xaf\x27\x1c\0\4" + SEED: "a 7z archive",
    b"Rar!\x1a\x07\x01\0" + SEED: "a RAR archive",
    b"\x04\x22\x4d\x18\x64\x40" + SEED: "LZ4 data",
    b"\x1f\x9d\x90" + SEED: "data of Unix compress (.Z)",
}


@pytest.mark.parametrize("data", NAMED, ids=list(NAMED.values()))
def test_unsupported_archives_are_reported(data: bytes) -> None:
    assert warnings_of(data) == [f"f: {NAMED[data]}, which is not supported; unpack it first"]


def test_empty_archives_give_a_warning() -> None:
    assert warnings_of(zipped({})) == ["f: the zip archive contains no files"]
    assert warnings_of(zipped({"folder/": b""})) == ["f: the zip archive contains no files"]


def test_nesting_of_archives_is_limited() -> None:
    data = zipped({"a.json": OTLP})
    for _ in range(4):
        data = zipped({"inner.zip": data})
    assert warnings_of(data) == ["f:inner.zip:inner.zip: zip archive nested too deeply; unpack it first"]


def test_archive_bomb_stops_at_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_reader, "MIN_LIMIT", 1 << 20)
    monkeypatch.setattr(source_bytes, "unpacked_limit", lambda size: max(200 * size, 1 << 20))
    zeros = zipped({f"{i}.json": bytes(1 << 24) for i in range(9)})
    messages = warnings_of(zipped({"inner.zip": zeros, "last.json": OTLP}))
    assert any("unpack" in message and "the rest was skipped" in message for message in messages)
    tar = warnings_of(gzip.compress(tarred({"zeros": bytes(1 << 25)})))
    assert any("unpacks to more than" in message for message in tar)


def test_number_of_files_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_reader, "MAX_FILES", 2)
    files = {f"{i}.json": OTLP for i in range(4)}
    assert warnings_of(zipped(files)) == ["f: more than 2 files in the zip archive; the rest was skipped"]


def test_file_names_are_not_used_as_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = {"../../up.json": OTLP[:-30], "/root/absolute.json": OTLP[:-30], "a\x1b[31m\n.json": OTLP[:-30]}
    for archive in (zipped(names), tarred(names)):
        assert [warning.file for warning in read(archive).load_warnings] == [f"f:{name}" for name in names]
    assert list(tmp_path.iterdir()) == []


@unhurried
@given(
    st.sampled_from(sorted(ARCHIVERS)),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.binary(max_size=8)), min_size=1, max_size=4),
)
def test_damaged_archives_give_traces_or_a_warning(name: str, damage: list[tuple[float, int, bytes]]) -> None:
    data = ARCHIVERS[name](TWO)
    for share, size, put in damage:
        at = int(share * len(data))
        data = data[:at] + put + data[at + size :]
    found = read(data)
    assert len(found) or found.load_warnings


def test_directory_of_a_large_archive_is_found() -> None:
    """With more than 65,535 files the end record cannot contain the position of the directory."""
    data = zipped(TWO)
    end = data.rfind(b"PK\5\6")
    fields = list(struct.unpack("<4s4H2LH", data[end:]))
    length, offset = fields[5], fields[6]
    end_64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 2, 2, length, offset)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    fields[5] = fields[6] = 0xFFFFFFFF
    large = data[:end] + end_64 + locator + struct.pack("<4s4H2LH", *fields)
    assert isinstance(find_archive(large), Zip)
    assert warnings_of(large) == []
    assert len(read(large)) == len(read(data))


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"\x5d\0\0\x80\0" + b"\xff" * 8 + b"\0=", "LZMA data"),
        (b"LZIP\x01\x0c", "lzip data"),
        (b"\x89LZO\0\r\n\x1a\n", "lzop data"),
        (b"\xff\x06\0\0sNaPpY", "Snappy data"),
        (b"\xed\xab\xee\xdb\x03\0", "an RPM package"),
        (b"xar!\0\x1c\0\x01", "a xar archive"),
    ],
)
def test_unsupported_compression_is_named(data: bytes, name: str) -> None:
    assert unread_archive(data + b"\0" * 40) == name
