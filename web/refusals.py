"""What the server refuses or tells of itself, said in the language that the page speaks."""

import json
import re
from collections.abc import Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse

from web.texts import OF_SERVER


def in_language(sentence: str, language: object) -> str:
    """A sentence of the server in a language, as browsers name them; as it is where there are no words for it."""
    if isinstance(language, str) and language[:2] == "ko":
        for english, korean in OF_SERVER.items():
            pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(english))
            if found := re.fullmatch(pattern, sentence):
                return korean.format(**found.groupdict())
    return sentence


def language_of(headers: Mapping[str, str]) -> str:
    """What the page asks in: it says so where a browser would say what its user prefers."""
    return headers.get("accept-language", "")


def refuse(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A sentence instead of an answer; with the headers of the request, in its language."""
    said = in_language(sentence, language_of(headers or {}))
    return JSONResponse({"detail": said, "error": said}, status)


async def json_of(request: Request) -> object:
    """The JSON that came; None where it is none, which no address takes, or whoever sent it has gone."""
    try:
        return json.loads(await request.body())
    except (ValueError, RecursionError, ClientDisconnect):
        return None
