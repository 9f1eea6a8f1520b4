"""Calls of language models: model, tokens and messages, whatever convention records them.

Conventions: OpenTelemetry's `gen_ai.*` (messages as JSON, and in its former versions as numbered attributes),
OpenInference's `llm.*`, and the `ai.*` of Vercel's AI SDK.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracetui.model.span import Attributes, Event, Value
from tracetui.render.text.attributes import value_text
from tracetui.render.text.line import Role
from tracetui.render.text.safe_text import safe

MAX_MESSAGES = 500
_MAX_CHARACTERS = 4_000_000
"""Longest JSON text that is read."""
_PREFIXES = ("gen_ai.", "llm.", "ai.")

_MODELS = ("gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "ai.model.id")
_INPUT_TOKENS = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
    "llm.usage.prompt_tokens",
    "ai.usage.promptTokens",
)
_OUTPUT_TOKENS = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "llm.usage.completion_tokens",
    "ai.usage.completionTokens",
)
_CACHED_TOKENS = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "llm.token_count.prompt_details.cache_read",
)
_FINISHED = ("gen_ai.response.finish_reasons", "gen_ai.response.finish_reason", "ai.response.finishReason")
_DETAILS = "gen_ai.client.inference.operation.details"
"""Event with messages."""
_JSON_KEYS = {
    "gen_ai.system_instructions": "system",
    "gen_ai.input.messages": "user",
    "gen_ai.output.messages": "assistant",
    "ai.prompt.messages": "user",
    "ai.response.text": "assistant",
}
"""Attributes with messages, in order, and the role of those that name none."""
_NUMBERED = re.compile(
    r"(gen_ai\.prompt|llm\.prompts|llm\.input_messages|gen_ai\.completion|llm\.completions|llm\.output_messages)"
    r"\.([0-9]{1,4})\.(?:message\.)?(.+)"
)
_OUTPUTS = ("gen_ai.completion", "llm.completions", "llm.output_messages")


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """Message to or from a model; calls of tools are part of the text."""

    role: str
    text: str


def usage_words(attributes: Attributes) -> Iterator[tuple[str, str]]:
    """Yield the model and the numbers of tokens of a call, as (text, role); nothing for any other span."""
    if not _is_model_call(attributes):
        return
    model = _first(attributes, _MODELS)
    if isinstance(model, str) and model:
        yield f"model {safe(model, 60)}", Role.STRONG
    for keys, what in ((_INPUT_TOKENS, "input"), (_OUTPUT_TOKENS, "output"), (_CACHED_TOKENS, "cached input")):
        count = _first(attributes, keys)
        if isinstance(count, int) and not isinstance(count, bool):
            yield f"{count:,} {what} token{'' if count == 1 else 's'}", Role.PLAIN
    finished = _first(attributes, _FINISHED)
    reasons = ", ".join(map(value_text, finished)) if isinstance(finished, list) else finished
    if isinstance(reasons, str) and reasons:
        yield f"finish reason {safe(reasons, 60)}", Role.DIM


def chat_messages(attributes: Attributes, events: Sequence[Event]) -> tuple[list[ChatMessage], frozenset[str]]:
    """Read the messages of a call in order. -> at most `MAX_MESSAGES`, and the attributes that contain them"""
    if not _is_model_call(attributes):
        return [], frozenset()
    details = next((event.attributes for event in events if event.name == _DETAILS), {})
    found: list[ChatMessage] = []
    keys: set[str] = set()
    for key, role in _JSON_KEYS.items():
        read = _read(attributes.get(key, details.get(key)), role)
        if read:
            found += read
            keys.add(key)
    numbered = {key: match for key in attributes for match in [_NUMBERED.fullmatch(key)] if match}
    if not found and numbered:
        found = _numbered(attributes, numbered)
        keys = set(numbered)
    return found[:MAX_MESSAGES], frozenset(keys)


def _is_model_call(attributes: Attributes) -> bool:
    return any(key.startswith(_PREFIXES) for key in attributes)


def _first(attributes: Attributes, keys: Sequence[str]) -> Value:
    return next((attributes[key] for key in keys if key in attributes), None)


def _read(value: Value, role: str) -> list[ChatMessage]:
    """Read messages of an attribute: JSON as text or decoded, or plain text."""
    if isinstance(value, str):
        if len(value) > _MAX_CHARACTERS:
            return []
        try:
            content = json.loads(value) if value[:1] in ("[", "{") else value
        except (ValueError, RecursionError):
            return []
    else:
        content = value
    if isinstance(content, list) and any(isinstance(one, dict) and "role" in one for one in content):
        messages = [one for one in content[:MAX_MESSAGES] if isinstance(one, dict)]
    elif isinstance(content, dict) and "role" in content:
        messages = [content]
    else:
        text = _text(content)
        return [ChatMessage(role, text)] if text else []
    read = []
    for one in messages:
        text = "\n".join(filter(None, (_text(one.get(key)) for key in ("content", "parts", "tool_calls"))))
        read.append(ChatMessage(str(one.get("role") or role), text))
    return read


def _text(content: Any) -> str:
    """Return the text of a message's content: of all its parts, with calls and results of tools."""
    parts = content if isinstance(content, list) else [content]
    return "\n".join(filter(None, map(_part, parts[:MAX_MESSAGES])))


def _part(part: Any) -> str:
    if part is None or isinstance(part, str):
        return part or ""
    if not isinstance(part, dict):
        return value_text(part)
    for key in ("text", "content", "thinking"):
        if isinstance(part.get(key), str):
            return str(part[key])
    function = part.get("function")
    call = function if isinstance(function, dict) else part
    name = call.get("name") or call.get("toolName")
    if isinstance(name, str):
        arguments = next((call[key] for key in ("arguments", "args", "input") if call.get(key) is not None), "")
        return f"calls {name}({value_text(arguments)})"
    result = next((part[key] for key in ("response", "result", "output") if part.get(key) is not None), None)
    return value_text(part if result is None else result)


def _numbered(attributes: Attributes, keys: Mapping[str, re.Match[str]]) -> list[ChatMessage]:
    """Read messages whose fields are attributes of their own: `gen_ai.prompt.0.role`."""
    fields: dict[tuple[bool, int], dict[str, Value]] = {}
    for key, match in keys.items():
        fields.setdefault((match[1] in _OUTPUTS, int(match[2])), {})[match[3]] = attributes[key]
    found = []
    for (is_output, _), message in sorted(fields.items(), key=lambda item: item[0]):
        role = message.pop("role", None)
        content = message.pop("content", None)
        texts = [_text(content)] if content else []
        texts += [value_text(value) for name, value in message.items() if name.endswith("message_content.text")]
        texts += _numbered_calls(message)
        found.append(ChatMessage(str(role or ("assistant" if is_output else "user")), "\n".join(texts)))
    return found


def _numbered_calls(message: Mapping[str, Value]) -> list[str]:
    """Return the calls of tools of a message: `tool_calls.0.name`, `message.tool_calls.0.tool_call.function.name`."""
    calls: dict[str, list[Value]] = {}
    for name, value in message.items():
        head, _, rest = name.partition("tool_calls.")
        number, _, field = rest.partition(".")
        if head in ("", "message.") and field.endswith(("name", "arguments")):
            calls.setdefault(number, ["", ""])[field.endswith("arguments")] = value
    return [f"calls {value_text(name)}({value_text(arguments)})" for name, arguments in calls.values()]
