"""The page in Korean: by the browser's language, by the language button, and on later visits."""

import re

import httpx
import pytest
from browser import Page, text
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(90)]

DESKTOP = {"width": 1280, "height": 900}
NAMES = {"pixelcnn", "freeform", "row", "lstm", "diagonal", "bilstm", "gated", "english", "tab", "nat", "esc", "api"}
# All visible texts, options, labels and tooltips of the page.
VISIBLE_TEXTS = """() => {
    const page = document.querySelector('.page'), texts = [];
    const walker = document.createTreeWalker(page, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const parent = walker.currentNode.parentElement;
        if (parent.closest('.visually-hidden')) continue;  // announcements are not repeated in another language
        if (parent.checkVisibility() || parent.closest('select')) texts.push(walker.currentNode.textContent);
    }
    for (const node of page.querySelectorAll('[aria-label], [title]')) {
        if (node.checkVisibility()) texts.push(node.ariaLabel || '', node.title || '');
    }
    return texts.filter((text) => text.trim());
}"""


def english_texts(page) -> list[str]:
    """The texts that contain English words other than names."""
    return [shown for shown in page.evaluate(VISIBLE_TEXTS) if set(re.findall(r"[a-z]{3,}", shown.lower())) - NAMES]


@pytest.mark.long
def test_a_korean_browser_shows_the_page_in_korean(chromium, server):
    app_page = Page(chromium, server, viewport=DESKTOP, locale="ko-KR")
    assert app_page.page.evaluate("document.documentElement.lang") == "ko"
    expect(app_page.locator("#complete")).to_have_text(text("complete", "ko"))
    expect(app_page.locator(".language")).to_have_text(text("language", "ko"))
    app_page.close()


@pytest.mark.long
def test_the_language_button_changes_every_text_and_is_remembered(app_page):
    language = app_page.locator(".language")
    app_page.draw_seven()
    app_page.complete()
    app_page.finish()
    app_page.click_pixel(20, 14)
    expect(app_page.locator(".pixel-readout")).to_be_visible()
    assert english_texts(app_page.page)
    language.click()
    assert english_texts(app_page.page) == []
    for panel in ("settings", "overlay", "digits", "receptive_field", "quiz", "tour"):
        app_page.open_panel(panel)
        assert english_texts(app_page.page) == [], panel
    app_page.locator("[data-level=child]").click()
    assert english_texts(app_page.page) == []
    language.click()
    expect(app_page.locator(".tour-text")).to_have_text(text("tour.child.draw"))
    language.click()
    app_page.page.reload()
    expect(app_page.locator("#complete")).to_have_text(text("complete", "ko"))
    assert app_page.page.evaluate("document.documentElement.lang") == "ko"
    language.click()
    expect(app_page.locator("#complete")).to_have_text(text("complete"))


def test_errors_and_messages_of_the_server_are_shown_in_korean(chromium, server):
    app_page = Page(chromium, server, viewport=DESKTOP, locale="ko-KR")
    app_page.store("drawing.change((drawing) => drawing.moveCut(28))")
    app_page.complete()
    expect(app_page.locator("body")).to_contain_text(text("error.nothing_unknown", "ko"))
    expect(app_page.locator(".notice p")).to_have_text(text("error.nothing_unknown", "ko"))
    assert app_page.locator(".toast-body").count() == 0, "Gradio's own title is in English"
    app_page.locator(".notice-close").click()
    expect(app_page.locator(".notice")).to_be_hidden()
    problem = {"error": "Missing.", "code": "weights_missing", "params": {"path": "a.safetensors"}}
    state = httpx.get(f"{server}/ready", timeout=20).json() | {"weights_problems": [problem]}
    app_page.page.route("**/ready", lambda route: route.fulfill(json=state))
    app_page.open_panel("about")
    expect(app_page.locator(".about-problems")).to_have_text(text("error.weights_missing", "ko", path="a.safetensors"))
    weights = text("message.weights_bundled", "ko")
    device = text("about.device", "ko", device=text("server.cpu", "ko"), weights=weights)
    expect(app_page.locator(".about-device")).to_have_text(device)
    app_page.close()
