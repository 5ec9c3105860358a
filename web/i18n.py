"""Texts of the page by language and key, from web/locales/*.json, and translation of the server's errors and messages.

Patterns are a subset of ICU MessageFormat, which web/static/core/i18n.js implements too: `{name}` inserts a parameter;
`{count, plural, =0 {none} one {# pixel} other {# pixels}}` chooses by the parameter and inserts it for `#`. Options can
contain `{name}`. There is no escaping.

English errors and messages are templates where they are raised. Other languages have a pattern for each code under the key
`error.<code>` or `message.<code>`, with the same parameters.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from pixelcnn.errors import InputError, Message

TEXTS: dict[str, dict[str, str]] = {
    path.stem: json.loads(path.read_text("utf-8")) for path in sorted((Path(__file__).parent / "locales").glob("*.json"))
}

_OPTION = r"(=\d+|one|other) \{((?:[^{}]|\{\w+\})*)\}"
_ARGUMENT = re.compile(r"\{(\w+)(?:, plural, ((?:(?:=\d+|one|other) \{(?:[^{}]|\{\w+\})*\} ?)+))?\}")


def format_pattern(pattern: str, params: Mapping[str, object]) -> str:
    """The pattern with its parameters inserted; arguments without a parameter stay as they are."""

    def insert(argument: re.Match) -> str:
        name, plural = argument.groups()
        if name not in params:
            return argument[0]
        value = str(params[name])
        if plural is None:
            return value
        options = dict(re.findall(_OPTION, plural))
        category = f"={value}" if f"={value}" in options else "one" if value == "1" and "one" in options else "other"
        chosen: str = options[category]
        return format_pattern(chosen.replace("#", value), params)

    return _ARGUMENT.sub(insert, pattern)


def translate(message: InputError | Message, language: str) -> str:
    """An error or message in a language (a tag such as "ko-KR"); in English if there is no translation."""
    kind = "error" if isinstance(message, InputError) else "message"
    pattern = TEXTS.get(language[:2].lower(), {}).get(f"{kind}.{message.code}")
    return str(message) if pattern is None else format_pattern(pattern, message.params)
