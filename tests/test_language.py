"""The page in Korean: by the browser's language, by the switch, and on the next visit."""

import re

import pytest
from browser import Page
from playwright.sync_api import expect

from web.texts import WORDS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(90)]

NAMES = {"pixelcnn", "freeform", "row", "lstm", "diagonal", "bilstm", "gated", "english", "tab", "nat", "esc", "api"}
SAID = """() => {  // every text that is shown, chosen from, or names something for who cannot see it
    const page = document.querySelector('.page'), said = [];
    const walker = document.createTreeWalker(page, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const at = walker.currentNode.parentElement;
        if (at.closest('.spoken')) continue;  // what was read out was read out
        if (at.checkVisibility() || at.closest('select')) said.push(walker.currentNode.textContent);
    }
    for (const node of page.querySelectorAll('[aria-label], [title]')) {
        if (node.checkVisibility()) said.push(node.ariaLabel || '', node.title || '');
    }
    return said.filter((text) => text.trim());
}"""


def english(page) -> list[str]:
    """What is said with an English word in it, names apart."""
    return [text for text in page.evaluate(SAID) if set(re.findall(r"[a-z]{3,}", text.lower())) - NAMES]


def everything(opened) -> None:
    """A completion that is read, so that most of the page has something to say."""
    opened.seven()
    opened.complete()
    expect(opened.page.locator(".facts")).to_contain_text("nat", timeout=20_000)
    opened.page.mouse.click(*opened.at(20, 14))
    expect(opened.page.locator(".reading")).to_be_visible()


@pytest.mark.long
def test_a_korean_browser_finds_a_korean_page(chromium, server):
    opened = Page(chromium, server, viewport={"width": 1280, "height": 900}, locale="ko-KR")
    assert opened.page.evaluate("document.documentElement.lang") == "ko"
    expect(opened.page.locator("#complete")).to_have_text(WORDS["complete"][1])
    expect(opened.page.locator(".language")).to_have_text("English")
    opened.close()


@pytest.mark.long
def test_the_switch_changes_every_text_and_is_remembered(opened):
    everything(opened)
    assert english(opened.page)
    opened.page.locator(".language").click()
    assert english(opened.page) == []
    for panel in ("settings", "lens", "digits", "sight", "quiz", "tour"):
        opened.panel(panel)
        assert english(opened.page) == [], panel
    opened.page.locator("[data-level=child]").click()
    assert english(opened.page) == []
    opened.page.locator(".language").click()
    expect(opened.page.locator(".tour-text")).to_have_text(WORDS["tour.child.draw"][0])
    opened.page.locator(".language").click()
    opened.page.reload()
    expect(opened.page.locator("#complete")).to_have_text(WORDS["complete"][1])
    assert opened.page.evaluate("document.documentElement.lang") == "ko"
    opened.page.locator(".language").click()
    expect(opened.page.locator("#complete")).to_have_text("Complete")


def test_what_the_server_refuses_or_tells_is_said_in_korean_too(chromium, server):
    opened = Page(chromium, server, viewport={"width": 1280, "height": 900}, locale="ko-KR")
    opened.page.evaluate("document.querySelector('.page').desk.drawing.change((drawing) => drawing.cutAt(28))")
    opened.complete()
    expect(opened.page.locator("body")).to_contain_text("모든 픽셀이 주어져 채울 것이 없습니다")
    opened.panel("about")
    expect(opened.page.locator(".about-device")).to_contain_text("CPU에서 함께 들어 있는 가중치(으)로 실행 중입니다")
    opened.close()
