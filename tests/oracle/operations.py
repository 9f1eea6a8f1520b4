"""Operations by shape and templates of messages (sections 5 and 2).

Only the grouping counts: two texts have one shape if these functions return the same. All placeholders are `{id}`.

Interpretations where the definition leaves room:

- A raw path is a name that begins with a path, or with a method and a path.
- SQL in a name is shortened if it has a verb, a table, and a value (a number or a quoted text).
- "At a word's end": the last position in the run of letters and digits.
"""

from __future__ import annotations

import re
from typing import Any

Span = dict[str, Any]

UUID = r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
POD = r"(?<=-)[a-z0-9]{8,10}-[a-z0-9]{5}(?![a-z0-9])"
HASH = r"(?<=@)[0-9a-f]{5,}"
RUN = r"[A-Za-z0-9]+"
QUOTED = r"\"[^\"]*\"|'[^']*'"
MOMENT = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"
IP = r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?::\d+)?"
CODE = r"\b(?:HTTP|status|code|answered)[ :=]*\d{3}\b|\bSQLSTATE[ :=\[]*\w{5}|\bORA-\d+|\bexit (?:code |status )?\d+"
NO_IDS_AFTER = ("step", "phase", "v", "sha", "utf", "level", "part")


def is_id(run: str) -> bool:
    """Test whether a run of letters and digits is an id; a ULID is one of 20 or more."""
    digits = sum(c.isdigit() for c in run)
    if len(run) >= 8 and re.fullmatch(r"[0-9A-Fa-f]+", run) and digits >= 2 and digits < len(run):
        return True
    if len(run) >= 20 and digits >= 2:
        return True
    return len(run) >= 8 and len(re.findall(r"\d+", run)) >= 2 and not run[-1].isdigit()


def operation(span: Span) -> str:
    """Return the operation by which spans are grouped."""
    name, route = span["name"], span["attrs"].get("http.route")
    method_and_path = re.fullmatch(r"([A-Z]+ )?(/\S*)", name)
    if route and method_and_path:
        return str((method_and_path[1] or "") + route)
    sql = re.match(r"(?i)(SELECT|DELETE)\b.*?\bFROM (\w+)|(INSERT) INTO (\w+)|(UPDATE) (\w+) SET", name)
    if sql and re.search(r"\d|'", name):
        return " ".join(part for part in sql.groups() if part)
    return shape(name)


def shape(name: str) -> str:
    def replaced(match: re.Match[str]) -> str:
        run = match[0]
        if not match["run"]:
            return "{id}"
        if not run.isdigit():
            return "{id}" if is_id(run) else run
        before, after = name[: match.start()], name[match.end() :]
        if before.endswith((":", "=")) or (before.endswith("/") and after[:1] in ("", "/", "?")):
            return "{id}"
        if before.endswith(("_", "-")) and len(run) >= 3:
            word = re.search(r"[A-Za-z]*$", before[:-1])
            return run if word and word[0].lower() in NO_IDS_AFTER else "{id}"
        return "{id}" if is_id(run) else run

    return re.sub(f"{UUID}|{POD}|{HASH}|(?P<run>{RUN})", replaced, name)


def template(message: str) -> str:
    """Replace ids of a message by placeholders."""

    def replaced(match: re.Match[str]) -> str:
        text = match[0]
        if match["code"]:
            return text
        if not match["run"] or is_id(text):
            return "{id}"
        return re.sub(r"\d+", "{id}", text)

    text = re.sub(f"(?P<code>{CODE})|{QUOTED}|{MOMENT}|{UUID}|{IP}|{POD}|{HASH}|(?P<run>{RUN})", replaced, message)
    text = re.sub(r"\{id\}(?:, ?\{id\})+", "{id}", text)
    return " ".join(text.split())
