"""The scheduler, with batches made of wood; the engine, with real ones; and the page's doors to it."""

import asyncio
import threading
import time
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from conftest import tiny_model

from pixelcnn import BadInput, Request, complete
from pixelcnn.batch import Batch
from pixelcnn.engine import Completion, Engine, Limits, Scheduler
from pixelcnn.errors import Unavailable
from pixelcnn.trace import prepare

LIMITS = Limits(samples=8, slots=8, waiting=8, admitted_per_tick=2, frame_s=0.0, patience_s=1e9)


@dataclass
class WoodenTrace:
    order: np.ndarray
    model: str = "wood"
    done: int = 0

    @property
    def finished(self) -> bool:
        return self.done == len(self.order)

    def frozen(self) -> "WoodenTrace":
        return replace(self)


@dataclass(eq=False)
class WoodenJob:
    model: str = "wood"
    samples: int = 1
    pixels: int = 3
    breaks: bool = False
    trace: WoodenTrace = None

    def __post_init__(self):
        self.trace = WoodenTrace(np.arange(self.pixels))


@dataclass
class WoodenBatch:
    """One pixel a step; a job that breaks takes the whole step down, as a raising model would."""

    model: str
    slots: int
    jobs: dict = field(default_factory=dict)

    @property
    def lasting(self) -> bool:
        return self.model == "yew"

    def seat(self, job) -> None:
        self.jobs[job] = 0

    def step(self, jobs=None) -> int:
        jobs = list(self.jobs) if jobs is None else jobs
        if any(job.breaks for job in jobs):
            raise RuntimeError("wood")
        for job in jobs:
            self.jobs[job] += 1
        return sum(job.samples for job in jobs)

    def whole(self) -> list:
        return [job for job, done in self.jobs.items() if done == job.pixels]

    def report(self, job) -> None:
        job.trace.done = self.jobs[job]

    def leave(self, job) -> None:
        del self.jobs[job]


def scheduler_with(*jobs: WoodenJob, limits: Limits = LIMITS) -> tuple[Scheduler, list[Completion]]:
    scheduler, completions = Scheduler(limits, WoodenBatch), [Completion(job) for job in jobs]
    scheduler.waiting.extend(completions)
    return scheduler, completions


def done(completion: Completion) -> int:
    return completion.job.trace.done


def test_a_late_request_joins_those_under_way():
    scheduler, (early,) = scheduler_with(WoodenJob(pixels=5))
    scheduler.tick()
    scheduler.tick()
    scheduler.waiting.append(late := Completion(WoodenJob(pixels=5)))
    scheduler.tick()
    assert (done(early), done(late)) == (3, 1) and len(scheduler.batches) == 1


def test_nobody_overtakes_and_nobody_is_seated_beyond_the_slots():
    big, bigger, small = WoodenJob(samples=5), WoodenJob(samples=4), WoodenJob(samples=1)
    scheduler, (first, second, third) = scheduler_with(big, bigger, small)
    scheduler.tick()
    assert (done(first), done(second), done(third)) == (1, 0, 0), "the small one waits behind the one that came before"
    for _ in range(4):
        scheduler.tick()
    assert first.result(0).done == 3 and (done(second), done(third)) == (2, 2)


def test_only_so_many_are_admitted_between_two_steps():
    scheduler, completions = scheduler_with(*[WoodenJob() for _ in range(5)])
    scheduler.tick()
    assert [done(completion) for completion in completions] == [1, 1, 0, 0, 0]


def test_models_advance_side_by_side_and_their_batches_end_with_them():
    scheduler, (one, other) = scheduler_with(WoodenJob(model="oak"), WoodenJob(model="elm", pixels=5))
    scheduler.tick()
    assert (done(one), done(other)) == (1, 1) and set(scheduler.batches) == {"oak", "elm"}
    for _ in range(4):
        scheduler.tick()
    assert one.result(0).done == 3 and other.result(0).done == 5 and not scheduler.batches


def test_a_batch_that_lasts_goes_when_another_model_comes():
    scheduler, (one,) = scheduler_with(WoodenJob(model="yew"))
    for _ in range(4):
        scheduler.tick()
    kept = scheduler.batches["yew"]
    scheduler.waiting.append(again := Completion(WoodenJob(model="yew")))
    scheduler.tick()
    assert one.over and scheduler.batches["yew"] is kept and kept.jobs.keys() == {again.job}
    scheduler.waiting.append(Completion(WoodenJob(model="oak")))
    scheduler.tick()
    assert set(scheduler.batches) == {"yew", "oak"}, "it is at work"
    for _ in range(4):
        scheduler.tick()
    scheduler.waiting.append(Completion(WoodenJob(model="oak")))
    scheduler.tick()
    assert set(scheduler.batches) == {"oak"}


