"""Accessibility: no serious violation found by axe-core, operation by keyboard, reduced motion, contrast of colors."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import Page, text
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(90)]

PANELS = "[...document.querySelectorAll('[data-panel]:not([hidden])')].map(button => button.dataset.panel)"
CONTEXT = {"include": [["#pixelcnn"]]}  # not Gradio's own elements around it


def violations(app_page: Page) -> list[str]:
    """The violations that axe-core calls serious or critical."""
    found = Axe().run(app_page.page, context=CONTEXT).response["violations"]
    return [
        f"{violation['id']}: {node['html'][:120]}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


@pytest.mark.long
@pytest.mark.parametrize(("scheme", "language"), [("light", "en-US"), ("dark", "ko-KR")])
@pytest.mark.parametrize("size", [(1280, 900), (390, 844)])
def test_axe_finds_no_serious_violation(chromium, server, scheme, language, size):
    viewport = {"width": size[0], "height": size[1]}
    app_page = Page(chromium, server, viewport=viewport, color_scheme=scheme, locale=language)
    app_page.draw_seven()
    assert violations(app_page) == []
    app_page.set(samples=4)
    app_page.complete()
    app_page.finish()
    app_page.seek(200)
    for name in app_page.page.evaluate(PANELS):
        app_page.open_panel(name)
        app_page.settle()
        assert violations(app_page) == [], name
    app_page.close()


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation_in_the_quiz_or_the_tour(chromium, server, scheme):
    viewport = {"width": 390, "height": 844}
    app_page = Page(chromium, server, viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
    app_page.draw_seven()
    app_page.open_panel("quiz")
    app_page.locator(".quiz-next").click()
    app_page.locator("[data-state=asking] [data-guess='0.5']").wait_for()
    assert violations(app_page) == []
    app_page.page.keyboard.press("3")
    app_page.locator("[data-state=answered]").wait_for()
    assert violations(app_page) == []
    app_page.open_panel("tour")
    app_page.locator("[data-level=child]").click()
    app_page.locator(".tour-card").wait_for()
    assert violations(app_page) == []
    app_page.close()


@pytest.mark.long
@pytest.mark.timeout(200)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation_in_panels_at_work_or_the_offer(chromium, server, scheme):
    app_page = Page(chromium, server, color_scheme=scheme)
    app_page.stroke((2, 3), (2, 10), (12, 6))
    app_page.locator(".offer-button").press("Enter")
    expect(app_page.locator(".offer-pictures canvas")).to_have_count(3)
    assert violations(app_page) == []
    app_page.locator(".offer-top").press("Enter")
    app_page.open_panel("ladder")
    app_page.locator(".ladder-complete").click()
    app_page.wait_for_completions(5)
    assert violations(app_page) == []
    app_page.finish()
    app_page.locator(".exhibit-pictures canvas:not([aria-hidden=true])").last.wait_for(timeout=60_000)
    assert violations(app_page) == []
    app_page.open_panel("share")
    app_page.locator(".share-programs summary").click()
    assert violations(app_page) == []
    app_page.open_panel("learn")
    app_page.locator(".learn-start").click()
    app_page.locator(".learn-picture[data-step]").wait_for(timeout=60_000)
    assert violations(app_page) == []
    app_page.locator(".learn-stop").click()
    app_page.locator(".learn-download").wait_for(timeout=60_000)
    assert violations(app_page) == []
    app_page.close()


@pytest.mark.long
def test_the_tab_key_reaches_drawing_cut_line_completion_and_overlays(app_page):
    page = app_page.page

    def tab_to(selector: str) -> None:
        for _ in range(60):
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
            page.keyboard.press("Tab")
        pytest.fail(f"{selector} was not reached")

    tab_to(".pixels")
    for key in ("ArrowRight", " ", "ArrowRight", "ArrowRight", " "):
        page.keyboard.press(key)
    tab_to(".cut")
    page.keyboard.press("ArrowDown")
    assert app_page.pixels().count(".") == 13 * 28
    tab_to("#complete")
    page.keyboard.press("Enter")
    app_page.finish()
    tab_to("[data-panel=overlay]")
    page.keyboard.press("Enter")
    tab_to("[data-overlay=surprise]")
    page.keyboard.press(" ")
    assert app_page.store("overlayName") == "surprise"
    page.keyboard.press("Escape")
    expect(page.locator("#panel-overlay")).to_be_hidden()


@pytest.mark.long
def test_the_end_of_a_completion_is_announced(app_page):
    app_page.draw_seven()
    app_page.complete()
    app_page.finish()
    expect(app_page.locator(".player-status")).to_have_text(text("player.finished"))
    position = text("player.pixel_of", pixel=392, total=392)
    assert app_page.locator(".scrub").get_attribute("aria-valuetext") == position


@pytest.mark.long
def test_with_reduced_motion_the_picture_appears_at_once(chromium, server):
    app_page = Page(chromium, server, reduced_motion="reduce")
    app_page.draw_seven()
    app_page.complete()
    app_page.page.wait_for_function("document.querySelector('.scrub').value === '392'", timeout=3000)
    duration = "hint => getComputedStyle(hint).transitionDuration"
    assert app_page.locator(".stage .hint").evaluate(duration) in ("0s", "")
    app_page.close()


@pytest.mark.long
def test_known_and_sampled_pixels_differ_in_lightness(app_page):
    """They can be told apart without seeing hues."""
    app_page.draw_seven()
    app_page.complete()
    app_page.finish()

    def lightness(kind: str) -> float:
        pixel = app_page.pixels().index(kind)
        rgb = app_page.page.evaluate(
            f"[...document.querySelector('.pixels').getContext('2d').getImageData({pixel % 28}, {pixel // 28}, 1, 1).data]"
        )[:3]
        linear = [(value / 255) ** 2.2 for value in rgb]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    known, sampled, paper = (lightness(kind) + 0.05 for kind in ("k", "m", " "))
    assert sampled / known > 2.5 and paper / sampled > 3 and paper / known > 10


def test_the_page_is_painted_and_the_first_pixel_arrives_within_seconds(app_page):
    """Measured by the browser, with generous limits for slow test machines."""
    painted = app_page.page.evaluate("performance.getEntriesByType('paint').at(-1).startTime")
    assert painted < 10_000
    app_page.draw_seven()
    app_page.complete()
    app_page.wait_for_answer()
    assert 0 < app_page.store("pending.latencyMs") < 5000
