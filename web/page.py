"""The page: layout, wiring, and the doors for programs. No tensor is touched here."""

import secrets
import time
from collections.abc import Iterator

import gradio as gr

from pixelcnn import BadInput, Request, Trace, stream
from pixelcnn.canvas import decode
from pixelcnn.shelf import Shelf
from web import texts
from web.part import part
from web.player import message

MESSAGE_EVERY_S = 0.1
AT_ONCE = 2  # requests computed side by side; each takes some 30 ms, so the queue is short even for a class
QUEUE = 100  # requests that may wait; the next is told to try again
# Every click names its request, so that the player takes messages of the last one alone.
SENT = """(drawing, ...rest) => {
    const run = Math.random().toString(36).slice(2);
    document.dispatchEvent(new CustomEvent("pixelcnn:sent", { detail: run }));
    return [{ ...drawing, run }, ...rest];
}"""
STOPPED = "() => { document.dispatchEvent(new CustomEvent('pixelcnn:stop')); }"


def sentences(steps: Iterator) -> Iterator:
    """The same steps, with BadInput as a message to whoever asked."""
    try:
        yield from steps
    except BadInput as error:
        raise gr.Error(str(error), duration=10, print_exception=False) from None


def paced(traces: Iterator[Trace]) -> Iterator[Trace]:
    """A growing trace about ten times a second: the first step at once, and always the last."""
    told = 0.0
    for trace in traces:
        if trace.finished or time.monotonic() - told >= MESSAGE_EVERY_S:
            yield trace
            told = time.monotonic()


class Doors:
    """What people and programs call. All of it goes through the same check and the same sampler."""

    def __init__(self, shelf: Shelf):
        self.shelf = shelf

    def page(self, drawing: object, entry: str, samples: int, temperature: float, seed: int, dice: bool) -> Iterator[tuple]:
        """The page's own event: messages for the player, and the seed that was used."""
        seed = secrets.randbelow(2**31) if dice else seed
        shown = gr.update(value=seed) if dice else gr.skip()

        def steps() -> Iterator[tuple]:
            model = self.shelf.model(entry)
            ink, known = decode(drawing, model.config.height, model.config.width)
            request = Request(ink, known, samples, temperature, seed)
            for number, trace in enumerate(paced(stream(model, request))):
                yield message(drawing.get("run"), trace), gr.skip() if number else shown

        yield from sentences(steps())

    def stream(
        self,
        drawing: list[list[int]],
        known: list[list[int]],
        model: str = "",
        samples: int = 1,
        temperature: float = 1.0,
        seed: int = 0,
        digit: int = -1,
    ) -> Iterator[dict]:
        """The answer of /complete again and again as it grows; it can be cancelled."""

        def steps() -> Iterator[dict]:
            request = Request(drawing, known, samples, temperature, seed, digit)
            for trace in paced(stream(self.shelf.model(model), request)):
                yield trace.answer()

        yield from sentences(steps())

    def complete(
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
        *_, answer = self.stream(drawing, known, model, samples, temperature, seed, digit)
        return answer


def build_page(shelf: Shelf) -> gr.Blocks:
    """The page on the models of a shelf."""
    doors, model = Doors(shelf), shelf.model()
    size = {"width": model.config.width, "height": model.config.height, "levels": model.likelihood.levels}
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
                temperature = gr.Slider(
                    0.1, 3, value=1, step=0.05, label=texts.TEMPERATURE, info=texts.TEMPERATURE_INFO, elem_id="temperature"
                )
                seed = gr.Number(0, label=texts.SEED, precision=0, minimum=0, elem_id="seed")
                dice = gr.Checkbox(True, label=texts.DICE, elem_id="dice")
            gr.Markdown(texts.ABOUT.format(device=shelf.device_name()), elem_id="about")
        event = go.click(
            doors.page,
            [easel, entry, count, temperature, seed, dice],
            [player, seed],
            js=SENT,
            preprocess=False,  # values come as they are, and Request says in a sentence what is wrong with them
            trigger_mode="multiple",  # a second click while the first is under way is a new request
            show_progress="hidden",
            api_visibility="private",
            concurrency_limit=AT_ONCE,
            concurrency_id="model",
        )
        stop.click(None, js=STOPPED, cancels=[event], api_visibility="private")
        player.abandoned(None, cancels=[event], api_visibility="private")
        gr.api(doors.complete, api_name="complete", concurrency_id="model", concurrency_limit=AT_ONCE)
        gr.api(doors.stream, api_name="stream", concurrency_id="model", concurrency_limit=AT_ONCE)
    return page.queue(max_size=QUEUE)
