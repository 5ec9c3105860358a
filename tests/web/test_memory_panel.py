"""The memory panel on the real page, with tiny models of random weights."""

import re

import pytest
from browser import Page, text
from conftest import TINY, tiny_model
from playwright.sync_api import expect

from benchmarks import clients
from pixelcnn.hub.files import save_weights

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(200)]


@pytest.mark.parametrize(("name", "sizes"), [("fast_weights", [(28, 28), (5, 5)]), ("dnc", [(3, 28), (6, 28)])])
def test_the_memory_is_shown_while_pixels_appear(chromium, tmp_path, name, sizes):
    assert TINY[name]["hidden"] in (3, 5)
    save_weights(tiny_model(name, 28, 28).float(), tmp_path / "mine.safetensors", dataset="mnist-threshold")
    with clients.server("--weights", str(tmp_path / "mine.safetensors")) as address:
        page = Page(chromium, address, viewport={"width": 1280, "height": 900})
        page.page.set_default_timeout(60_000)
        page.draw_seven()
        page.open_panel("memory")
        note = page.locator(".memory-note")
        expect(note).to_have_text(text("memory.no_completion"))
        page.complete()
        page.finish()
        page.seek(100)  # row 18, column 17
        expect(note).to_contain_text("column 17")
        expect(note).to_contain_text(re.compile("row 18" if name == "dnc" else "row 18, column 17"))
        canvases = page.locator(".memory-figures canvas").all()
        assert [(each.evaluate("c => c.width"), each.evaluate("c => c.height")) for each in canvases] == sizes
        before = canvases[1].evaluate("c => c.toDataURL()")
        page.seek(300)
        expect(note).to_contain_text("row 25")
        assert canvases[1].evaluate("c => c.toDataURL()") != before
        page.set(model="freeform")
        expect(page.locator("[data-panel=memory]")).to_be_hidden()
        page.close()
