"""The warm-up at start: the page's default request, and no failure of it keeps the page from starting."""

import pytest
from conftest import tiny_model

import app
from pixelcnn import ClassChoice, UnavailableError
from pixelcnn.serving.backend import Limits


class FakeBackend:
    """Remembers the request and gives a completion whose result raises `error`, if there is one."""

    limits = Limits()

    def __init__(self, error: Exception | None = None):
        self.error = error
        self.cancelled = False

    def submit(self, request, entry=""):
        self.request = request
        return self

    def result(self, timeout):
        if self.error:
            raise self.error

    def cancel(self):
        self.cancelled = True


@pytest.mark.parametrize(("name", "digit"), [("freeform", ClassChoice.SAMPLED), ("pixelcnn", ClassChoice.NONE)])
def test_the_warm_up_is_the_default_request_of_the_page(name, digit):
    model, backend = tiny_model(name, 6, 6), FakeBackend()
    app.warm_up(backend, model)
    valid = backend.request.validate(model)
    assert valid.digit == digit and valid.samples == 4 and valid.order[0] == 3 * 6
    assert backend.cancelled


@pytest.mark.parametrize("error", [TimeoutError("slow"), UnavailableError("completion_cancelled", "It failed.")])
def test_a_slow_or_failing_model_does_not_keep_the_page_from_starting(error):
    app.warm_up(FakeBackend(error), tiny_model("pixelcnn"))
