"""Autoregressive image models that complete a partial picture, one pixel at a time.

from pixelcnn import complete, load
result = complete(load(), drawing, known, samples=4, seed=7)
"""

from pixelcnn.errors import InputError, UnavailableError, WeightsError
from pixelcnn.hub import load
from pixelcnn.sampling.request import ClassChoice, Request
from pixelcnn.sampling.result import SamplingResult
from pixelcnn.sampling.sampler import complete, stream

__all__ = [
    "ClassChoice",
    "InputError",
    "Request",
    "SamplingResult",
    "UnavailableError",
    "WeightsError",
    "complete",
    "load",
    "stream",
]
