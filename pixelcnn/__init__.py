"""Autoregressive image models that complete what a person began, one pixel at a time.

errors, patience                           sentences for people; work that may hang
orders, likelihoods, canvas, masks         vocabulary: sequences of pixels, distributions, pictures, what is known
pictures, pens, data                       digits and other pictures to learn from
where, layers, sweep                       what models share; every layer runs everywhere at once or here alone
models/, growth                            one model, one file, one paper; a wider one from a narrower
request, trace, forecast, batch, sampler   what is asked for, checked; how the unknown pixels are filled
posterior, sight, insight                  which digit it is, and where a model looks
engine, solo                               a whole class at once; one at a time where a GPU is lent
evaluate, hub, card, shelf                 nats; weights and their card; the models that one server shows
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
