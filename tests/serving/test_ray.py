"""Replicas on Ray: processes that are killed or stopped, connections without the token, and what listens where."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import tiny_model
from ray_head import children, listening_addresses
from test_backends import counters_when, read, slow_model

from pixelcnn import Request, complete, load
from pixelcnn.serving import cluster as cluster_module
from pixelcnn.serving.backend import Limits
from pixelcnn.serving.cluster import ClusterEngine
from pixelcnn.serving.engine import Engine
from pixelcnn.serving.ray import ray_engine, settings

LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
KNOWN = [[int(row < 14)] * 28 for row in range(28)]

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture
def start(ray_head) -> Iterator[Callable[..., ClusterEngine]]:
    """Starts an engine with so many replicas and waits until all are up; closed at the end."""
    engines = []

    def start(models: Callable, replicas: int, limits: Limits | None = None) -> ClusterEngine:
        engines.append(ray_engine(models, ray_head, (replicas, replicas), limits))
        counters_when(engines[-1], lambda counters: counters["replicas"] == replicas, 100)
        return engines[-1]

    yield start
    for engine in engines:
        engine.close()


def statuses(engine: ClusterEngine) -> list[dict]:
    """The status of every replica, from the replicas themselves."""
    import ray

    return ray.get([member.replica.actor.status.remote() for member in engine.members])


def status_when_idle(engine: ClusterEngine) -> dict:
    """The status of the only replica once it has no picture."""
    deadline = time.monotonic() + 20
    while (status := statuses(engine)[0])["active"] or status["waiting"]:
        assert time.monotonic() < deadline, status
    return status


def check_pictures(results: list[list], expected: list) -> None:
    """Every completion ends with its picture, and no pixel is delivered twice. results: the frames of each."""
    for frames, picture in zip(results, expected, strict=True):
        assert (frames[-1].images == picture.images).all()
        for earlier, later in pairwise(frames):
            final = earlier.order[: earlier.done]
            assert earlier.done < later.done and (earlier.x[:, final] == later.x[:, final]).all()


def test_pictures_of_a_killed_replica_are_finished_by_the_other(start):
    """A hundred completions; each is the picture of one machine, and no pixel is delivered twice."""
    model = load("pixelcnn").double()  # in float32 the last bit of a product depends on the size of the batch
    requests = [Request(known=KNOWN, samples=2, seed=seed) for seed in range(100)]
    alone = Engine(lambda entry: model)
    expected = [completion.result(200) for completion in [alone.submit(request) for request in requests]]
    alone.close()
    engine = start(lambda entry: model, 2, Limits(slots=32))
    process = statuses(engine)[0]["pid"]

    async def read_and_kill() -> list[list]:
        reading = asyncio.gather(*[read(engine.submit(request)) for request in requests])
        while engine.counters()["completed"] < 10:
            await asyncio.sleep(0.01)
        assert min(member.pictures for member in engine.members) > 32
        os.kill(process, signal.SIGKILL)
        return await reading

    check_pictures(asyncio.run(read_and_kill()), expected)
    counters = counters_when(engine, lambda counters: counters["replicas"] == 2, 100)
    assert counters["completed"] == 100 and counters["failed"] == counters["cancelled"] == 0
    assert process not in {status["pid"] for status in statuses(engine)}
    assert engine.submit(requests[0]).result(30).finished


def test_a_stopped_process_is_replaced_and_its_pictures_are_finished_by_the_other(start, monkeypatch):
    """A replica that neither answers nor dies."""
    monkeypatch.setattr(cluster_module, "SILENT_S", 5.0)
    model = slow_model(0.05)
    engine = start(lambda entry: model, 2, Limits(frame_s=0.0))
    process = statuses(engine)[0]["pid"]

    async def read_and_stop() -> list[list]:
        completions = [engine.submit(Request(samples=2, seed=seed)) for seed in range(8)]
        reading = asyncio.gather(*map(read, completions))
        while not all(completion.job.result.done > 2 for completion in completions):
            await asyncio.sleep(0.01)
        os.kill(process, signal.SIGSTOP)
        return await reading

    results = asyncio.run(read_and_stop())
    check_pictures(results, [complete(model, samples=2, seed=seed) for seed in range(8)])
    counters = counters_when(engine, lambda counters: counters["replicas"] == 2, 100)
    assert counters["completed"] == 8 and counters["failed"] == counters["cancelled"] == 0
    assert process not in {status["pid"] for status in statuses(engine)}
    deadline = time.monotonic() + 60
    while Path(f"/proc/{process}").exists():
        assert time.monotonic() < deadline, "the stopped process was not killed"
        time.sleep(0.1)


@pytest.mark.parametrize("way", ["cancel", "leave", "deadline"])
def test_leaving_frees_the_slots_of_the_replica(start, way):
    model = slow_model()
    engine = start(lambda entry: model, 1, Limits(reader_timeout_s=0.5 if way == "deadline" else 30.0))
    completion = engine.submit(Request(samples=4))
    while not statuses(engine)[0]["active"]:
        assert not completion.done
    if way == "cancel":
        completion.cancel()
    elif way == "leave":
        asyncio.run(read(completion, 1))
    status = status_when_idle(engine)
    assert status["cancelled"] >= 1 and completion.cancelled and not completion.job.result.finished


def test_new_weights_reach_all_replicas_and_lose_no_request(start):
    old, new = slow_model(0.02), tiny_model("gated_pixelcnn", 5, 6)
    current = [old]
    engine = start(lambda entry: current[0], 2, Limits(frame_s=0.0))
    before = [engine.submit(Request(samples=2, seed=seed)) for seed in range(4)]
    current[0] = new
    after = [engine.submit(Request(samples=2, seed=seed)) for seed in range(4)]
    for model, completions in ((old, before), (new, after)):
        for seed, completion in enumerate(completions):
            assert (completion.result(60).images == complete(model, samples=2, seed=seed).images).all()


@pytest.mark.parametrize("token", ["", "0" * 64])
def test_a_connection_without_the_token_is_refused(ray_head, token):
    environment = (
        os.environ | settings(ray_head) | {"RAY_AUTH_TOKEN": token, "RAY_AUTH_MODE": "token" if token else "disabled"}
    )
    script = f"import ray; ray.init(address={ray_head!r}); print('connected', ray.cluster_resources())"
    run = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=200)
    assert run.returncode and "connected" not in run.stdout
    assert "uthenticat" in run.stderr


def test_everything_listens_on_the_loopback_address(start):
    model = tiny_model("pixelcnn")
    start(lambda entry: model, 1)
    addresses = listening_addresses([os.getpid(), *children(os.getpid())])
    assert addresses and addresses <= LOOPBACK


def test_a_cluster_of_its_own_keeps_its_token_to_itself_and_ends_with_the_engine(tmp_path):
    """--cluster auto, in another process, because this one has the token of another cluster."""
    script = """