def test_a_cancelled_request_frees_its_slots_at_the_next_tick():
    scheduler, (one, other) = scheduler_with(WoodenJob(samples=8, pixels=99), WoodenJob(samples=8))
    scheduler.tick()
    assert scheduler.counters.active == 8 and scheduler.counters.waiting == 8
    one.cancel()
    scheduler.tick()
    assert scheduler.counters.active == 0
    scheduler.tick()
    assert done(other) == 1 and scheduler.counters.cancelled == 1


def test_cancelled_before_it_had_a_slot():
    scheduler, (_, other) = scheduler_with(WoodenJob(samples=8, pixels=99), WoodenJob(samples=8))
    other.cancel()
    scheduler.tick()
    assert not scheduler.waiting and scheduler.counters.cancelled == 1


def test_a_model_that_breaks_fails_that_request_alone():
    scheduler, (good, bad, other) = scheduler_with(
        WoodenJob(), WoodenJob(breaks=True), WoodenJob(), limits=replace(LIMITS, admitted_per_tick=3)
    )
    for _ in range(3):
        scheduler.tick()
    assert good.result(0).done == 3 and other.result(0).done == 3
    with pytest.raises(Unavailable, match="wood failed on this picture; try again"):
        bad.result(0)
    assert scheduler.counters.failed == 1 and not scheduler.active


def test_what_nobody_reads_is_given_up():
    scheduler, (forgotten, read) = scheduler_with(
        WoodenJob(pixels=99), WoodenJob(pixels=99), limits=replace(LIMITS, patience_s=0.05)
    )
    read._reading = True
    scheduler.tick()
    time.sleep(0.06)
    scheduler.tick()
    scheduler.tick()
    assert forgotten.cancelled and not read.cancelled and done(read) == 3


def test_a_slow_reader_gets_the_latest_frame_and_slows_nobody():
    scheduler, (completion,) = scheduler_with(WoodenJob(pixels=50))

    async def read() -> list[int]:
        seen = []
        async for trace in completion.frames():
            seen.append(trace.done)
            for _ in range(20):  # twenty ticks go by while this frame is looked at
                scheduler.tick()
        return seen

    scheduler.tick()
    assert asyncio.run(read()) == [1, 21, 41, 50]


def test_leaving_the_frames_cancels():
    scheduler, (completion,) = scheduler_with(WoodenJob(pixels=50))
    scheduler.tick()

    async def read() -> None:
        frames = completion.frames()
        await anext(frames)
        await frames.aclose()

    asyncio.run(read())
    scheduler.tick()
    assert completion.cancelled and not scheduler.active


@pytest.fixture
def house():
    """An engine with three tiny models."""
    models = {name: tiny_model(name, 5, 6) for name in ("pixelcnn", "gated_pixelcnn", "freeform")}
    engine = Engine(lambda entry: models[entry or "pixelcnn"], Limits(slots=16, waiting=40))
    yield engine, models
    engine.close()


def test_the_same_seed_draws_the_same_picture_alone_and_in_a_crowd(house):
    """A hundred requests of all sizes, models and temperatures at once, from many threads, each against itself alone."""
    engine, models = house
    rng = np.random.default_rng(0)
    asked = []
    for seed in range(100):
        known = np.repeat(np.arange(5) < rng.integers(0, 5), 6).reshape(5, 6).astype(int)
        options = {"samples": int(rng.integers(1, 5)), "temperature": float(rng.choice([0.5, 1, 2])), "seed": seed}
        asked.append((str(rng.choice(list(models))), rng.integers(0, 256, (5, 6)), known, options))
    answers = [None] * len(asked)

    def ask(number: int) -> None:
        entry, drawing, known, options = asked[number]
        while answers[number] is None:
            try:
                answers[number] = engine.submit(Request(drawing, known, **options), entry).result(60)
            except Unavailable as full:
                assert "The house is full" in str(full)
                time.sleep(0.05)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(asked))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for (entry, drawing, known, options), answer in zip(asked, answers, strict=True):
        alone = complete(models[entry], drawing, known, **options)
        assert (answer.images == alone.images).all()
        np.testing.assert_allclose(answer.nats, alone.nats, atol=1e-9)
        np.testing.assert_allclose(answer.known_probabilities, alone.known_probabilities, atol=1e-12)
    assert engine.counters()["completed"] == 100


