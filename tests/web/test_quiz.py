"""The quiz: rounds by mouse and keyboard, with the score computed again from what the page shows."""

import math
import re

import pytest
from browser import Page, text, to_fixed
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(100)]

# The pixel in the orange frame.
FRAMED_PIXEL = """() => {
    const box = (name) => document.querySelector(name).getBoundingClientRect();
    const [frame, canvas] = [box('.current-pixel'), box('.pixels')];
    const place = (side, size) => Math.round(28 * (frame[side] - canvas[side]) / canvas[size]);
    return 28 * place('top', 'height') + place('left', 'width');
}"""


def expect_state(app_page, state: str) -> None:
    expect(app_page.locator(f"#panel-quiz[data-state={state}]")).to_be_visible()


def start(app_page) -> None:
    app_page.open_panel("quiz")
    app_page.locator(".quiz-next").click()
    expect_state(app_page, "asking")


def displayed_bits(app_page, player: str) -> float:
    """The total of "you" or "model"."""
    return float(app_page.locator(f".quiz-bits-{player}").text_content().split()[0])


@pytest.mark.long
def test_a_round_has_ten_questions_and_is_scored_in_bits(app_page):
    app_page.draw_seven()
    start(app_page)
    guesses = [float(button.get_attribute("data-guess")) for button in app_page.locator(".quiz-scale button").all()]
    player = model = 0
    asked = []
    for question in range(10):
        expect_state(app_page, "asking")
        pixel = app_page.page.evaluate(FRAMED_PIXEL)
        asked.append(pixel)
        assert set(app_page.pixels()[pixel:]) == {"."}, "neither the pixel nor any later one is visible"
        expect(app_page.locator(".probability")).not_to_be_visible()
        choice = question % len(guesses)
        app_page.locator(".quiz-scale button").nth(choice).click()
        expect_state(app_page, "answered")
        kind = app_page.pixels()[pixel]
        assert kind in "m "
        player -= math.log2(guesses[choice] if kind == "m" else 1 - guesses[choice])
        model += surprise(app_page, pixel)
        assert displayed_bits(app_page, "you") == pytest.approx(player, abs=0.011)
        assert displayed_bits(app_page, "model") == pytest.approx(model, abs=0.01 * (question + 2))
        app_page.locator(".quiz-next").click()
    assert app_page.completions()[0]["sampledDigit"] == -1, "the model knows no more than the player"
    assert asked == sorted(set(asked))
    expect_state(app_page, "finished")
    key = "tie" if abs(player - model) < 0.05 else "you_won" if player < model else "model_won"
    shown = app_page.locator(".quiz-text").text_content()
    start_of_verdict = text(f"quiz.{key}", yours=to_fixed(player, 2), models=to_fixed(displayed_bits(app_page, "model"), 2))
    assert shown.startswith(start_of_verdict.split("{by}")[0])
    app_page.locator(".quiz-next").click()  # play again
    expect_state(app_page, "asking")
    assert displayed_bits(app_page, "you") == 0 and app_page.filled() < 784


def surprise(app_page, pixel: int) -> float:
    """The bits that the player shows for a pixel after a click on it."""
    row, column = divmod(pixel, 28)
    app_page.locator(".pixels").scroll_into_view_if_needed()
    app_page.click_pixel(row + 0.3, column)  # beside the cut line
    readout = app_page.locator(".readout-text")
    expect(readout).to_contain_text(f"Row {row + 1}, column {column + 1}:")
    return float(re.search(r"([\d.]+) bits", readout.text_content())[1])


@pytest.mark.long
def test_the_quiz_by_keyboard(app_page):
    app_page.draw_seven()
    app_page.locator("[data-panel=quiz]").press("Enter")
    app_page.locator(".quiz-next").press("Enter")
    expect_state(app_page, "asking")
    keyboard, filled = app_page.page.keyboard, app_page.filled()
    keyboard.press("ArrowRight")
    expect(app_page.locator("[data-guess='0.75']")).to_be_focused()
    assert app_page.filled() == filled, "arrow keys do not move the player"
    keyboard.press("Enter")
    expect_state(app_page, "answered")
    keyboard.press("Enter")
    expect_state(app_page, "asking")
    keyboard.press("1")
    expect_state(app_page, "answered")
    assert len(app_page.locator(".quiz-dots [data-won]").all()) == 2


