"""The first view at every size of window: what it shows without scrolling, its gallery, bars, current pixel and example."""

import pytest
from browser import Page, text, to_fixed
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(90)]

FIRST_VIEW = (".stage", ".tools", "#complete", ".transport", ".gallery", ".bars", ".next-pixel", ".panel-tabs")
STATUS = ".status-line"
# The part of an element that is in the window and above the status line, 0..1.
SHOWN = """(selector) => {
    const box = (name) => document.querySelector(name).getBoundingClientRect();
    const { top, bottom, left, right } = box(selector);
    const floor = selector === '.status-line' ? innerHeight : box('.status-line').top;
    const share = (from, to, end) => Math.max(0, Math.min(to, end) - Math.max(0, from)) / (to - from);
    return share(top, bottom, floor) * share(left, right, innerWidth);
}"""
# Buttons whose text is wider or higher than they are.
CUT_TEXTS = """() => [...document.querySelectorAll('.page button')].filter((button) => button.checkVisibility())
    .filter((button) => button.scrollWidth > button.clientWidth + 1 || button.scrollHeight > button.clientHeight + 1)
    .map((button) => button.textContent)"""


def visit(chromium, server, width: int, height: int, **context) -> Page:
    return Page(chromium, server, viewport={"width": width, "height": height}, reduced_motion="reduce", **context)


def complete_seven(app_page: Page) -> None:
    app_page.store("updateSettings({ model: 'freeform', seed: 5, randomSeed: false })")
    app_page.draw_seven()
    app_page.complete()
    app_page.finish()
    app_page.seek(100)


@pytest.mark.parametrize("size", [(1366, 650), (1280, 585), (1920, 1080), (1000, 700)])
@pytest.mark.parametrize("language", ["en-US", pytest.param("ko-KR", marks=pytest.mark.long)])
def test_a_wide_first_view_needs_no_scrolling(chromium, server, size, language):
    app_page = visit(chromium, server, *size, locale=language)
    names = [name for name in (*FIRST_VIEW, STATUS) if size[0] > 1000 or name != ".next-pixel"]
    assert {name: app_page.page.evaluate(SHOWN, name) for name in names} == dict.fromkeys(names, 1)
    assert app_page.page.evaluate(CUT_TEXTS) == []
    assert size[0] == 1000 or app_page.page.evaluate("document.documentElement.scrollHeight") <= size[1]
    app_page.close()


@pytest.mark.long
def test_the_first_view_of_a_phone_has_canvas_player_pictures_bars_and_the_current_pixel(chromium, server):
    phone = visit(chromium, server, 390, 844, has_touch=True, is_mobile=True)
    complete_seven(phone)
    names = (".stage", ".tools", "#complete", ".transport", ".tiles", ".bars", ".next-pixel", STATUS)
    assert {name: round(phone.page.evaluate(SHOWN, name), 2) for name in names} == dict.fromkeys(names, 1)
    for name in (".next-pixel h2", ".probability-text", ".summary"):
        assert phone.locator(name).evaluate("(line) => line.scrollWidth <= line.clientWidth"), name
    phone.close()


@pytest.mark.long
@pytest.mark.parametrize("size", [(320, 320), (600, 500), (667, 375), (683, 325), (360, 640)])
def test_in_a_small_window_every_button_shows_its_text_and_a_panel_opens_in_view(chromium, server, size):
    app_page = visit(chromium, server, *size, has_touch=True)
    assert app_page.page.evaluate(CUT_TEXTS) == []
    assert app_page.locator("#complete").bounding_box()["width"] >= 96
    app_page.locator("[data-panel=settings]").tap()
    app_page.wait_until_still("#panel-settings")
    box = app_page.locator("#panel-settings").bounding_box()
    assert 0 <= box["y"] < 0.6 * size[1], "the beginning of the panel"
    assert app_page.page.evaluate("document.documentElement.scrollWidth") <= size[0]
    app_page.locator("#panel-settings .close-panel").tap()
    expect(app_page.locator("#panel-settings")).to_be_hidden()
    app_page.close()


