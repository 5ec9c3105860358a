"""The page: what Gradio shows, its events, and the doors for programs. No tensor is touched here."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

import gradio as gr

from pixelcnn import BadInput, Request, Trace
from pixelcnn.engine import Engine
from pixelcnn.shelf import Shelf
from web.refusals import in_language
from web.texts import WORDS, words
from web.wire import message, question, refusal, request_of

WEB = Path(__file__).parent

# Gradio runs this once; everything else is in modules, served beside the page.
LOADER = """
import(new URL("parts/page.js", document.baseURI)).then((page) => page.start(element, props, trigger, watch));
// what trigger may say: "ask", "halt"
"""


def theme() -> gr.themes.Base:
    """Colours and letters of what is Gradio's; the page's own are in web/css."""
    # Soft's own letters, Montserrat, are in Gradio's files a cut of it with odd capitals, and bold ones of another.
    letters = gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700))
    return gr.themes.Soft(primary_hue="orange", neutral_hue="slate", font=[letters, "ui-sans-serif", "system-ui"])


@contextmanager
def sentences(language: object = "") -> Iterator[None]:
    """BadInput as a message to whoever asked, in their language."""
    try:
        yield
    except BadInput as error:
        raise gr.Error(in_language(str(error), language), duration=7, print_exception=False) from None


async def together(streams: list[AsyncIterator[Trace]]) -> AsyncIterator[list[Trace | None]]:
    """The newest trace of each of several completions, whenever one of them has news; None where there is none yet."""
    latest: list[Trace | None] = [None] * len(streams)
    waiting = {asyncio.ensure_future(anext(stream)): place for place, stream in enumerate(streams)}
    try:
        while waiting:
            news, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in news:
                place = waiting.pop(task)
                try:
                    latest[place] = task.result()
                except StopAsyncIteration:
                    continue
                waiting[asyncio.ensure_future(anext(streams[place]))] = place
            if any(latest):
                yield latest
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        for stream in streams:
            await stream.aclose()


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

    async def page(self, event: gr.EventData) -> AsyncIterator[dict]:
        """The page's own event: a question of one part or several, answered side by side in messages for the player."""
        run = ""
        with sentences(event._data.get("language") if isinstance(event._data, dict) else ""):
            try:
                run, parts = question(event._data)
                began, waited = time.perf_counter(), [0.0] * len(parts)
                async with aclosing(together([self.part(part) for part in parts])) as answers:
                    async for traces in answers:
                        for place, trace in enumerate(traces):
                            if trace is not None and (waited[place] == 0 or not trace.finished):
                                waited[place] = 1000 * (time.perf_counter() - began)
                        yield message(run, traces, waited)
            except BadInput:
                yield refusal(run)
                raise

    async def part(self, part: dict) -> AsyncIterator[Trace]:
        """The traces of one part of a question."""
        model = await asyncio.to_thread(self.engine.models, part.get("model"))
        request = request_of(part, model.config.height, model.config.width)
        async with aclosing(self.frames(request, part.get("model"))) as frames:
            async for trace in frames:
                yield trace

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


def build_page(shelf: Shelf, engine: Engine, lan: bool = False) -> gr.Blocks:
    """The page on the models of a shelf, which an engine runs; lan: whether a class may join, which has a panel then."""
    doors, model = Doors(engine), shelf.model()
    size = {"width": model.config.width, "height": model.config.height}
    with gr.Blocks(title=WORDS["title"][0], analytics_enabled=False) as page:
        desk = gr.HTML(
            html_template=(WEB / "page.html").read_text("utf-8"),  # fixed, so that news never touch what is drawn
            js_on_load=LOADER,
            apply_default_css=False,
            elem_id="desk",
            words=words(),
            facts=shelf.facts(),
            lan=lan,
            **size,
        )
        asked = desk.ask(
            doors.page,
            None,
            [desk],
            trigger_mode="multiple",  # a second question while the first is under way is a new request
            show_progress="hidden",
            api_visibility="private",
            concurrency_limit=None,  # the engine sees to that
        )
        desk.halt(None, cancels=[asked], api_visibility="private")
        gr.api(doors.complete, api_name="complete", concurrency_limit=None)
        gr.api(doors.stream, api_name="stream", concurrency_limit=None)
    return page
