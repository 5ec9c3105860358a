"""What every backend has to do: the engine, ZeroGPU, a cluster in this process, and the same on Ray."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from itertools import pairwise

import numpy as np
import pytest
from conftest import tiny_model
from local_cluster import LocalCluster

from pixelcnn import ClassChoice, InputError, Request, SamplingResult, UnavailableError, complete
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.serving.backend import Backend, Limits
from pixelcnn.serving.cluster import ClusterEngine
from pixelcnn.serving.completion import Completion
from pixelcnn.serving.engine import Engine
from pixelcnn.serving.zerogpu import ZeroGpuEngine

KNOWN = [[1] * 6, [1] * 6, [0] * 6, [0] * 6, [0] * 6]
NewBackend = Callable[..., Backend]


def make_backend(kind: str, models: Callable, limits: Limits, request: pytest.FixtureRequest) -> Backend:
    if kind == "engine":
        return Engine(models, limits)
    if kind == "two workers":
        return Engine(models, limits, workers=2)
    if kind == "zerogpu":
        return ZeroGpuEngine(models, lambda function: function, limits)
    if kind == "cluster":
        return ClusterEngine(models, LocalCluster(limits), (2, 2), limits)
    from pixelcnn.serving.ray import ray_engine

    return ray_engine(models, request.getfixturevalue("ray_head"), (1, 1), limits)


@pytest.fixture(params=["engine", "two workers", "zerogpu", "cluster", pytest.param("ray", marks=pytest.mark.long)])
def new_backend(request) -> Iterator[NewBackend]:
    """Makes a backend for one model, whatever the entry; all are closed at the end."""
    made = []

    def new(model: AutoregressiveModel, limits: Limits | None = None) -> Backend:
        made.append(make_backend(request.param, lambda entry: model, limits or Limits(frame_s=0.0), request))
        if isinstance(made[-1], ClusterEngine):
            made[-1].wait(100)
        return made[-1]

    yield new
    for backend in made:
        backend.close()


def slow_model(pause: float = 0.05) -> AutoregressiveModel:
    """A model with a pause before every step, of one pixel each."""
    model = tiny_model("pixelcnn", 5, 6)
    step, model.window = model.step, 1

    def slow_step(*arguments):
        time.sleep(pause)
        return step(*arguments)

    model.step = slow_step
    return model


def counters_when(backend: Backend, condition: Callable[[dict], bool], timeout: float = 20) -> dict:
    deadline = time.monotonic() + timeout
    while not condition(backend.counters()):
        assert time.monotonic() < deadline, backend.counters()
        time.sleep(0.01)
    return backend.counters()


def counters_after(backend: Backend, **outcomes: int) -> dict:
    """The counters once no picture is in progress and so many requests have ended this way."""
    return counters_when(backend, lambda counters: not counters["active"] and outcomes.items() <= counters.items())


async def read(completion: Completion, frames: int = 10**9) -> list[SamplingResult]:
    """At most so many frames; the rest is not awaited."""
    results = []
    async with aclosing(completion.frames()) as growing:
        async for result in growing:
            results.append(result)
            if len(results) == frames:
                break
    return results


@pytest.mark.parametrize("name", ["pixelcnn", "gated_pixelcnn", "freeform"])
def test_the_result_is_that_of_the_sampler_in_every_field(new_backend, name):
    model = tiny_model(name, 5, 6)
    backend = new_backend(model)
    digits = [ClassChoice.NONE, ClassChoice.SAMPLED] if model.classes else [ClassChoice.NONE]
    drawing = [[255 * ((row + column) % 3 == 0) for column in range(6)] for row in range(5)]
    for digit in digits:
        options = {"samples": 3, "seed": 5, "temperature": 1.5, "digit": digit, "first_sample": 2}
        result = backend.submit(Request(drawing, KNOWN, **options)).result(30)
        alone = complete(model, drawing, KNOWN, **options)
        assert (result.images == alone.images).all() and (result.digits == alone.digits).all()
        assert (result.order == alone.order).all() and (result.noise == alone.noise).all()
        np.testing.assert_allclose(result.probabilities, alone.probabilities, atol=1e-12)
        np.testing.assert_allclose(result.nats, alone.nats, atol=1e-9)
        np.testing.assert_allclose(result.known_probabilities, alone.known_probabilities, atol=1e-12)
    assert counters_after(backend, completed=len(digits))["pixels_left"] == 0


def test_frames_only_grow_and_end_with_the_finished_result(new_backend):
    backend = new_backend(slow_model(0.01))
    results = asyncio.run(read(backend.submit(Request(known=KNOWN, samples=2))))
    assert len(results) > 2 and results[-1].finished
    for earlier, later in pairwise(results):
        assert earlier.done < later.done
        for field in ("x", "drawn_probs", "pixel_nats"):
            final = earlier.order[: earlier.done]
            assert (getattr(earlier, field)[:, final] == getattr(later, field)[:, final]).all()


def test_leaving_the_frames_frees_the_slots(new_backend):
    backend = new_backend(slow_model())
    (result,) = asyncio.run(read(backend.submit(Request(samples=2)), frames=1))
    assert not result.finished
    counters_after(backend, cancelled=1)


def test_a_cancelled_completion_raises(new_backend):
    backend = new_backend(slow_model())
    completion = backend.submit(Request())
    counters_when(backend, lambda counters: counters["active"] > 0)
    completion.cancel()
    with pytest.raises(UnavailableError) as caught:
        completion.result(20)
    assert caught.value.code == "completion_cancelled"


def test_a_completion_that_nobody_reads_is_cancelled(new_backend):
    backend = new_backend(slow_model(), Limits(reader_timeout_s=0.2, frame_s=0.0))
    completion = backend.submit(Request())
    counters_after(backend, cancelled=1)
    assert completion.cancelled and completion.done


def test_invalid_requests_are_refused_before_they_take_a_slot(new_backend):
    backend = new_backend(tiny_model("pixelcnn", 5, 6), Limits(samples=2))
    for request, code in ((Request([[0, 0], [0, 0]]), "wrong_shape"), (Request(samples=3), "too_many_samples")):
        with pytest.raises(InputError) as caught:
            backend.submit(request)
        assert caught.value.code == code
    assert backend.counters()["active"] == 0


def test_a_busy_server_refuses_requests_with_a_wait(new_backend):
    backend = new_backend(slow_model(), Limits(samples=4, slots=8, waiting=4))
    with pytest.raises(UnavailableError) as caught:
        for seed in range(20):
            backend.submit(Request(samples=4, seed=seed))
    assert caught.value.code == "server_busy"
    assert caught.value.params["wait"] >= 1 and caught.value.params["active"] >= 4


def test_a_model_that_raises_fails_the_completion(new_backend):
    model = tiny_model("pixelcnn", 5, 6)
    model.step = lambda *_: 1 / 0
    backend = new_backend(model)
    failed = backend.counters()["failed"]
    with pytest.raises(UnavailableError) as caught:
        backend.submit(Request()).result(30)
    assert caught.value.params == {"model": "pixelcnn"}
    counters_after(backend, failed=failed + 1)


def test_closing_fails_what_is_in_progress_and_refuses_the_rest(new_backend):
    backend = new_backend(slow_model())
    completion = backend.submit(Request(samples=4))
    counters_when(backend, lambda counters: counters["active"] > 0)
    backend.close()
    with pytest.raises(UnavailableError) as caught:
        completion.result(20)
    assert caught.value.code == "server_stopping"
    with pytest.raises(UnavailableError) as caught:
        backend.submit(Request())
    assert caught.value.code == "server_stopping"
