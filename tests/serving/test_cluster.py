"""The front end of a cluster, with replicas in this process: routing, lost replicas, growth, and admission."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from conftest import tiny_model
from local_cluster import LocalCluster, LocalReplica
from test_backends import counters_after, counters_when, read, slow_model

from pixelcnn import Request, UnavailableError, complete
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.serving import cluster as cluster_module
from pixelcnn.serving.backend import Limits
from pixelcnn.serving.cluster import ClusterEngine

LIMITS = Limits(frame_s=0.0)
Start = Callable[..., tuple[ClusterEngine, list[LocalReplica]]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts an engine with so many replicas; gives it and its list of replicas. All are closed at the end."""
    engines = []

    def start(models: Callable | AutoregressiveModel, replicas: tuple[int, int] = (2, 2), limits: Limits = LIMITS):
        cluster = LocalCluster(limits)
        find = (lambda entry: models) if isinstance(models, AutoregressiveModel) else models
        engines.append(ClusterEngine(find, cluster, replicas, limits))
        counters_when(engines[-1], lambda counters: counters["replicas"] == replicas[0])
        return engines[-1], cluster.replicas

    yield start
    for engine in engines:
        engine.close()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met within 20 s"
        time.sleep(0.01)


def lose(engine: ClusterEngine, replica: LocalReplica, may_return: bool = True) -> None:
    """Kill a replica; unless it may return, it stays away."""

    def kill() -> None:
        if not may_return:
            replica.may_return.clear()
        replica.lost.set()

    engine._loop.call_soon_threadsafe(kill)


def test_requests_go_to_the_replica_with_the_fewest_pictures(start):
    engine, _ = start(slow_model())
    expected = 0
    for samples in (4, 1, 1, 1, 1, 2):  # to the first, four times to the second, and then to either, which have four each
        engine.submit(Request(samples=samples))
        expected += samples
        wait_until(lambda expected=expected: sum(member.pictures for member in engine.members) == expected)
    assert sorted(member.pictures for member in engine.members) == [4, 6]


def test_requests_of_a_lost_replica_are_finished_elsewhere(start):
    """Each picture is that of the sampler, and no pixel is sent twice."""
    model = slow_model(0.01)
    engine, replicas = start(model)
    completions = [engine.submit(Request(samples=2, seed=seed)) for seed in range(8)]
    wait_until(lambda: all(len(replica.frames) > 10 for replica in replicas))
    lose(engine, replicas[0])

    async def read_all() -> list[list]:
        return await asyncio.gather(*map(read, completions))

    for seed, results in enumerate(asyncio.run(read_all())):
        assert (results[-1].images == complete(model, samples=2, seed=seed).images).all()
    assert sum(frame.levels.size for replica in replicas for frame in replica.frames) == 8 * 2 * 30
    counters_after(engine, completed=8, failed=0, replicas=2)


@pytest.mark.parametrize("way", ["cancel", "leave", "deadline"])
def test_leaving_frees_the_slots_of_the_replica(start, way):
    limits = Limits(reader_timeout_s=0.3 if way == "deadline" else 30.0)
    engine, (replica,) = start(slow_model(), (1, 1), limits)
    wait_until(lambda: replica.replica.engine.counters()["active"] == 0)  # the pictures of its warm-up are gone
    completion = engine.submit(Request(samples=4))
    wait_until(lambda: replica.replica.engine.counters()["active"] == 4)
    if way == "cancel":
        completion.cancel()
    elif way == "leave":
        asyncio.run(read(completion, 1))
    wait_until(lambda: replica.replica.engine.counters()["active"] == 0)
    assert replica.replica.engine.counters()["cancelled"] == 1 and not completion.job.result.finished


def test_requests_wait_while_no_replica_is_left(start):
    model = slow_model(0.01)
    engine, (replica,) = start(model, (1, 1))
    completion = engine.submit(Request(seed=3))
    wait_until(lambda: replica.frames)
    lose(engine, replica, may_return=False)
    counters_when(engine, lambda counters: not counters["replicas"])
    later = engine.submit(Request(seed=4))
    assert engine.counters()["waiting"] == 2
    cancelled = engine.submit(Request(seed=5))
    cancelled.cancel()
    wait_until(lambda: cancelled.done)
    engine._loop.call_soon_threadsafe(replica.may_return.set)
    for seed, waited in ((3, completion), (4, later)):
        assert (waited.result(20).images == complete(model, seed=seed).images).all()


def test_a_replica_that_does_not_answer_is_replaced(start, monkeypatch):
    """Its requests are finished elsewhere, as if it had been lost; visitors who give up do not keep it alive."""
    monkeypatch.setattr(cluster_module, "SILENT_S", 1.0)
    model = slow_model(0.01)
    engine, replicas = start(model)
    completions = [engine.submit(Request(samples=2, seed=seed)) for seed in range(4)]
    wait_until(lambda: all(len(replica.frames) > 5 for replica in replicas))
    engine._loop.call_soon_threadsafe(replicas[0].answers.clear)
    while not replicas[0].stopped:
        impatient = engine.submit(Request())
        with suppress(TimeoutError):
            impatient.result(0.3)
        impatient.cancel()
    for seed, completion in enumerate(completions):
        assert (completion.result(20).images == complete(model, samples=2, seed=seed).images).all()
    counters = counters_when(engine, lambda counters: counters["replicas"] == 2 and not counters["active"])
    assert counters["failed"] == 0 and [replica.stopped for replica in replicas] == [True, False, False]