@pytest.mark.long
def test_the_trained_weights_draw_the_same_alone_and_in_a_crowd(engine):
    """In float32, as the page does it."""
    model, known = engine.models(""), np.repeat(np.arange(28) < 14, 28).reshape(28, 28).astype(int)
    crowd = [engine.submit(Request(known=known, samples=2, seed=seed)) for seed in range(30)]
    for seed, completion in enumerate(crowd):
        alone = complete(model, known=known, samples=2, seed=seed)
        assert (completion.result(60).images == alone.images).all()


def test_a_real_model_that_raises_mid_picture_fails_alone(house, caplog):
    engine, models = house
    model = models["gated_pixelcnn"]
    step = model.step

    def breaking_step(cache, slots, pixels, *how):
        if (cache.digits[slots] == 7).any() and (pixels > 12).any():
            raise RuntimeError("seven")
        return step(cache, slots, pixels, *how)

    model.step = breaking_step
    completions = [engine.submit(Request(samples=2, seed=3, digit=digit), "gated_pixelcnn") for digit in (1, 7, -1)]
    with pytest.raises(Unavailable, match="gated_pixelcnn failed"):
        completions[1].result(20)
    model.step = step
    for completion, digit in ((completions[0], 1), (completions[2], -1)):
        assert (completion.result(20).images == complete(model, samples=2, seed=3, digit=digit).images).all()
    assert "RuntimeError: seven" in caplog.text


def test_a_job_that_leaves_is_not_stepped_any_more():
    model = tiny_model("pixelcnn", 5, 6)
    batch, (stays, leaves) = Batch(model, 8), [prepare(model, Request(samples=samples)) for samples in (1, 4)]
    for job in (stays, leaves):
        batch.seat(job)
    batch.step(window=1)
    batch.leave(leaves)
    assert batch.step(window=1) == 1 and batch.free == [1, 2, 3, 4, 5, 6, 7]


def test_what_was_given_up_is_not_taken_for_whole():
    scheduler, (completion,) = scheduler_with(WoodenJob(pixels=50))
    scheduler.tick()
    completion.cancel()
    scheduler.tick()
    with pytest.raises(Unavailable, match="given up before it was whole"):
        completion.result(0)

    async def read() -> None:
        async for _ in completion.frames():
            pass

    with pytest.raises(Unavailable, match="given up before it was whole"):
        asyncio.run(read())


def test_bad_input_is_refused_before_it_takes_a_slot(house):
    engine, _ = house
    with pytest.raises(BadInput, match="drawing is 2 x 2"):
        engine.submit(Request([[0, 0], [0, 0]]))
    with pytest.raises(BadInput, match="at most 2"):
        Engine(lambda entry: tiny_model("pixelcnn", 5, 6), Limits(samples=2)).submit(Request(samples=3))
    assert engine.counters()["active"] == 0


def test_a_full_house_says_so_with_the_expected_wait(house):
    engine, _ = house
    held = threading.Event()
    engine.scheduler.step = lambda: held.wait(10) or 0  # the first tick takes as long as this test
    for _ in range(7):
        engine.submit(Request(samples=8))
    with pytest.raises(Unavailable, match=r"The house is full, 56 pictures are under way; try again in \d+ s\."):
        engine.submit(Request(samples=8))
    held.set()


def test_a_mistake_in_a_tick_does_not_shut_the_house(house, caplog):
    engine, _ = house
    engine.scheduler.publish = lambda: 1 / 0
    with pytest.raises(Unavailable, match="Something broke on this server; try again"):
        engine.submit(Request(samples=4)).result(5)
    assert engine.submit(Request(samples=4)).result(5).finished
    assert "ZeroDivisionError" in caplog.text


def test_closing_tells_those_who_are_still_here(house):
    engine, models = house
    models["pixelcnn"].step = lambda *_: time.sleep(0.05)
    completion = engine.submit(Request(samples=4))
    engine.close()
    with pytest.raises(Unavailable):
        completion.result(5)
    with pytest.raises(Unavailable, match="stopping"):
        engine.submit(Request())
