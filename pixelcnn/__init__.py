"""Autoregressive image models that complete what a person began, one pixel at a time.

orders, likelihoods, canvas, data, masks   vocabulary: sequences of pixels, distributions, pictures, digits
layers                                     what models share; every layer runs everywhere at once or here alone
models/                                    one model, one file, one paper
request, trace, batch, sampler             what is asked for, checked; how the unknown pixels are filled
engine                                     a whole class at once
evaluate, hub, shelf                       nats; weights; the models that one server shows
"""

from pixelcnn.errors import BadInput, WeightsError
from pixelcnn.request import Request
from pixelcnn.sampler import complete, stream
from pixelcnn.trace import Trace

__all__ = ["BadInput", "Request", "Trace", "WeightsError", "complete", "load", "stream"]


def __getattr__(name: str):
    """`load`, when it is first asked for: a module that this one had imported could not be run with `python -m`."""
    if name != "load":
        raise AttributeError(f"module 'pixelcnn' has no attribute {name!r}")
    from pixelcnn.hub import load

    return load
