"""The comparison of models and exhibits: the page's routes, and the panel on the real page."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from browser import text, text_start
from playwright.sync_api import expect
from starlette.applications import Starlette
from starlette.testclient import TestClient

from pixelcnn import complete, load
from pixelcnn.analysis.digit_classifier import classify, load_digit_classifier
from pixelcnn.data import load_digits
from pixelcnn.errors import UnavailableError
from pixelcnn.exhibits import build
from pixelcnn.serving.backend import Limits
from pixelcnn.serving.exhibit_queue import ExhibitQueue
from web.exhibits import comparison_routes
from web.probe_routes import probe_routes

INK = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
KNOWN = np.arange(28).repeat(28).reshape(28, 28) < 14
DRAWING = {"ink": INK.tobytes().hex(), "known": "".join("01"[int(each)] for each in KNOWN.flat)}


def client(find=None, backend=None, models=None) -> TestClient:
    size = SimpleNamespace(config=SimpleNamespace(height=28, width=28))
    idle = SimpleNamespace(models=lambda entry: size, limits=Limits(), counters=lambda: {"active": 0})
    routes = comparison_routes(ExhibitQueue(find, backend or idle))
    return TestClient(Starlette(routes=[*routes, *probe_routes(models or load)]))


def lines(answer) -> list[dict]:
    return [json.loads(line) for line in answer.text.splitlines()]


def test_frames_reach_the_page_line_by_line():
    torch.manual_seed(0)
    exhibit = build("dcgan", latent=6, channels=4, search_steps=12, frame_every=5).eval()
    body = {"model": "dcgan", "drawing": DRAWING, "samples": 2, "seed": 5}
    found, frames = (
        lines(client(lambda entry: exhibit).post("/exhibit-frames", json=body)),
        list(exhibit.frames(INK, KNOWN, 2, 5)),
    )
    assert [(line["step"], line["steps"]) for line in found] == [(frame.step, frame.steps) for frame in frames]
    for line, frame in zip(found, frames, strict=True):
        assert line["pictures"] == [picture.tobytes().hex() for picture in frame.images]
        assert [(each["code"], each["params"]) for each in line["captions"]] == [(c.code, c.params) for c in frame.captions]


def test_errors_reach_the_page_with_code_and_parameters():
    def find(entry: str):
        raise UnavailableError("queue_full_of_tests", "Busy for {wait} s.", wait=3)

    page = client(find)
    refused = page.post("/exhibit-frames", json={"drawing": None})
    assert refused.status_code == 400 and refused.json()["code"] == "drawing_missing"
    (line,) = lines(page.post("/exhibit-frames", json={"model": "dcgan", "drawing": DRAWING, "samples": 1, "seed": 0}))
    assert (line["error"], line["code"], line["params"]) == ("Busy for 3 s.", "queue_full_of_tests", {"wait": 3})


def test_pictures_are_those_of_the_library(engine):
    body = {"model": "pixelcnn", "drawing": DRAWING, "samples": 3, "seed": 5, "digit": -1}
    answer = client(backend=engine).post("/pictures", json=body).json()
    same = complete(load("pixelcnn"), INK, KNOWN, samples=3, seed=5).images
    assert answer["pictures"] == [(255 * picture).astype(np.uint8).tobytes().hex() for picture in same]
    refused = client(backend=engine).post("/pictures", json=body | {"samples": 65})
    assert refused.status_code == 400 and refused.json()["code"] == "not_a_whole_number"


def test_digits_are_those_that_the_classifier_reads(data):
    digits = load_digits("mnist-gray", data, "test").ink[:5]
    answer = client().post("/read-digits", json={"pictures": [picture.tobytes().hex() for picture in digits]}).json()
    assert answer["digits"] == classify(load_digit_classifier(), digits >= 128).tolist()


@pytest.mark.parametrize("pictures", [None, [], ["00"], ["0g" * 784], ["00" * 784] * 65, [7], {"a": 1}])
def test_what_is_not_a_list_of_pictures_is_refused(pictures):
    answer = client().post("/read-digits", json={"pictures": pictures})
    assert answer.status_code == 400 and answer.json()["code"] == "pictures_missing"


# --- the panel


@pytest.mark.browser
@pytest.mark.timeout(100)
@pytest.mark.long
def test_an_exhibit_completes_the_drawing_and_the_page_says_what_it_found(app_page):
    app_page.draw_seven()
    app_page.open_panel("ladder")
    row = app_page.locator(".ladder [data-model=dcgan]")
    expect(row.locator(".ladder-test")).to_have_text(text("exhibits.no_likelihood"))
    app_page.locator(".ladder-complete").click()
    expect(row.locator(".ladder-facts")).to_contain_text(text_start("exhibits.seconds"), timeout=60_000)
    labels = [canvas.get_attribute("aria-label") for canvas in row.locator("canvas").all()]
    assert len(labels) == 4 and all(label.startswith("Picture ") for label in labels)
    app_page.locator("[data-action=clear]").click()
    expect(row.locator(".ladder-facts")).to_be_empty()


@pytest.mark.long
@pytest.mark.browser
@pytest.mark.timeout(300)
def test_sixteen_tries_of_each_count_the_digits(app_page):
    app_page.draw_seven()
    app_page.open_panel("ladder")
    app_page.locator(".ladder-sixteen").click()
    expect(app_page.locator(".ladder-sixteen")).to_be_disabled()
    expect(app_page.locator(".ladder-sixteen")).to_be_enabled(timeout=240_000)
    results = app_page.locator(".ladder-tries p").all_text_contents()
    rows = app_page.locator(".ladder li").count()
    assert len(results) == rows == app_page.locator(".tries-sheet").count() > 5
    assert all(result.startswith("16 tries: ") for result in results)
