"""The API endpoint /exhibit: pictures completed by an exhibit, frame by frame."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from pixelcnn.exhibits import Frame
from pixelcnn.serving.exhibit_queue import ExhibitQueue
from web.handlers import api_errors
from web.protocol import decode_entry

Endpoint = Callable[..., AsyncGenerator[dict, None]]


def exhibit_endpoint(queue: ExhibitQueue) -> Endpoint:
    """The function behind /exhibit. Gradio reads its parameters and its documentation."""

    async def exhibit(
        drawing: list[list[int]], known: list[list[int]], model: str = "dcgan", samples: int = 1, seed: int = 0
    ) -> AsyncGenerator[dict, None]:
        """Complete a picture with an exhibit, a model without a likelihood, and yield the pictures as they improve.

        drawing: H x W ink in 0..255; known: H x W of 0 and 1; model: dcgan or pix2pix. Can be cancelled.
        """
        with api_errors():
            entry = decode_entry(model)
            async with aclosing(queue.frames(entry, drawing, known, samples, seed)) as frames:
                async for frame in frames:
                    yield encode_frame(entry, int(seed), frame)

    return exhibit


def encode_frame(entry: str, seed: int, frame: Frame) -> dict:
    """A frame as JSON. captions are English; caption_messages have the code and params of each, for translation."""
    return {
        "model": entry,
        "seed": seed,
        "step": frame.step,
        "steps": frame.steps,
        "images": frame.images.tolist(),
        "captions": [str(caption) for caption in frame.captions],
        "caption_messages": [{"code": caption.code, "params": caption.params} for caption in frame.captions],
    }
