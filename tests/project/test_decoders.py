"""Decoders are made at import: msgspec crashes if two threads prepare the type of a structure at once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.paths import ROOT

PACKAGE = ROOT / "tracetui"
WITHOUT_THREADS = {
    # files of the user, which are read while the program starts
    "config.py",
    "cli/config_check.py",
}
PREPARED = {
    # a type that a decoder of the same module has prepared
    "model/search.py",
    "model/json_decoding.py",
    # a structure of its own, made by a function that is called at import
    "ingest/json_documents.py",
}


def within_functions(tree: ast.AST) -> Iterator[ast.Call]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for node in ast.walk(function):
                if isinstance(node, ast.Call):
                    yield node


def prepares_a_type(call: ast.Call) -> bool:
    called = ast.unparse(call.func)
    if called in ("msgspec.json.Decoder", "msgspec.convert"):
        return True
    return called == "msgspec.json.decode" and (len(call.args) > 1 or bool(call.keywords))


def late(file: Path) -> list[int]:
    return sorted(
        {call.lineno for call in within_functions(ast.parse(file.read_text("utf-8"))) if prepares_a_type(call)}
    )


def test_types_are_prepared_at_import() -> None:
    found = {file.relative_to(PACKAGE).as_posix(): late(file) for file in sorted(PACKAGE.rglob("*.py"))}
    late_files = {name for name, lines in found.items() if lines}
    assert late_files - WITHOUT_THREADS - PREPARED == set(), found
    assert late_files >= WITHOUT_THREADS | PREPARED, "an exception that is not needed"
