"""Structure of the classes: short inheritance chains, no hooks, and private members used by their own class only."""

from __future__ import annotations

import ast
import re

from tests.support.paths import ROOT

PACKAGE = ROOT / "tracetui"
FILES = sorted(PACKAGE.rglob("*.py"))
LONGEST_CHAIN = 2
OTHERS_MEMBER = re.compile(r"\b(?!self\b|cls\b|super\b|other\b)\w+\._[a-z]\w*")
"""Private member of another object; `other` is one of the same class."""
NAMED_TUPLE = re.compile(r"\w+\._(replace|make|fields|asdict)")
"""Public members of named tuples."""
ALLOWED = {
    # exits without the interpreter's clean-up
    "tui/run.py": {"os._exit"},
    "ingest/processes/loading_process.py": {"os._exit"},
    "ingest/processes/worker.py": {"os._exit"},
    # httpcore's pool has no public way to replace the network of an existing one
    "ingest/servers/paced_network.py": {"_pool._network_backend"},
}


def own_classes() -> dict[str, list[str]]:
    """List the bases of each class, both as `module.name`; without exceptions, whose chains say what to catch."""
    classes = {}
    for file in FILES:
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        tree = ast.parse(file.read_text("utf-8"))
        imported = {
            name.asname or name.name: f"{node.module}.{name.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for name in node.names
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.endswith("Error"):
                bases = [base.value if isinstance(base, ast.Subscript) else base for base in node.bases]
                names = [base.id for base in bases if isinstance(base, ast.Name)]
                classes[f"{module}.{node.name}"] = [imported.get(name, f"{module}.{name}") for name in names]
    return classes


def test_inheritance_chains_are_short() -> None:
    classes = own_classes()

    def chain(name: str) -> int:
        return 1 + max((chain(base) for base in classes[name] if base in classes), default=0)

    assert {name: chain(name) for name in classes if chain(name) > LONGEST_CHAIN} == {}
    assert max(map(chain, classes)) == LONGEST_CHAIN, "nothing is derived: does this test see the classes?"


def test_no_class_relies_on_methods_of_its_subclasses() -> None:
    hooks = [
        f"{file.relative_to(PACKAGE)}:{node.lineno}"
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Raise) and "NotImplementedError" in ast.unparse(node)
    ]
    assert hooks == []


def test_private_members_are_used_by_their_own_class() -> None:
    found = {}
    for file in FILES:
        name = file.relative_to(PACKAGE).as_posix()
        if name.startswith("tui/terminal/"):
            # the only place for Textual's private names
            continue
        code = re.sub(r"^(?:from|import) .*$", "", file.read_text("utf-8"), flags=re.MULTILINE)
        used = {text for text in OTHERS_MEMBER.findall(code) if not NAMED_TUPLE.fullmatch(text)}
        used -= ALLOWED.get(name, set())
        if used:
            found[name] = sorted(used)
    assert found == {}
