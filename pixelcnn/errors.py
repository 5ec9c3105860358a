"""Errors that are sentences for people: what was given, what was expected, what to do next.

BadInput (ValueError)     something asked for cannot be done as asked
├── WeightsError          weights are missing, damaged, or not what they should be
└── Unavailable           it cannot be done now: the house is full, the server stops, the model failed
"""


class BadInput(ValueError):
    """What a person or a program asked for cannot be done; the message says why and what would work."""


class WeightsError(BadInput):
    """Weights that cannot be used; the message says which file and what to do."""


class Unavailable(BadInput):
    """What was asked for is fine but cannot be done now; the message says why and when to try again."""
