"""The page: layout, wiring, launch. `python app.py --help` explains itself; no tensor is touched here."""

import argparse
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import gradio as gr

from pixelcnn import BadInput, Request, Trace, stream
from pixelcnn.canvas import decode
from pixelcnn.hub import Shelf
from web import texts
from web.part import part
from web.player import message

MESSAGE_EVERY_S = 0.1
AT_ONCE = 2  # requests computed side by side; each takes some 30 ms, so the queue is short even for a class
QUEUE = 100  # requests that may wait; the next is told to try again


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

    def page(self, drawing: dict, entry: str, samples: int, temperature: float, seed: int, dice: bool) -> Iterator[tuple]:
        """The page's own event: messages for the player, and the seed that was used."""
        run, seed = secrets.token_hex(4), secrets.randbelow(2**31) if dice else seed

        def steps() -> Iterator[tuple]:
            model = self.shelf.model(entry)
            ink, known = decode(drawing, model.config.height, model.config.width)
            for trace in paced(stream(model, Request(ink, known, samples, temperature, seed))):
                yield message(run, trace), seed

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
    doors = Doors(shelf)
    with gr.Blocks(title=texts.TITLE, analytics_enabled=False) as page:
        gr.HTML(f"<h1>{texts.TITLE}</h1><p>{texts.LEAD}</p>", elem_id="title")
        with gr.Row(elem_id="desk"):
            with gr.Column(elem_id="hand"):
                easel = part("easel", width=28, height=28, levels=2, texts=texts.EASEL)
                with gr.Row():
                    go = gr.Button(texts.COMPLETE, variant="primary", size="lg", elem_id="complete", scale=3)
                    stop = gr.Button(texts.STOP, size="lg", elem_id="stop", scale=1)
            with gr.Column(elem_id="eye"):
                player = part("player", width=28, height=28, levels=2, texts=texts.PLAYER)
        with gr.Column(elem_id="settings"):
            count = gr.Radio([1, 4, 9, 16], value=1, label=texts.COUNT, elem_id="count")
            with gr.Accordion(texts.MORE, open=False, elem_id="more"):
                names = [(texts.MODELS.get(name, name), name) for name in shelf.names()]
                entry = gr.Dropdown(names, value=shelf.default, label=texts.MODEL, elem_id="model")
                temperature = gr.Slider(0.1, 3, value=1, step=0.05, label=texts.TEMPERATURE, info=texts.TEMPERATURE_INFO)
                seed = gr.Number(0, label=texts.SEED, precision=0, minimum=0, elem_id="seed")
                dice = gr.Checkbox(True, label=texts.DICE, elem_id="dice")
            gr.Markdown(texts.ABOUT.format(device=shelf.device_name()), elem_id="about")
        sent = "(...all) => { document.dispatchEvent(new CustomEvent('pixelcnn:sent', {detail: all[0]})); return all; }"
        options = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": AT_ONCE}
        event = go.click(
            doors.page,
            [easel, entry, count, temperature, seed, dice],
            [player, seed],
            js=sent,
            concurrency_id="model",
            **options,
        )
        stop.click(None, js="() => { document.dispatchEvent(new CustomEvent('pixelcnn:stop')); }", cancels=[event])
        gr.api(doors.complete, api_name="complete", concurrency_id="model", concurrency_limit=AT_ONCE)
        gr.api(doors.stream, api_name="stream", concurrency_id="model", concurrency_limit=AT_ONCE)
    return page.queue(max_size=QUEUE)


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Draw the top of a digit in a web page; a PixelCNN fills in the rest, one pixel at a time.",
        epilog="Host and port come from GRADIO_SERVER_NAME and GRADIO_SERVER_PORT; "
        "without them it is this machine alone and port 7860, or the next that is free.",
    )
    parser.add_argument(
        "--device", default="auto", choices=("auto", "cpu", "cuda"), help="auto takes CUDA where there is one"
    )
    parser.add_argument(
        "--weights", default="", help="an entry of weights/manifest.json or a .safetensors file to begin with"
    )
    return parser.parse_args(argv)


def port() -> int | None:
    """The port that was asked for, which is then had or refused; None lets Gradio look for a free one."""
    asked = os.environ.get("GRADIO_SERVER_PORT")
    return int(asked) if asked else None


def main(argv: list[str] | None = None) -> None:
    options = parse(argv)
    try:
        page = build_page(Shelf(options.weights, options.device))
        page.launch(
            theme=gr.themes.Soft(primary_hue="orange", neutral_hue="slate"),
            css_paths=[Path(__file__).parent / "web" / "page.css"],
            server_port=port(),
            ssr_mode=False,
            run_history=False,
            footer_links=["api"],
        )
    except (BadInput, OSError) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
