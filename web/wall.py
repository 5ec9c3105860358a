"""The class wall: completions that people chose to show to all. In memory only, and gone when the server stops.

Knows nothing of HTTP. It is used from one thread, the server's event loop, so it needs no lock; whoever looks asks again
and again for what is new, which costs a comparison of two words when nothing is.
"""

import hmac
import re
import secrets
import time
import unicodedata
from collections import Counter, deque
from collections.abc import Callable

from pixelcnn.errors import BadInput

MOST = 120  # pictures; the oldest go first
PER_MINUTE = 6  # pictures of one visitor
NAME_LENGTH = 20
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # of the key: none that look alike on a projector


class Forbidden(BadInput):
    """The wall is closed, or the teacher's key is another one."""


class TooMany(BadInput):
    """One visitor puts more than a wall for all can bear."""


class Wall:
    """Pictures, newest last, each with the version of the wall that it made."""

    def __init__(self, pixels: int, models: Callable[[], list[str]], clock: Callable[[], float] = time.monotonic):
        """pixels: of a picture; models: the entries that may have drawn one; clock: seconds."""
        self.key = "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(2))
        self.open = True
        self._pixels, self._models, self._clock = pixels, models, clock
        self._run = secrets.token_hex(4)  # lest a page that is still open mistakes this wall for that of an earlier server
        self._version = 0
        self._pictures: deque[dict] = deque(maxlen=MOST)
        self._recent: deque[tuple[float, str]] = deque()  # when who put one, over the last minute

    def put(self, data: object, visitor: str) -> None:
        """Hang up {"ink", "known", "model", "name"}, as the page sends it. Raises BadInput for anything else."""
        if not self.open:
            raise Forbidden("The wall is closed; ask your teacher to open it.")
        picture = self._checked(data)
        now = self._clock()
        while self._recent and self._recent[0][0] <= now - 60:
            self._recent.popleft()
        if Counter(who for _, who in self._recent)[visitor] >= PER_MINUTE:
            raise TooMany(f"{PER_MINUTE} pictures of yours are up within a minute; put the next one a little later.")
        self._recent.append((now, visitor))
        self._version += 1
        self._pictures.append({"number": self._version} | picture)

    def rule(self, data: object) -> None:
        """{"key", "act"}: with the teacher's key "clear", "close" or "open" the wall. Raises BadInput, Forbidden."""
        key, act = (data.get("key"), data.get("act")) if isinstance(data, dict) else (None, None)
        if not isinstance(key, str) or not hmac.compare_digest(key.strip().encode(errors="replace"), self.key.encode()):
            raise Forbidden("This is not the teacher's key; it was printed where the page was started.")
        if act not in ("clear", "close", "open"):
            raise BadInput(f"The wall cannot {str(act)[:20]!r}; expected clear, close or open.")
        if act == "clear":
            self._pictures.clear()
        else:
            self.open = act == "open"
        self._version += 1

    def news(self, since: str = "") -> dict | None:
        """What is new since a token that an earlier answer gave; None where nothing is.

        {"token", "open", "whole": whether the pictures are all there are, "oldest": those with smaller numbers have gone,
        "pictures": [{"number", "ink", "known", "model", "name"}, ...]}
        """
        token = f"{self._run}-{self._version}"
        if since == token:
            return None
        run, _, number = since.partition("-")
        seen = int(number) if run == self._run and re.fullmatch("[0-9]{1,9}", number) else 0
        return {
            "token": token,
            "open": self.open,
            "whole": seen == 0,
            "oldest": self._pictures[0]["number"] if self._pictures else self._version + 1,
            "pictures": [picture for picture in self._pictures if picture["number"] > seen],
        }

    def _checked(self, data: object) -> dict:
        """What came from a browser, every field of it. Raises BadInput."""
        data = data if isinstance(data, dict) else {}
        ink, known, model = data.get("ink"), data.get("known"), data.get("model")
        if not made_of("0123456789abcdef", ink, 2 * self._pixels):
            raise BadInput(f"The picture has no ink; expected {self._pixels} pixels of two hex digits each.")
        if not made_of("01", known, self._pixels) or "0" not in known:
            raise BadInput(f"The picture does not say what the model drew; expected {self._pixels} of 0 and 1, and a 0.")
        if not isinstance(model, str) or model not in self._models():
            raise BadInput(f"The picture is of no model that is shown here; expected one of {', '.join(self._models())}.")
        return {"ink": ink, "known": known, "model": model, "name": cleaned(data.get("name", ""))}


def made_of(letters: str, text: object, length: int) -> bool:
    return isinstance(text, str) and len(text) == length and set(text) <= set(letters)


def cleaned(name: object) -> str:
    """A name as it is shown: letters, signs and single spaces, nothing that is invisible or turns the line around."""
    if not isinstance(name, str) or len(name) > 10 * NAME_LENGTH:
        raise BadInput(f"The name cannot be shown; expected at most {NAME_LENGTH} characters, or none.")
    seen = "".join(letter if unicodedata.category(letter)[0] not in "CZ" else " " for letter in name)
    shown = unicodedata.normalize("NFC", " ".join(seen.split()))
    if len(shown) > NAME_LENGTH:
        raise BadInput(f"The name has {len(shown)} characters; expected at most {NAME_LENGTH}, or none.")
    return shown
