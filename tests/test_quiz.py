"""The quiz, played in a real Chromium, and its score worked out again from what the page shows."""

import json
import math
import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(100)]

ASKED = """() => {
    const {left, top} = document.querySelector('.now').style;
    return Math.round(parseFloat(top) * 28 / 100) * 28 + Math.round(parseFloat(left) * 28 / 100);
}"""


def quiz(opened, state: str) -> None:
    """Wait until the quiz is in a state."""
    expect(opened.page.locator(f"#panel-quiz[data-state={state}]")).to_be_visible()


def begin(opened) -> None:
    opened.panel("quiz")
    opened.page.locator(".quiz-go").click()
    quiz(opened, "asking")


def bits(opened, who: str) -> float:
    return float(opened.page.locator(f".quiz-bits-{who}").text_content().split()[0])


@pytest.mark.long
def test_a_round_is_ten_pixels_scored_in_bits(opened):
    opened.seven()
    begin(opened)
    guesses = [float(key.get_attribute("data-guess")) for key in opened.page.locator(".quiz-scale button").all()]
    yours = models = 0
    asked = []
    for number in range(10):
        quiz(opened, "asking")
        asked.append(opened.page.evaluate(ASKED))
        before = opened.pixels()
        assert set(before[asked[-1] :]) == {"."}, "nothing is seen of the pixel, nor of what comes after it"
        expect(opened.page.locator(".odds")).not_to_be_visible()
        choice = number % len(guesses)
        opened.page.locator(".quiz-scale button").nth(choice).click()
        quiz(opened, "told")
        drawn = opened.pixels()[asked[-1]]
        assert drawn in "m "
        yours -= math.log2(guesses[choice] if drawn == "m" else 1 - guesses[choice])
        opened.page.locator(".pixels").scroll_into_view_if_needed()
        row, column = divmod(asked[-1], 28)
        opened.page.mouse.click(*opened.at(row + 0.3, column))  # asks the player about it, a little beside the cut line
        expect(opened.page.locator(".reading-text")).to_contain_text(f"Row {row + 1}, column {column + 1}:")
        said = opened.page.locator(".reading-text").text_content()
        models += float(re.search(r"surprise of ([\d.]+) bits", said)[1])
        assert bits(opened, "you") == pytest.approx(yours, abs=0.011)
        assert bits(opened, "model") == pytest.approx(models, abs=0.01 * (number + 2))
        opened.page.locator(".quiz-go").click()
    assert opened.takes()[0]["drew"] == -1, "the model does not know more than who plays"
    assert asked == sorted(set(asked))
    quiz(opened, "over")
    verdict = opened.page.locator(".quiz-says").text_content()
    first = "draw" if abs(yours - models) < 0.05 else "Well done" if yours < models else "the model compressed better"
    assert first in verdict and f"{yours:.2f}" in verdict and f"{bits(opened, 'model'):.2f}" in verdict
    opened.page.locator(".quiz-go").click()  # play again
    quiz(opened, "asking")
    assert bits(opened, "you") == 0 and opened.filled() < 784


@pytest.mark.long
def test_by_keyboard_alone(opened):
    opened.seven()
    opened.page.locator("[data-panel=quiz]").press("Enter")
    opened.page.locator(".quiz-go").press("Enter")
    quiz(opened, "asking")
    keyboard, held = opened.page.keyboard, opened.filled()
    keyboard.press("ArrowRight")
    expect(opened.page.locator("[data-guess='0.75']")).to_be_focused()
    assert opened.filled() == held, "here arrows are the quiz's, not the player's"
    keyboard.press("Enter")
    quiz(opened, "told")
    keyboard.press("Enter")
    quiz(opened, "asking")
    keyboard.press("1")
    quiz(opened, "told")
    assert len(opened.page.locator(".quiz-dots [data-won]").all()) == 2


@pytest.mark.long
def test_a_round_ends_when_the_picture_changes(opened):
    opened.seven()
    begin(opened)
    opened.stroke((3, 3), (3, 9))
    quiz(opened, "off")
    opened.page.locator(".quiz-go").click()
    quiz(opened, "asking")
    opened.complete()
    quiz(opened, "off")
    opened.finish()
    opened.page.locator(".quiz-go").click()  # this picture has been seen, so another is asked for
    quiz(opened, "asking")
    assert opened.filled() < 784
    opened.page.locator(".step").click()  # peeping
    quiz(opened, "off")
    expect(opened.page.locator(".odds")).to_be_visible()
    opened.page.locator(".quiz-go").click()
    quiz(opened, "asking")
    opened.panel("about")
    expect(opened.page.locator(".odds")).to_be_visible()


@pytest.mark.long
def test_grays_are_refused_in_a_sentence(opened):
    def gray(route):
        facts = route.fetch().json()
        facts["models"] = {entry: {**model, "levels": 256} for entry, model in facts["models"].items()}
        route.fulfill(body=json.dumps(facts), content_type="application/json")

    opened.page.route("**/models", gray)
    with opened.page.expect_response("**/models"):
        opened.page.reload()
    opened.panel("quiz")
    opened.page.locator(".quiz-go").click()
    expect(opened.page.locator(".quiz-says")).to_contain_text("needs a model of ink and paper")
