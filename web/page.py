"""The page: layout, wiring, and the doors for programs. No tensor is touched here."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager

import gradio as gr

from pixelcnn import BadInput, Request, Trace
from pixelcnn.canvas import decode
from pixelcnn.engine import Engine
from pixelcnn.shelf import Shelf
from web import texts
from web.part import part
from web.player import message

# Every click names its request, so that the player takes messages of the last one alone.
SENT = """(drawing, ...rest) => {
    const run = Math.random().toString(36).slice(2);
    document.dispatchEvent(new CustomEvent("pixelcnn:sent", { detail: run }));
    return [{ ...drawing, run }, ...rest];
}"""
STOPPED = "() => { document.dispatchEvent(new CustomEvent('pixelcnn:stop')); }"


@contextmanager
def sentences() -> Iterator[None]:
    """BadInput as a message to whoever asked."""
    try:
        yield
    except BadInput as error:
        raise gr.Error(str(error), duration=10, print_exception=False) from None


class Doors:
    """What people and programs call. All of it goes through the same check and the same engine."""

    def __init__(self, engine: Engine):
        self.engine = engine

    async def frames(self, request: Request, entry: object) -> AsyncIterator[Trace]:
        """The traces of a request; whoever stops listening stops the computing."""
        await asyncio.to_thread(self.engine.models, entry)  # loads it, should it not be there yet
        async with aclosing(self.engine.submit(request, entry).frames()) as frames:
            async for trace in frames:
                yield trace

    async def page(
        self, drawing: object, entry: str, samples: int, temperature: float, seed: int, dice: bool, digit: int = -1
    ) -> AsyncIterator[tuple]:
        """The page's own event: messages for the player, and the seed that was used."""
        seed = secrets.randbelow(2**31) if dice else seed
        shown = gr.update(value=seed) if dice else gr.skip()
        with sentences():
            model = await asyncio.to_thread(self.engine.models, entry)
            ink, known = decode(drawing, model.config.height, model.config.width)
            async with aclosing(self.frames(Request(ink, known, samples, temperature, seed, digit), entry)) as frames:
                async for trace in frames:
                    yield message(drawing.get("run"), trace), shown
                    shown = gr.skip()

    async def stream(
        self,
        drawing: list[list[int]],
        known: list[list[int]],
        model: str = "",
        samples: int = 1,
        temperature: float = 1.0,
        seed: int = 0,
        digit: int = -1,
    ) -> AsyncIterator[dict]:
        """The answer of /complete again and again as it grows; it can be cancelled."""
        request = Request(drawing, known, samples, temperature, seed, digit)
        with sentences():
            async with aclosing(self.frames(request, model)) as frames:
                async for trace in frames:
                    yield trace.answer()

    async def complete(
        self,
        drawing: list[list[int]],
        known: list[list[int]],
        model: str = "",
        samples: int = 1,
        temperature: float = 1.0,
        seed: int = 0,
        digit: int = -1,
    ) -> dict:
        """Fill the unknown pixels: H x W ink in 0..255, H x W of 0/1 known; levels, probabilities and nats come back."""
        request = Request(drawing, known, samples, temperature, seed, digit)
        with sentences():
            async with aclosing(self.frames(request, model)) as frames:
                async for trace in frames:
                    last = trace
        return last.answer()


def build_page(shelf: Shelf, engine: Engine) -> gr.Blocks:
    """The page on the models of a shelf, which an engine runs."""
    doors, model = Doors(engine), shelf.model()
    size = {"width": model.config.width, "height": model.config.height, "levels": model.likelihood.levels}

    def entries() -> dict:
        """The picker as it should be now: weights may have come from the Hub since the page was built."""
        names = [(texts.MODELS.get(name, name), name) for name in shelf.names()]
        return gr.update(choices=names, value=shelf.default)

    with gr.Blocks(title=texts.TITLE, analytics_enabled=False) as page:
        gr.HTML(f"<h1>{texts.TITLE}</h1><p>{texts.LEAD}</p>", elem_id="title")
        with gr.Row(elem_id="desk"):
            with gr.Column(elem_id="hand"):
                easel = part("easel", texts=texts.EASEL, **size)
                with gr.Row():
                    go = gr.Button(texts.COMPLETE, variant="primary", size="lg", elem_id="complete", scale=3)
                    stop = gr.Button(texts.STOP, size="lg", elem_id="stop", scale=1)
            with gr.Column(elem_id="eye"):
                player = part("player", texts=texts.PLAYER, **size)
        with gr.Column(elem_id="settings"):
            count = gr.Radio([1, 4, 9, 16], value=1, label=texts.COUNT, elem_id="count")
            with gr.Accordion(texts.MORE, open=False, elem_id="more"):
                names = [(texts.MODELS.get(name, name), name) for name in shelf.names()]
                entry = gr.Dropdown(names, value=shelf.default, label=texts.MODEL, elem_id="model")
                digits = [(texts.ANY_DIGIT, -1), *((str(digit), digit) for digit in range(10))]
                digit = gr.Radio(digits, value=-1, label=texts.DIGIT, info=texts.DIGIT_INFO, elem_id="digit")
                temperature = gr.Slider(
                    0.1, 3, value=1, step=0.05, label=texts.TEMPERATURE, info=texts.TEMPERATURE_INFO, elem_id="temperature"
                )
                seed = gr.Number(0, label=texts.SEED, precision=0, minimum=0, elem_id="seed")
                dice = gr.Checkbox(True, label=texts.DICE, elem_id="dice")
            part("house", texts=texts.HOUSE)
        event = go.click(
            doors.page,
            [easel, entry, count, temperature, seed, dice, digit],
            [player, seed],
            js=SENT,
            preprocess=False,  # values come as they are, and Request says in a sentence what is wrong with them
            trigger_mode="multiple",  # a second click while the first is under way is a new request
            show_progress="hidden",
            api_visibility="private",
            concurrency_limit=None,  # the engine sees to that
        )
        if shelf.follows:
            page.load(entries, None, entry, api_visibility="private", show_progress="hidden")
        stop.click(None, js=STOPPED, cancels=[event], api_visibility="private")
        player.abandoned(None, cancels=[event], api_visibility="private")
        gr.api(doors.complete, api_name="complete", concurrency_limit=None)
        gr.api(doors.stream, api_name="stream", concurrency_limit=None)
    return page
