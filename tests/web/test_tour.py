"""The guided tour: each level demonstrated to its end, and performed by the user."""

import re

import pytest
from browser import READ_PIXELS, Page, text, text_start
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(130)]

BRANCH_CAPTION = re.escape(text_start("player.branch")) + r"\d"
FINISHED = r"Pixel (\d+) of \1\b"
# What the page shows after the demonstration of a step: selector, property, pattern. The steps of model kinds that are not
# listed show the entry in the summary.
EXPECTED = {
    "child": {
        "draw": (".hint", "style.opacity", "^0$"),
        "cut": (".cut", "ariaValueNow", "^16$"),
        "complete": (".summary", "textContent", FINISHED + ".*nats"),
        "speed": (".speed", "value", "^22$"),
        "step": (".probability-text", "textContent", "% ink"),
        "probability": (".probability-text", "textContent", "% ink"),
        "finish": (".summary", "textContent", FINISHED),
        "samples": (".tiles", "childElementCount", "^9$"),
        "choose": (".tile:nth-child(2)", "ariaPressed", "true"),
        "clear": (".page", "dataset.completions", "^0$"),
    },
    "student": {
        "draw": (".hint", "style.opacity", "^0$"),
        "factors": (".summary", "textContent", r"Pixel (7\d|[89]\d|1\d\d) of 392"),
        "temperature": ("#temperature", "value", r"^0\.4$"),
        "branch": (".tile:last-child .caption", "textContent", BRANCH_CAPTION),
        "surprise": (".readout-text", "textContent", r"\d bits"),
        "flip": (".tile:last-child .caption", "textContent", BRANCH_CAPTION),
        "receptive_field": ("#panel-receptive_field", "hidden", "false"),
        "seed": ("#random-seed", "checked", "false"),
        "digits": (".summary", "textContent", "freeform"),
        "exhibits": (".exhibit-pictures canvas", "ariaLabel", "^Picture 1"),
        "quiz": ("#panel-quiz", "hidden", "false"),
    },
    "researcher": {
        "nats": (".summary", "textContent", FINISHED + ".*nats"),
        "about": (".about-cost", "textContent", r"ms for 4 pictures of 392 pixels"),
        "pixelcnn": (".summary", "textContent", "pixelcnn,"),
        "receptive_field": ("#panel-receptive_field", "hidden", "false"),
        "freeform": (".summary", "textContent", "freeform,"),
        "compare": (".tile:last-child .caption", "textContent", "pixelcnn"),
    },
}


def start(app_page, level: str) -> None:
    app_page.open_panel("tour")
    app_page.locator(f"[data-level={level}]").click()
    expect(app_page.locator(".tour-card")).to_be_visible()


def current_step(app_page) -> str:
    return app_page.locator(".tour-card").get_attribute("data-step")


def can_click_target(app_page) -> bool:
    """Whether a click in the middle of the ring reaches the page and not the tour's own elements."""
    return app_page.page.evaluate("""() => {
        const ring = document.querySelector('.tour-ring').getBoundingClientRect();
        const hit = document.elementFromPoint(ring.x + ring.width / 2, ring.y + ring.height / 2);
        return Boolean(hit) && !hit.closest('.tour-card, .tour-ring');
    }""")


