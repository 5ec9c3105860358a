"""The class wall: completions that visitors chose to show to the class. Kept in memory only; independent of HTTP.

It is used from one thread, the server's event loop, so it needs no lock. Browsers poll it; polling without news costs one
string comparison.
"""

import hmac
import re
import secrets
import time
import unicodedata
from collections import Counter, deque
from collections.abc import Callable
from typing import TypeGuard

import numpy as np

from pixelcnn.errors import InputError
from web.errors import ForbiddenError, RateLimitError

MAX_PICTURES = 120  # then each new picture replaces the oldest
MAX_PER_MINUTE = 6  # pictures of one visitor
MAX_NAME_LENGTH = 20
KEY_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without letters and digits that look alike on a projector
ACTIONS = ("clear", "close", "open")


class Wall:
    """Pictures, newest last, each numbered by the version of the wall that it created."""

    def __init__(self, pixels: int, models: Callable[[], list[str]], clock: Callable[[], float] = time.monotonic):
        """pixels: of a picture; models: returns the entries that pictures can be from; clock: seconds."""
        self.key = "-".join("".join(secrets.choice(KEY_LETTERS) for _ in range(4)) for _ in range(2))
        self.open = True
        self._pixels, self._models, self._clock = pixels, models, clock
        self._run = secrets.token_hex(4)  # so that an open page does not take this wall for that of an earlier server
        self._version = 0
        self._pictures: deque[dict] = deque(maxlen=MAX_PICTURES)
        self._for_training: set[int] = set()  # numbers of the pictures whose visitors agreed to that
        self._recent: deque[tuple[float, str]] = deque()  # time and visitor of the pictures of the last minute

    def add(self, data: object, visitor: str) -> None:
        """Show a picture, {"ink", "known", "model", "name", "learn"}. Raises InputError, ForbiddenError, RateLimitError.

        "learn": true if the visitor agreed that networks are trained on the picture.
        """
        if not self.open:
            raise ForbiddenError("wall_closed", "The wall is closed. Ask your teacher to open it.")
        picture = self._validate(data)
        now = self._clock()
        while self._recent and self._recent[0][0] <= now - 60:
            self._recent.popleft()
        if Counter(recent_visitor for _, recent_visitor in self._recent)[visitor] >= MAX_PER_MINUTE:
            raise RateLimitError(
                "wall_rate_limit",
                "You have put {count} pictures on the wall within a minute. Wait a little before the next one.",
                count=MAX_PER_MINUTE,
            )
        self._recent.append((now, visitor))
        self._version += 1
        self._pictures.append({"number": self._version} | picture)
        if isinstance(data, dict) and data.get("learn") is True:
            self._for_training.add(self._version)

    def training_pictures(self) -> np.ndarray:
        """The ink, uint8 (N, pixels), of the pictures on the wall whose visitors agreed to training."""
        rows = [bytes.fromhex(each["ink"]) for each in self._pictures if each["number"] in self._for_training]
        return np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), self._pixels)

    def moderate(self, data: object) -> None:
        """Carry out the teacher's {"key", "action"}, action one of ACTIONS. Raises ForbiddenError, InputError."""
        key, action = (data.get("key"), data.get("action")) if isinstance(data, dict) else (None, None)
        if not isinstance(key, str) or not hmac.compare_digest(key.strip().encode(errors="replace"), self.key.encode()):
            raise ForbiddenError(
                "wrong_teacher_key", "This is not the teacher's key. The server printed the key when it started."
            )
        if action not in ACTIONS:
            raise InputError(
                "unknown_wall_action",
                "The wall has no action {action}. Use one of {actions}.",
                action=repr(str(action)[:20]),
                actions=", ".join(ACTIONS),
            )
        if action == "clear":
            self._pictures.clear()
        else:
            self.open = action == "open"
        self._version += 1

    def changes_since(self, token: str = "") -> dict | None:
        """What changed since an earlier answer with this token; None if nothing did.

        {"token", "open", "complete_list": whether "pictures" has all pictures of the wall, "oldest": pictures with smaller
        numbers are gone, "pictures": [{"number", "ink", "known", "model", "name"}, ...]}
        """
        current = f"{self._run}-{self._version}"
        if token == current:
            return None
        run, _, number = token.partition("-")
        seen = int(number) if run == self._run and re.fullmatch("[0-9]{1,9}", number) else 0
        return {
            "token": current,
            "open": self.open,
            "complete_list": seen == 0,
            "oldest": self._pictures[0]["number"] if self._pictures else self._version + 1,
            "pictures": [picture for picture in self._pictures if picture["number"] > seen],
        }

    def _validate(self, data: object) -> dict:
        """A picture from a browser with every field checked. Raises InputError."""
        fields: dict[str, object] = data if isinstance(data, dict) else {}
        ink, known, model = fields.get("ink"), fields.get("known"), fields.get("model")
        if not consists_of(ink, "0123456789abcdef", 2 * self._pixels):
            raise InputError(
                "wall_ink_invalid",
                "The picture's ink is invalid; expected two hex digits for each of {pixels} pixels. "
                "Reload the page and try again.",
                pixels=self._pixels,
            )
        if not consists_of(known, "01", self._pixels) or "0" not in known:
            raise InputError(
                "wall_known_invalid",
                "The picture's known pixels are invalid; expected 0 or 1 for each of {pixels} pixels, at least one of them "
                "0. Reload the page and try again.",
                pixels=self._pixels,
            )
        if not isinstance(model, str) or model not in self._models():
            raise InputError(
                "wall_model_unknown",
                "The picture is not from a model of this server. Use one of {names}.",
                names=", ".join(self._models()),
            )
        return {"ink": ink, "known": known, "model": model, "name": clean_name(fields.get("name", ""))}


def consists_of(text: object, characters: str, length: int) -> TypeGuard[str]:
    return isinstance(text, str) and len(text) == length and set(text) <= set(characters)


def clean_name(name: object) -> str:
    """A visitor's name for display: single spaces, no invisible or direction-changing characters. Raises InputError."""
    if not isinstance(name, str) or len(name) > 10 * MAX_NAME_LENGTH:
        raise InputError(
            "wall_name_invalid",
            "The name cannot be shown. Give at most {maximum} characters, or none.",
            maximum=MAX_NAME_LENGTH,
        )
    visible = "".join(letter if unicodedata.category(letter)[0] not in "CZ" else " " for letter in name)
    cleaned = unicodedata.normalize("NFC", " ".join(visible.split()))
    if len(cleaned) > MAX_NAME_LENGTH:
        raise InputError(
            "wall_name_too_long",
            "The name has {count} characters. Give at most {maximum}, or none.",
            count=len(cleaned),
            maximum=MAX_NAME_LENGTH,
        )
    return cleaned
