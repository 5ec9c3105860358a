"""What the page and programs call: the page's completion event, and the API endpoints /complete and /stream.

All three validate the same request type and use the same backend. They yield what the backend publishes and cancel the
completion when the caller stops listening.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager

import gradio as gr

from pixelcnn import InputError, Request, SamplingResult
from pixelcnn.serving.backend import Backend
from pixelcnn.serving.completion import Completion
from web.i18n import translate
from web.protocol import decode_entry, decode_parts, decode_request, decode_run, encode_rejection, encode_results

# The newest result of each part of a page message, and when it came, in milliseconds since the start.
Latest = tuple[list[SamplingResult | None], list[float]]


@contextmanager
def page_errors(language: str) -> Iterator[None]:
    """Turns InputError into an error of Gradio's event, which the page does not show: it has the reason in a message."""
    try:
        yield
    except InputError as error:
        message = translate(error, language)
        raise gr.Error(message, title=error.code, visible=False, print_exception=False) from None


@contextmanager
def api_errors() -> Iterator[None]:
    """Turns InputError into the API's error: the English sentence, with the error's code as the title.

    gradio_client raises AppError with both; over plain HTTP they are the fields "error" and "title".
    """
    try:
        yield
    except InputError as error:
        raise gr.Error(str(error), title=error.code, print_exception=False) from None


def payload_field(event: gr.EventData, name: str) -> object:
    """A field of the payload that came with an event; None if there is none. The payload can be any JSON."""
    try:
        return getattr(event, name)
    except (AttributeError, TypeError):  # the payload has no such field, or is not an object
        return None


class PageRun:
    """One completion event of the page, which can be cancelled before, while and after its completions are submitted."""

    def __init__(self, name: str):
        self.name = name  # the page's identifier of the run
        self.completions: list[Completion] = []
        self.cancelled = False

    def add(self, completion: Completion) -> None:
        self.completions.append(completion)
        if self.cancelled:
            completion.cancel()

    def cancel(self) -> None:
        self.cancelled = True
        for completion in self.completions:
            completion.cancel()


class Handlers:
    """Completions on one backend."""

    def __init__(self, backend: Backend):
        self.backend = backend
        self.runs: dict[str, PageRun] = {}  # by Gradio's session hash, one for each open page: the newest run in progress

    async def submit(self, request: Request, model: object) -> Completion:
        """Start a completion. Loads the model first if necessary, in a thread. Raises InputError."""
        entry = decode_entry(model)
        await asyncio.to_thread(self.backend.models, entry)
        return self.backend.submit(request, entry)

    async def submit_part(self, part: dict) -> Completion:
        """Start a completion of one part of a page message. Raises InputError."""
        entry = decode_entry(part.get("model"))
        model = await asyncio.to_thread(self.backend.models, entry)
        return self.backend.submit(decode_request(part, model.config.height, model.config.width), entry)

    async def page(self, event: gr.EventData, request: gr.Request) -> AsyncGenerator[dict, None]:
        """The page's completion event. Its payload has one part or several, which are completed at the same time.

        It replaces an earlier event of the same open page, whose completions are cancelled. Yields cumulative messages for
        the player (`encode_results`). If the request is invalid, the last message says that nothing else follows, and
        gr.Error carries the reason.
        """
        language, name = payload_field(event, "language"), decode_run(payload_field(event, "run"))
        with page_errors(language if isinstance(language, str) else ""), self.newest_run(request, name) as run:
            try:
                parts = decode_parts(payload_field(event, "parts"))
                async with aclosing(self.latest_results(parts, run)) as updates:
                    async for results, elapsed_ms in updates:
                        yield encode_results(name, results, elapsed_ms)
            except InputError as error:
                if run.cancelled:  # the visitor did that, so there is nothing to say
                    return
                yield encode_rejection(name, error)
                raise

    def cancel(self, event: gr.EventData, request: gr.Request) -> None:
        """The page's cancel event: stop the run that its payload names, if it is still in progress.

        Gradio's `cancels` would not do: it knows an event only once its request was answered, and then stops whatever the
        page has in progress, the next run included.
        """
        run = self.runs.get(request.session_hash or "")
        if run and run.name == decode_run(payload_field(event, "run")):
            run.cancel()

    @contextmanager
    def newest_run(self, request: gr.Request, name: str) -> Iterator[PageRun]:
        """A run that takes the place of the one that its page has in progress."""
        session = request.session_hash or ""
        if session in self.runs:
            self.runs[session].cancel()
        run = self.runs[session] = PageRun(name)
        try:
            yield run
        finally:
            if self.runs.get(session) is run:
                del self.runs[session]

    async def latest_results(self, parts: list[dict], run: PageRun) -> AsyncGenerator[Latest, None]:
        """Complete the parts of a page message at the same time. The result of a part is None before its first.

        Yields whenever a part has a new result. Closing the generator cancels all parts, and so does an error in one.
        """
        started = time.perf_counter()
        results: list[SamplingResult | None] = [None] * len(parts)
        elapsed_ms = [0.0] * len(parts)
        # Bounded: a completion whose results are not taken is not read either, and so reaches its reader timeout.
        updates: asyncio.Queue[tuple[int, SamplingResult | Exception | None]] = asyncio.Queue(len(parts))

        async def follow(index: int) -> None:
            try:
                completion = await self.submit_part(parts[index])
                run.add(completion)
                async with aclosing(completion.frames()) as frames:
                    async for result in frames:
                        await updates.put((index, result))
                await updates.put((index, None))
            except Exception as error:
                await updates.put((index, error))

        tasks = [asyncio.create_task(follow(index)) for index in range(len(parts))]
        try:
            running = len(parts)
            while running:
                news = [await updates.get()]
                while not updates.empty():
                    news.append(updates.get_nowait())
                for index, update in news:
                    if isinstance(update, Exception):
                        raise update
                    if update is None:
                        running -= 1
                    else:
                        results[index], elapsed_ms[index] = update, 1000 * (time.perf_counter() - started)
                if any(update for _, update in news):
                    yield list(results), list(elapsed_ms)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def stream(
        self,
        drawing: list[list[int]],
        known: list[list[int]],
        model: str = "",
        samples: int = 1,
        temperature: float = 1.0,
        seed: int = 0,
        digit: int = -1,
    ) -> AsyncGenerator[dict, None]:
        """Like /complete, but yields the result again and again while it grows. Can be cancelled."""
        with api_errors():
            completion = await self.submit(Request(drawing, known, samples, temperature, seed, digit), model)
            async with aclosing(completion.frames()) as frames:
                async for result in frames:
                    yield result.to_dict()

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
        """Fill in the unknown pixels. drawing: H x W ink in 0..255; known: H x W of 0 and 1.

        Returns levels, probabilities and nats of every completion.
        """
        with api_errors():
            completion = await self.submit(Request(drawing, known, samples, temperature, seed, digit), model)
            async with aclosing(completion.frames()) as frames:
                async for result in frames:
                    last = result
        return last.to_dict()
