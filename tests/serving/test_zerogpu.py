"""The ZeroGPU backend with a fake GPU decorator; the real one runs on Spaces only."""

import time

import pytest
from conftest import tiny_model

from benchmarks import clients
from pixelcnn import Request
from pixelcnn.errors import UnavailableError
from pixelcnn.serving.backend import Limits
from pixelcnn.serving.zerogpu import ZeroGpuEngine

FAKE_SPACES = """
import sys
assert "torch" not in sys.modules, "spaces has to be imported before torch"

def GPU(duration):
    def decorate(function):
        def run(*arguments):
            print(f"GPU for {duration} s", flush=True)
            yield from function(*arguments)
        return run
    return decorate
"""


@pytest.fixture
def small():
    """A backend with a tiny model, and the model."""
    model = tiny_model("pixelcnn", 5, 6)
    return ZeroGpuEngine(lambda entry: model, lambda function: function, Limits(slots=4, frame_s=0.0)), model


def counters_when_idle(backend: ZeroGpuEngine) -> dict:
    for _ in range(1000):
        if not backend.counters()["active"]:
            return backend.counters()
        time.sleep(0.01)
    pytest.fail("the backend is still busy")


def test_a_busy_server_refuses_requests(small):
    backend, _ = small
    with pytest.raises(UnavailableError) as caught:
        backend.submit(Request(samples=5))
    assert caught.value.code == "server_busy" and caught.value.params == {"active": 0, "wait": 10}


def test_a_model_that_raises_fails_the_completion(small, caplog):
    backend, model = small
    model.step = lambda *_: 1 / 0
    with pytest.raises(UnavailableError) as caught:
        backend.submit(Request()).result(10)
    assert caught.value.code == "gpu_failed" and caught.value.params == {"model": "pixelcnn"}
    assert counters_when_idle(backend)["failed"] == 1 and "ZeroDivisionError" in caplog.text


def test_a_refused_gpu_fails_the_completion():
    def decorator(function):
        def refuse(*arguments):
            raise RuntimeError("the quota is used up")

        return refuse

    model = tiny_model("pixelcnn", 5, 6)
    backend = ZeroGpuEngine(lambda entry: model, decorator, Limits(slots=4))
    with pytest.raises(UnavailableError) as caught:
        backend.submit(Request()).result(5)
    assert caught.value.code == "gpu_failed"
    assert counters_when_idle(backend)["active"] == 0 and backend.counters()["failed"] == 1


@pytest.mark.long
def test_the_app_uses_the_decorator_of_a_space(tmp_path):
    (tmp_path / "spaces.py").write_text(FAKE_SPACES)
    env = {"SPACES_ZERO_GPU": "true", "PYTHONPATH": str(tmp_path)}
    with clients.server(log=tmp_path / "log", env=env) as page:
        (result,) = clients.simultaneous(page, 1, 2)
        assert result.done_s and not result.refused
    assert "GPU for 15 s" in (tmp_path / "log").read_text()
