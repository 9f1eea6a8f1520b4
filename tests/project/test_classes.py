"""Structure of the screen's classes: short inheritance chains, no hooks, and private members used by their own class
only.
"""

from __future__ import annotations

import ast
import re

from tests.support.paths import ROOT

TUI = ROOT / "tracetui" / "tui"
FILES = sorted(TUI.rglob("*.py"))
LONGEST_CHAIN = 2
OTHERS_MEMBER = re.compile(r"\b(?!self\b|cls\b|super\b)\w+\._[a-z]\w*")
ALLOWED = {
    # exit without the interpreter's clean-up
    "run.py": {"os._exit"},
}


def own_classes() -> dict[str, list[str]]:
    """List the names of the bases of each class of the screen."""
    classes = {}
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef):
                bases = [base.value if isinstance(base, ast.Subscript) else base for base in node.bases]
                classes[node.name] = [base.id for base in bases if isinstance(base, ast.Name)]
    return classes


def test_inheritance_chains_are_short() -> None:
    classes = own_classes()

    def chain(name: str) -> int:
        return 1 + max((chain(base) for base in classes[name] if base in classes), default=0)

    assert {name: chain(name) for name in classes if chain(name) > LONGEST_CHAIN} == {}
    assert max(map(chain, classes)) == LONGEST_CHAIN, "nothing is derived: does this test see the classes?"


def test_no_class_relies_on_methods_of_its_subclasses() -> None:
    hooks = [
        f"{file.relative_to(TUI)}:{node.lineno}"
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Raise) and "NotImplementedError" in ast.unparse(node)
    ]
    assert hooks == []


def test_private_members_are_used_by_their_own_class() -> None:
    found = {}
    for file in FILES:
        name = str(file.relative_to(TUI))
        if name.startswith("terminal/"):
            # the only place for Textual's private names
            continue
        code = re.sub(r"^(?:from|import) .*$", "", file.read_text(), flags=re.MULTILINE)
        used = set(OTHERS_MEMBER.findall(code)) - ALLOWED.get(name, set())
        if used:
            found[name] = sorted(used)
    assert found == {}