@pytest.mark.long
@pytest.mark.parametrize("level", EXPECTED)
def test_every_level_is_demonstrated_with_the_real_controls(app_page, level):
    start(app_page, level)
    page, steps = app_page.page, []
    while current_step(app_page) != "end":
        steps.append(current_step(app_page))
        shown = page.locator(".tour-text").text_content()
        assert 20 < len(shown) < 240 and "tour." not in shown
        app_page.wait_until_still(".tour-card")
        assert can_click_target(app_page), f"the card covers the target of {steps[-1]}"
        page.locator(".tour-show").click()
        page.wait_for_selector(f".tour-card[data-done], .tour-card:not([data-step={steps[-1]}])", timeout=25_000)
        selector, name, pattern = EXPECTED[level].get(steps[-1], (".summary", "textContent", f"{steps[-1]},"))
        value = page.eval_on_selector(selector, f"node => String(node.{name})")
        assert re.search(pattern, value), f"{steps[-1]}: {value}"
        if current_step(app_page) == steps[-1]:
            page.locator(".tour-next").click()
    assert [name for name in steps if name in EXPECTED[level]] == list(EXPECTED[level]) and len(steps) <= 11
    page.locator(".tour-next").click()
    assert page.locator(".tour-card, .tour-ring").count() == 0
    expect(page.locator("[data-panel=tour]")).to_be_focused()
    page.locator("[data-action=clear]").click()
    app_page.open_panel("settings")
    assert page.locator("#random-seed").is_checked() and page.locator("#temperature").input_value() == "1"
    app_page.set(seed=3)
    app_page.draw_seven()
    app_page.complete()
    app_page.finish()
    assert page.locator(".tile").count() == 4


@pytest.mark.long
def test_the_tour_continues_when_the_user_has_performed_a_step(app_page):
    start(app_page, "child")
    app_page.draw_seven()
    expect(app_page.locator(".tour-card[data-step=cut]")).to_be_visible()
    app_page.move_cut(1)
    expect(app_page.locator(".tour-card[data-step=complete]")).to_be_visible()
    app_page.complete()
    expect(app_page.locator(".tour-card[data-step=speed]")).to_be_visible()
    expect(app_page.locator(".tour-text[aria-live=polite]")).to_have_text(text("tour.child.speed"))


@pytest.mark.long
def test_leaving_the_tour_by_keyboard_stops_the_demonstration(app_page):
    app_page.locator("[data-panel=tour]").press("Enter")
    app_page.locator("[data-level=student]").press("Enter")
    expect(app_page.locator(".tour-show")).to_be_focused()
    app_page.page.keyboard.press("Enter")
    app_page.page.wait_for_function(f"({READ_PIXELS})().includes('k')")  # in the middle of the drawing
    app_page.page.keyboard.press("Escape")
    assert app_page.locator(".tour-card, .tour-ring").count() == 0
    expect(app_page.locator("[data-panel=tour]")).to_be_focused()
    drawn = app_page.pixels()
    app_page.wait_for_frames(30)  # longer than the next part of the drawing takes
    assert app_page.pixels() == drawn
    app_page.complete()
    app_page.finish()


@pytest.mark.long
def test_steps_that_need_other_models_are_left_out(app_page):
    """Models are found by their kind, whatever the name of their weights."""

    def only_pixelcnn(route):
        facts = route.fetch().json()
        facts |= {"default": "my-weights", "models": {"my-weights": facts["models"]["pixelcnn"]}}
        route.fulfill(json=facts)

    app_page.page.route("**/models", only_pixelcnn)
    with app_page.page.expect_response("**/models"):
        app_page.page.reload()
    app_page.wait_for_store("store.facts.default === 'my-weights'")
    start(app_page, "researcher")
    steps = []
    while current_step(app_page) != "end":
        steps.append(current_step(app_page))
        app_page.locator(".tour-next").click()
    assert steps == ["nats", "about", "pixelcnn", "receptive_field"]


@pytest.mark.long
@pytest.mark.parametrize("size", [(320, 700), (360, 640)])
def test_on_a_small_phone_with_reduced_motion_the_card_is_inside_the_window(chromium, server, size):
    phone = Page(chromium, server, viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce")
    start(phone, "child")
    for name in ("draw", "cut", "complete"):
        assert current_step(phone) == name
        phone.wait_for_frames()
        card = phone.locator(".tour-card").bounding_box()
        assert card["x"] >= 0 and card["x"] + card["width"] <= size[0] and 0 <= card["y"] <= size[1] - card["height"]
        assert can_click_target(phone)
        assert phone.locator(".tour-ring").evaluate("ring => getComputedStyle(ring).animationName") == "none"
        phone.locator(".tour-show").click()
        phone.page.wait_for_selector(".tour-card[data-done]")
        phone.locator(".tour-next").click()
    phone.close()