import os, sys
from pathlib import Path
sys.path[:0] = ["tests", "tests/serving"]
from conftest import tiny_model
from ray_head import children, listening_addresses
from pixelcnn import Request
from pixelcnn.serving.ray import ray_engine

engine = ray_engine(lambda entry: tiny_model("pixelcnn"), "auto", (1, 1))
engine.wait(100)
assert engine.submit(Request()).result(60).finished
arguments = b"".join(Path(f"/proc/{child}/cmdline").read_bytes() for child in children(os.getpid()))
assert len(os.environ["RAY_AUTH_TOKEN"]) == 64 and os.environ["RAY_AUTH_TOKEN"].encode() not in arguments
print(sorted(listening_addresses([os.getpid(), *children(os.getpid())])), len(children(os.getpid())))
engine.close()
print(len(children(os.getpid())))
"""
    pytest.importorskip("ray")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment["HOME"] = str(tmp_path)
    run = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=200)
    assert not run.returncode, run.stderr
    assert not (tmp_path / ".ray" / "auth_token").exists()
    listening, left = run.stdout.strip().splitlines()
    assert set(eval(listening[: listening.index("]") + 1])) <= LOOPBACK and left == "0"


def test_a_cluster_that_does_not_answer_is_an_error_in_one_line():
    with pytest.raises(ConnectionError, match="No Ray cluster answers at"):
        ray_engine(lambda entry: None, "127.0.0.1:9")
    with pytest.raises(ConnectionError, match="not an address"):
        ray_engine(lambda entry: None, "somewhere")
