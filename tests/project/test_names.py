"""The language of the package: names defined once, and docstrings that a stranger understands."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

FILES = sorted((ROOT / "tracetui").rglob("*.py"))
MAX_RIDDLES = 30
"""Docstrings that may begin with one of `RIDDLES`."""
RIDDLES = ("What ", "How ", "Whether ", "Of ")
REPLACED = """
answers apart arena arrivals asked asked_pane at_once beside buffers chance chunks clocks codec contents deciding
far filters findings handover jaeger_messages judge keys_in_order kinds lasting_driver lenient line_values live
loading_app meaning mend nodes noise odd_steps opinion otlp_messages otlp_records outside page patterns pieces place
problems pushed quiet quiet_screen runs said salvage second_opinion served shifts slack sources spec_json splits
status step_differences step_evidence surplus_members syntax terminal_output told traces_answers traces_body
traces_questions watch waterfall_open waterfall_sight ways whereabouts wishes work
""".split()
"""Names of modules that were replaced by the field's words."""
REPLACED_WORDS = {
    "alike": "peers, or what is equal",
    "anew": "again",
    "apart": "contrast, distance, separate",
    "asked": "queried, requested",
    "beside": "parallel, next to",
    "echo": "propagated",
    "far": "distance",
    "judge": "classify",
    "mend": "repair",
    "mended": "repaired",
    "nobody": "no, none",
    "opined": "server statistics",
    "opinion": "server statistics",
    "said": "reported",
    "salvage": "recover",
    "salvaged": "recovered",
    "say": "print, report",
    "spelt": "spelled",
    "tell": "report, distinguish",
    "theirs": "peers",
    "told": "reported",
    "whereabouts": "location, bookmark",
    "whoever": "callers",
    "wish": "request",
    "wishes": "requests",
}
"""Words that no identifier or module contains, and the words that replace them."""
LAYOUT = {"beside_from", "is_beside", "_beside_from", "_BESIDE_FROM"}
"""Names about the layout of the screen, where things are beside or beneath each other."""


def parsed() -> Iterator[tuple[Path, ast.Module]]:
    for file in FILES:
        yield file.relative_to(ROOT), ast.parse(file.read_text())


def defined(tree: ast.Module) -> Iterator[str]:
    """Classes and type aliases at the top of a module."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name) and target.id.lstrip("_")[:1].isupper() and not target.id.isupper():
                    yield target.id


def docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Docstrings of modules, classes, functions and attributes, with their lines."""
    for node in ast.walk(tree):
        for statement in getattr(node, "body", []) if not isinstance(node, ast.Lambda | ast.IfExp) else []:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                text = statement.value.value
                if isinstance(text, str):
                    yield statement.lineno, text


def identifiers(tree: ast.Module) -> Iterator[str]:
    """Names that a module defines: of classes, functions, parameters, variables and attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def words(identifier: str) -> set[str]:
    """Words of a name in snake case, capitals or camel case, in lower case."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", identifier)}


def test_no_class_or_alias_is_defined_in_two_modules() -> None:
    modules: defaultdict[str, set[str]] = defaultdict(set)
    for file, tree in parsed():
        for name in defined(tree):
            modules[name].add(str(file))
    assert {name: sorted(found) for name, found in modules.items() if len(found) > 1} == {}


def test_few_docstrings_begin_with_a_question() -> None:
    found = [
        f"{file}:{line}: {text.splitlines()[0]}"
        for file, tree in parsed()
        for line, text in docstrings(tree)
        if text.startswith(RIDDLES)
    ]
    assert len(found) < MAX_RIDDLES, "\n".join(found)


@pytest.mark.parametrize("name", REPLACED)
def test_no_module_keeps_a_replaced_name(name: str) -> None:
    assert [str(file.relative_to(ROOT)) for file in FILES if file.stem == name] == []


def test_no_identifier_contains_a_replaced_word() -> None:
    found = {
        f"{file}: {name}": REPLACED_WORDS[word]
        for file, tree in parsed()
        for name in (file.stem, *identifiers(tree))
        if name not in LAYOUT
        for word in words(name) & REPLACED_WORDS.keys()
    }
    assert found == {}


def test_words_of_identifiers() -> None:
    assert words("_said_by") == words("SaidBy") == {"said", "by"}
    assert words("_MOST_ASKED") == {"most", "asked"}
    assert words("HTTPAsked") == {"http", "asked"}


def test_style_sheets_name_existing_widgets() -> None:
    # Textual ignores a selector that matches nothing
    classes = {"App", "Screen", "ModalScreen", "Vertical", "ContentSwitcher"}
    selectors: list[tuple[str, str]] = []
    for file, tree in parsed():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                classes.add(node.name)
            value = getattr(node, "value", None)
            names = {getattr(target, "id", "") for target in getattr(node, "targets", [getattr(node, "target", None)])}
            if names & {"CSS", "DEFAULT_CSS"} and isinstance(value, ast.Constant):
                found = re.findall(r"(?:^|[}\n])\s*([^{}]*)\{", str(value.value))
                selectors += [(str(file), name) for name in re.findall(r"\b[A-Z]\w+", " ".join(found))]
    assert len(selectors) > 10
    assert not [(file, name) for file, name in selectors if name not in classes]
