"""Autoregressive image models that complete what a person began, one pixel at a time.

orders, likelihoods, canvas, data   vocabulary: sequences of pixels, distributions, pictures, digits
layers                              what models share; every layer runs everywhere at once or here alone
models/                             one model, one file, one paper
request, trace, batch, sampler      what is asked for, checked; how the unknown pixels are filled
evaluate, hub                       nats; weights
"""

from pixelcnn.errors import BadInput, WeightsError
from pixelcnn.hub import load
from pixelcnn.request import Request
from pixelcnn.sampler import complete, stream
from pixelcnn.trace import Trace

__all__ = ["BadInput", "Request", "Trace", "WeightsError", "complete", "load", "stream"]