@pytest.mark.long
def test_a_larger_font_of_the_browser_makes_all_text_larger(app_page):
    sizes = """() => ['h1', '.complete', '.group-name', '[data-panel=quiz]', '.summary', '.bars .digit', '.hint']
        .map((selector) => parseFloat(getComputedStyle(document.querySelector(selector)).fontSize))"""
    before = app_page.page.evaluate(sizes)
    app_page.page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert all(b >= 1.5 * a for a, b in zip(before, app_page.page.evaluate(sizes), strict=True))


def test_the_current_pixel_shows_its_probability_and_the_random_number_that_decides(app_page):
    complete_seven(app_page)
    completion = app_page.completions()[0]
    for step in (100, 150, 392):
        app_page.seek(step)
        shown = min(step, 391)
        drawn = completion["ink"][shown] > 0
        p = completion["probabilities"][shown] if drawn else 1 - completion["probabilities"][shown]
        expect(app_page.locator(".pixel-ink")).to_have_text(text("pixel.ink", percent=to_fixed(100 * p, 1)))
        color = text("player.ink" if drawn else "player.paper")
        number = app_page.store(f"completions[0].noise[{shown}].toFixed(3)")
        expect(app_page.locator(".pixel-outcome")).to_have_text(text("pixel.number", number=number, color=color))
    assert app_page.locator(".tile").count() == 4
    expect(app_page.locator(".bars .percent").first).to_contain_text("%")
    heading = app_page.locator(".next-pixel h2")
    expect(heading).to_have_text(text("pixel.last", row=28, column=28))
    app_page.click_pixel(20, 14)
    expect(heading).to_have_text(text("pixel.chosen", row=21, column=15))
    app_page.click_pixel(6, 10)
    expect(app_page.locator(".pixel-outcome")).to_have_text(text("pixel.known", color=text("player.ink")))


def test_a_top_in_the_empty_gallery_is_completed_by_a_click(app_page):
    starters = app_page.locator(".starters .example")
    expect(starters).to_have_count(4)
    starters.nth(1).click()
    app_page.finish()
    expect(app_page.locator(".tile")).to_have_count(4)
    expect(starters.first).to_be_hidden()
    app_page.locator("[data-action=undo]").click()
    assert app_page.store("drawing.untouched")
    expect(starters.first).to_be_visible()


@pytest.mark.long
def test_on_the_first_visit_an_example_plays_until_the_first_input(chromium, server):
    first = Page(chromium, server, first_visit=True)
    first.wait_for_store("store.step > 20")
    assert first.store("completions.length") == 4 and first.locator(".invitation").is_visible()
    first.draw_seven()
    assert "m" not in first.pixels() and first.locator(".invitation").is_hidden()
    assert first.store("drawing.history.length") == 1, "the example is no step to undo"
    first.page.reload()
    first.page.wait_for_selector(".page[data-ready]")
    first.wait_for_store("!store.drawing.blank")
    assert first.store("completions.length") == 0, "the drawing is back, and no example"
    first.close()


@pytest.mark.long
def test_the_example_ends_with_an_invitation_and_stays_if_it_is_explored(chromium, server):
    first = Page(chromium, server, first_visit=True)
    expect(first.locator(".invitation")).to_have_text(text("first_visit.done"), timeout=20_000)
    first.locator(".tile").nth(2).click()
    assert first.store("selected") == 2 and first.store("completions.length") == 4
    expect(first.locator(".invitation")).to_be_hidden()
    expect(first.locator(".starters .example").first).to_be_visible()
    first.complete()
    expect(first.locator(".starters .example").first).to_be_hidden()
    first.close()


@pytest.mark.long
def test_no_example_plays_with_reduced_motion(chromium, server):
    first = Page(chromium, server, first_visit=True, reduced_motion="reduce")
    first.wait_for_frames(30)
    assert first.store("pending") is None and first.store("drawing.untouched")
    first.close()
