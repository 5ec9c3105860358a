"""Errors with a code and parameters, so that programs can test for them and pages can translate them.

InputError (ValueError)      a request cannot be carried out as given
├── WeightsError             weights are missing, damaged, or of the wrong kind
└── UnavailableError         the request is valid but cannot be carried out now: the server is busy, stopping, or failed

A message says what was given, what was expected and what to do next. It is written where the error is raised; a
translation is a message for the same code with the same parameters. docs/api.md lists the codes.
"""

from dataclasses import dataclass, field
from numbers import Number
from typing import Self, TypeVar

E = TypeVar("E", bound="InputError")


@dataclass(frozen=True)
class Message:
    """A sentence about the state of the server, with a code and parameters like an error."""

    code: str
    text: str  # English, with {name} for each parameter
    params: dict[str, str | int | float] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text.format(**self.params)


class InputError(ValueError):
    """A request that cannot be carried out.

    code: a stable identifier, such as "samples_out_of_range".
    message: English, with {name} for each parameter.
    params: the values of the parameters, strings or numbers.
    """

    def __init__(self, code: str, message: str, **params: object):
        super().__init__(message.format(**params))
        self.code = code
        self.message = message
        self.params = params

    def with_params(self, **params: object) -> Self:
        """The same error with other values of some parameters."""
        return _rebuild(type(self), self.code, self.message, self.params | params)

    def __reduce__(self):  # without it, pickle passes the formatted sentence as the code
        return _rebuild, (type(self), self.code, self.message, self.params)


class WeightsError(InputError):
    """Weights that cannot be used; the message names the file and says what to do."""


class UnavailableError(InputError):
    """A valid request that cannot be carried out now; the message says why and when to try again."""


def _rebuild(kind: type[E], code: str, message: str, params: dict) -> E:
    return kind(code, message, **params)


def describe(value: object) -> str:
    """A value in at most 40 characters, for a message."""
    if isinstance(value, int) and abs(value) > 10**20:
        return "a number above 10^20" if value > 0 else "a number below -10^20"
    if isinstance(value, str | Number | None):
        text = repr(value[:40] if isinstance(value, str) else value)
        return text if len(text) <= 40 else text[:37] + "..."
    return f"of type {type(value).__name__}"