def test_a_replica_without_requests_or_with_a_slow_model_is_not_replaced(start, monkeypatch):
    monkeypatch.setattr(cluster_module, "SILENT_S", 0.8)
    engine, replicas = start(slow_model())
    assert engine.submit(Request()).result(20).finished  # 1.5 s in 30 frames, and the other replica has nothing to do
    assert [replica.stopped for replica in replicas] == [False, False]


def test_a_request_that_every_replica_is_lost_to_fails(start, monkeypatch):
    engine, (replica,) = start(tiny_model("pixelcnn", 5, 6), (1, 1))
    calls = []

    async def fatal_stream(*arguments):
        calls.append(arguments)
        raise cluster_module.ReplicaLost("out of memory")
        yield

    monkeypatch.setattr(replica, "stream", fatal_stream)
    with pytest.raises(UnavailableError) as caught:
        engine.submit(Request()).result(20)
    assert caught.value.code == "completion_failed" and len(calls) == cluster_module.ATTEMPTS


def test_a_replica_that_cannot_start_is_replaced(start, monkeypatch, caplog):
    monkeypatch.setattr(cluster_module, "RETRY_S", 0.01)
    ready, failures = LocalReplica.ready, [RuntimeError("no module named pixelcnn")]

    async def ready_later(self, model):
        if failures:
            raise failures.pop()
        await ready(self, model)

    monkeypatch.setattr(LocalReplica, "ready", ready_later)
    engine, replicas = start(tiny_model("pixelcnn", 5, 6), (1, 1))
    assert engine.submit(Request()).result(20).finished
    assert [replica.stopped for replica in replicas] == [True, False] and "no module named" in caplog.text


def test_a_replica_that_does_not_start_in_time_is_replaced(start, monkeypatch):
    monkeypatch.setattr(cluster_module, "START_S", 2.0)
    monkeypatch.setattr(cluster_module, "RETRY_S", 0.01)
    ready, stuck = LocalReplica.ready, [True]

    async def ready_later(self, model):
        if stuck:
            stuck.clear()
            self.may_return.clear()
        await ready(self, model)

    monkeypatch.setattr(LocalReplica, "ready", ready_later)
    engine, replicas = start(slow_model(0.001), (1, 1))
    assert engine.submit(Request()).result(20).finished
    assert [replica.stopped for replica in replicas] == [True, False]


@pytest.mark.long
def test_requests_in_progress_keep_their_weights_when_those_are_replaced(start):
    old, new = slow_model(0.02), tiny_model("gated_pixelcnn", 5, 6)
    current = [old]
    engine, replicas = start(lambda entry: current[0])
    before = [engine.submit(Request(samples=2, seed=seed)) for seed in range(4)]
    wait_until(lambda: all(replica.frames for replica in replicas))
    current[0] = new
    after = [engine.submit(Request(samples=2, seed=seed)) for seed in range(4)]
    for model, completions in ((old, before), (new, after)):
        for seed, completion in enumerate(completions):
            assert (completion.result(20).images == complete(model, samples=2, seed=seed).images).all()


@pytest.mark.long
def test_replicas_are_added_under_load_and_stopped_when_idle(start, monkeypatch):
    monkeypatch.setattr(cluster_module, "GROW_S", 0.05)
    engine, replicas = start(slow_model(), (1, 3))
    completions = [engine.submit(Request(samples=4, seed=seed)) for seed in range(8)]
    counters_when(engine, lambda counters: counters["replicas"] == 3)
    monkeypatch.setattr(cluster_module, "IDLE_S", 0.2)
    assert all(completion.result(60).finished for completion in completions)
    counters_when(engine, lambda counters: counters["replicas"] == 1)
    assert sum(replica.stopped for replica in replicas) == 2 and len(replicas) == 3
    assert engine.submit(Request()).result(20).finished


def test_the_expected_wait_is_that_of_all_replicas_that_are_up(start):
    """Twice the pictures and half the wait with two replicas of one speed."""
    waits, admitted = [], []
    for count in (1, 2):
        engine, _ = start(slow_model(), (count, count), Limits(slots=4, waiting=60, samples=64))
        with pytest.raises(UnavailableError) as caught:
            for seed in range(200):
                engine.submit(Request(samples=4, seed=seed))
        for member in engine.members:
            member.pixels_per_s = 100_000.0
        with engine._lock:
            waits.append(engine._expected_wait() / caught.value.params["active"])
        admitted.append(caught.value.params["active"])
    assert admitted == [64, 128] and waits[1] < 0.7 * waits[0]


def test_it_says_that_no_replica_is_ready():
    class NoReplicas(LocalCluster):
        def start(self) -> LocalReplica:
            replica = super().start()
            replica.may_return.clear()
            return replica

    engine = ClusterEngine(lambda entry: tiny_model("pixelcnn"), NoReplicas(LIMITS), (1, 1))
    with pytest.raises(TimeoutError, match="No replica was ready within"):
        engine.wait(0.2)
    assert not engine.counters()["replicas"]
    engine.close()


def test_submitting_while_it_closes_loses_no_completion(start):
    engine, _ = start(slow_model(0.001))
    completions, refused = [], threading.Event()

    def submit() -> None:
        for seed in range(10_000):
            try:
                completions.append(engine.submit(Request(seed=seed)))
            except UnavailableError as error:
                if error.code == "server_stopping":
                    refused.set()
                    return

    thread = threading.Thread(target=submit)
    thread.start()
    wait_until(lambda: len(completions) > 5)
    engine.close()
    thread.join()
    assert refused.is_set() and all(completion.done for completion in completions)
