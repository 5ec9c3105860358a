"""Drawings unlike the training data: what the models make of them once centered, and the offer on the page."""

import json
import subprocess

import numpy as np
import pytest
from browser import text
from playwright.sync_api import expect
from test_javascript import NODE, ROOT

from pixelcnn import complete, load
from pixelcnn.analysis.digit_classifier import classify, load_digit_classifier
from pixelcnn.data import load_digits

# Reads drawings, [{ink, cut}, ...], and writes what is offered for each of them.
SCRIPT = """
import { centeredDrawings } from "./web/static/canvas/centering.js";
import { Drawing } from "./web/static/canvas/drawing.js";
let input = "";
for await (const chunk of process.stdin) input += chunk;
const drawings = JSON.parse(input).map((state) => Object.assign(new Drawing(28, 28), state));
const plain = ({ kind, ink, cut }) => ({ kind, ink: Array.from(ink), cut });
console.log(JSON.stringify(drawings.map((drawing) => centeredDrawings(drawing).map(plain))));
"""


def centered(drawings: list[dict]) -> list[list[dict]]:
    command = [NODE, "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", "--input-type=module", "-e", SCRIPT]
    run = subprocess.run(command, input=json.dumps(drawings), cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def small_seven(row: int, column: int) -> list[int]:
    """The ink of a seven of 12 pixels, two pixels wide, whose upper left corner is given."""
    ink = np.zeros((28, 28), np.uint8)
    ink[row : row + 2, column : column + 10] = 255
    for step in range(2, 12):
        left = column + round(8 - 0.5 * step)
        ink[row + step, left : left + 2] = 255
    return ink.ravel().tolist()


CORNERS = [(0, 0), *(pytest.param(corner, marks=pytest.mark.long) for corner in [(0, 18), (16, 0), (16, 18)])]


@pytest.mark.parametrize("corner", CORNERS)
def test_a_small_seven_in_a_corner_is_completed_as_a_seven_once_it_is_centered(corner):
    """At least 12 of 16, with the cut line through its middle and where it is by default."""
    model, classifier = load(), load_digit_classifier()
    for cut in (corner[0] + 6, 14):
        ((offered, *_),) = centered([{"ink": small_seven(*corner), "cut": cut}])
        known = np.arange(28)[:, None].repeat(28, 1) < offered["cut"]
        result = complete(model, np.reshape(offered["ink"], (28, 28)), known, samples=16, seed=1, digit=-2)
        read = classify(classifier, result.images)
        assert (read == 7).sum() >= 12, (cut, read)


def test_the_tops_of_digits_like_those_of_the_training_data_get_no_offer():
    digits = load_digits("bundled-digits", None, "valid").ink
    tops = np.where(np.arange(28)[:, None] < 14, digits, 0).reshape(len(digits), -1)
    offers = [len(found) for found in centered([{"ink": top.tolist(), "cut": 14} for top in tops])]
    assert np.count_nonzero(offers) <= 0.02 * len(offers)


@pytest.mark.browser
def test_the_offer_shows_before_and_after_is_carried_out_when_chosen_and_can_be_undone(app_page):
    offer = app_page.locator(".offer-button")
    app_page.draw_seven()
    app_page.page.wait_for_timeout(500)
    expect(offer).to_be_hidden()
    app_page.locator("[data-action=clear]").click()
    app_page.stroke((2, 3), (2, 10), (12, 6))
    expect(offer).to_be_visible()
    before = app_page.pixels()
    offer.press("Enter")
    expect(app_page.locator(".offer-pictures canvas")).to_have_count(3)
    assert app_page.pixels() == before, "nothing changes before a picture is chosen"
    app_page.locator(".offer .close-panel").click()
    expect(app_page.locator(".offer")).to_be_hidden()
    offer.press("Enter")
    app_page.locator(".offer-top").press("Enter")
    expect(offer).to_be_hidden()
    assert app_page.pixels() != before and app_page.store("completions.length") == 0
    undo = app_page.page.get_by_role("button", name=text("canvas.undo"))
    undo.click()
    assert app_page.pixels() == before
    redo = app_page.page.get_by_role("button", name=text("canvas.redo"))
    redo.click()
    assert app_page.pixels() != before
    expect(redo).to_be_disabled()


@pytest.mark.long
@pytest.mark.browser
def test_after_completing_the_centered_drawing_is_completed_again(app_page):
    app_page.stroke((2, 3), (2, 10), (12, 6))
    app_page.complete()
    app_page.finish()
    app_page.locator(".offer-button").press("Enter")
    app_page.locator(".offer-top").press("Enter")
    app_page.wait_for_completions(4)
    app_page.finish()
    app_page.locator("[data-action=undo]").click()
    assert app_page.store("finished"), "undo brings back the earlier completions too"
