"""The guided tour in a real Chromium: each level walked through by "show me", and by doing what it says."""

import json
import re

import pytest
from browser import Page
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(130)]

# What must be so on the page when a step has been shown: (selector, attribute or property, pattern).
SHOWN = {
    "child": {
        "draw": (".hint", "style.opacity", "^0$"),
        "cut": (".cut", "ariaValueNow", "^16$"),
        "complete": (".facts", "textContent", r"Pixel (\d+) of \1\b.*nats"),
        "slow": (".speed", "value", "^22$"),
        "step": (".odds-text", "textContent", "% ink"),
        "odds": (".odds-text", "textContent", "% ink"),
        "finish": (".facts", "textContent", r"Pixel (\d+) of \1\b"),
        "nine": (".tiles", "childElementCount", "^9$"),
        "choose": (".tile:nth-child(2)", "ariaPressed", "true"),
        "yours": (".page", "dataset.takes", "^0$"),
    },
    "student": {
        "draw": (".hint", "style.opacity", "^0$"),
        "product": (".facts", "textContent", r"Pixel (7\d|[89]\d|1\d\d) of 392"),
        "temperature": ("#temperature", "value", r"^0\.4$"),
        "go_on": (".tile:nth-child(2) .caption", "textContent", r"from pixel \d"),
        "read": (".reading-text", "textContent", r"surprise of \d"),
        "flip": (".tile:nth-child(2) .caption", "textContent", r"from pixel \d"),
        "sight": ("#panel-sight", "hidden", "false"),
        "seed": ("#dice", "checked", "false"),
        "digits": (".facts", "textContent", "freeform"),
        "quiz": ("#panel-quiz", "hidden", "false"),
    },
    "researcher": {
        "nats": (".facts", "textContent", r"Pixel (\d+) of \1\b.*nats in all"),
        "about": (".about-cost", "textContent", r"ms for 392 pixels"),
        "pixelcnn": (".facts", "textContent", "pixelcnn,"),
        "sight": ("#panel-sight", "hidden", "false"),
        "freeform": (".facts", "textContent", "freeform,"),
        "against": (".tile:nth-child(2) .caption", "textContent", "pixelcnn"),
    },
}


def begin(opened, level: str) -> None:
    opened.panel("tour")
    opened.page.locator(f"[data-level={level}]").click()
    expect(opened.page.locator(".tour-card")).to_be_visible()


def step(opened) -> str:
    return opened.page.locator(".tour-card").get_attribute("data-step")


def free(opened) -> bool:
    """Whether a click in the middle of the ring meets the page."""
    return opened.page.evaluate("""() => {
        const ring = document.querySelector('.tour-ring').getBoundingClientRect();
        const met = document.elementFromPoint(ring.x + ring.width / 2, ring.y + ring.height / 2);
        return Boolean(met) && !met.closest('.tour-card, .tour-ring');
    }""")


@pytest.mark.long
@pytest.mark.parametrize("level", SHOWN)
def test_each_level_is_shown_to_its_end_with_the_real_controls(opened, level):
    begin(opened, level)
    page, seen = opened.page, []
    while step(opened) != "end":
        seen.append(step(opened))
        said = page.locator(".tour-text").text_content()
        assert 20 < len(said) < 240 and "tour." not in said
        page.wait_for_timeout(400)  # until it has been scrolled to
        assert free(opened), f"{seen[-1]} lies under the card"
        page.locator(".tour-show").click()
        page.wait_for_selector(f".tour-card[data-done], .tour-card:not([data-step={seen[-1]}])", timeout=25_000)
        selector, what, pattern = SHOWN[level].get(seen[-1], (".facts", "textContent", f"{seen[-1]},"))
        found = page.eval_on_selector(selector, f"node => String(node.{what})")
        assert re.search(pattern, found), f"{seen[-1]}: {found}"
        if step(opened) == seen[-1]:
            page.locator(".tour-next").click()
    assert [name for name in seen if name in SHOWN[level]] == list(SHOWN[level]) and len(seen) <= 10
    page.locator(".tour-next").click()
    assert page.locator(".tour-card, .tour-ring").count() == 0
    expect(page.locator("[data-panel=tour]")).to_be_focused()
    opened.page.locator("[data-act=clear]").click()
    opened.set(seed=3)
    assert page.locator("#dice").is_checked() and page.locator("#temperature").input_value() == "1"
    opened.seven()
    opened.complete()
    opened.finish()
    assert page.locator(".tile").count() == 1


@pytest.mark.long
def test_it_goes_on_by_itself_when_a_person_has_done_it(opened):
    begin(opened, "child")
    opened.seven()
    expect(opened.page.locator(".tour-card[data-step=cut]")).to_be_visible()
    opened.page.locator(".cut").press("ArrowDown")
    expect(opened.page.locator(".tour-card[data-step=complete]")).to_be_visible()
    opened.complete()
    expect(opened.page.locator(".tour-card[data-step=slow]")).to_be_visible()
    assert "Make it slower" in opened.page.locator(".tour-text[aria-live=polite]").text_content()


@pytest.mark.long
def test_by_keyboard_and_left_in_the_midst(opened):
    opened.page.locator("[data-panel=tour]").press("Enter")
    opened.page.locator("[data-level=student]").press("Enter")
    expect(opened.page.locator(".tour-show")).to_be_focused()
    opened.page.keyboard.press("Enter")
    opened.page.wait_for_timeout(150)
    opened.page.keyboard.press("Escape")
    assert opened.page.locator(".tour-card, .tour-ring").count() == 0
    expect(opened.page.locator("[data-panel=tour]")).to_be_focused()
    held = opened.pixels()
    opened.page.wait_for_timeout(500)
    assert opened.pixels() == held, "what was being shown stops when the tour is left"
    opened.complete()
    opened.finish()


@pytest.mark.long
def test_what_this_page_has_not_is_left_out(opened):
    def alone(route):
        facts = route.fetch().json()
        facts |= {"default": "pixelcnn", "models": {"pixelcnn": facts["models"]["pixelcnn"]}}
        route.fulfill(body=json.dumps(facts), content_type="application/json")

    opened.page.route("**/models", alone)
    with opened.page.expect_response("**/models"):
        opened.page.reload()
    begin(opened, "researcher")
    names = []
    while step(opened) != "end":
        names.append(step(opened))
        opened.page.locator(".tour-next").click()
    assert names == ["nats", "about", "pixelcnn", "sight"]


@pytest.mark.long
def test_on_a_phone_with_less_motion_it_lies_inside_the_window(chromium, server):
    phone = Page(chromium, server, viewport={"width": 320, "height": 700}, reduced_motion="reduce")
    begin(phone, "child")
    for name in ("draw", "cut", "complete"):
        assert step(phone) == name
        phone.page.wait_for_timeout(100)
        card = phone.page.locator(".tour-card").bounding_box()
        assert card["x"] >= 0 and card["x"] + card["width"] <= 320 and 0 <= card["y"] <= 700 - card["height"]
        assert (
            free(phone)
            and phone.page.locator(".tour-ring").evaluate("ring => getComputedStyle(ring).animationName") == "none"
        )
        phone.page.locator(".tour-show").click()
        phone.page.wait_for_selector(".tour-card[data-done]")
        phone.page.locator(".tour-next").click()
    phone.close()