@pytest.mark.long
def test_a_round_is_canceled_if_the_picture_or_the_position_changes(app_page):
    app_page.set(samples=1)
    next_button = app_page.locator(".quiz-next")
    app_page.draw_seven()
    start(app_page)
    app_page.stroke((3, 3), (3, 9))
    expect_state(app_page, "canceled")
    next_button.click()
    expect_state(app_page, "asking")
    app_page.complete()
    expect_state(app_page, "canceled")
    app_page.finish()
    next_button.click()  # this picture was shown, so another one is requested
    expect_state(app_page, "asking")
    assert app_page.filled() < 784 and app_page.store("selected") == 1
    assert len(app_page.completions()) == 2, "the finished picture is still there"
    app_page.locator(".step").click()  # shows the answer
    expect_state(app_page, "canceled")
    expect(app_page.locator(".probability")).to_be_visible()
    next_button.click()
    expect_state(app_page, "asking")
    app_page.open_panel("about")
    expect(app_page.locator(".probability")).to_be_visible()


@pytest.mark.long
def test_a_gray_model_is_refused_with_an_explanation(app_page):
    def gray(route):
        facts = route.fetch().json()
        facts["models"] = {entry: {**model, "levels": 256} for entry, model in facts["models"].items()}
        route.fulfill(json=facts)

    app_page.page.route("**/models", gray)
    with app_page.page.expect_response("**/models"):
        app_page.page.reload()
    app_page.wait_for_store("store.model.levels === 256")
    app_page.open_panel("quiz")
    app_page.locator(".quiz-next").click()
    expect(app_page.locator(".quiz-text")).to_have_text(text("quiz.gray"))


@pytest.mark.long
def test_the_quiz_asks_the_model_that_is_set(app_page):
    app_page.draw_seven()
    app_page.set(model="pixelcnn_pp")
    app_page.complete()
    app_page.wait_for_answer()
    app_page.store("stop()")
    app_page.open_panel("quiz")
    app_page.locator(".quiz-next").click()
    expect(app_page.locator(".quiz-text")).to_have_text(text("quiz.gray"))
    app_page.set(model="freeform")
    start(app_page)
    assert app_page.store("completion.model") == "freeform", "although a gray picture is shown"


@pytest.mark.long
def test_a_quiz_that_gets_no_picture_ends_its_waiting(app_page):
    app_page.draw_seven()
    app_page.complete()
    app_page.finish()
    app_page.move_cut(14)  # there is nothing left to complete
    app_page.open_panel("quiz")
    app_page.locator(".quiz-next").click()
    expect(app_page.page.get_by_text("All pixels are known.")).to_be_visible()
    expect_state(app_page, "idle")


@pytest.mark.long
def test_on_a_phone_the_canvas_covers_no_question_and_no_beginning_of_a_panel(chromium, server):
    """Elements below a panel must not keep their place when it becomes longer."""
    phone = Page(chromium, server, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    gap = """(selector) => {
        const box = (name) => document.querySelector(name).getBoundingClientRect();
        return box(selector).top - box('.stage').bottom;
    }"""
    phone.draw_seven()
    start(phone)
    phone.settle()
    assert phone.page.evaluate(gap, ".quiz-text") > 0
    phone.locator("[data-guess='0.5']").click()
    expect_state(phone, "answered")
    phone.settle()
    assert phone.page.evaluate(gap, ".quiz-text") > 0
    phone.open_panel("anatomy")
    expect(phone.locator(".anatomy-picture")).to_be_visible()
    phone.settle()
    assert phone.page.evaluate(gap, "#panel-anatomy") > 0
    phone.close()
