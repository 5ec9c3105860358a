"""The page in class, in a real Chromium: joined by its code, a wall that all see, and legible from the back row."""

import io
import re

import pytest
import zxingcpp
from browser import Page
from PIL import Image
from playwright.sync_api import expect
from test_wall import PICTURE, key_of, rule

from benchmarks import visitors
from web.qr import encode, path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60)]
DESKTOP, PHONE, PROJECTOR = ({"width": w, "height": h} for w, h in [(1280, 900), (390, 844), (1920, 1080)])

ADDRESS = "http://192.168.178.123:7860"
CODE = encode(ADDRESS)
WAY = {"address": ADDRESS, "qr": {"size": len(CODE), "path": path(CODE)}}
COLOURS = "canvas => canvas.getContext('2d').getImageData(0, 0, 28, 28).data.join()"

# The lowest contrast of any letters on the page with what is behind them, and which letters (WCAG 2's formula).
CONTRAST = """() => {
    const parts = (colour) => { const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
    const light = (colour) => parts(colour).slice(0, 3).map((v) => v / 255)
        .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (node) => {
        for (let at = node; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if (parts(colour)[3] === 1) return light(colour);
        }
        return 1;
    };
    let least = [21, ""];
    for (const node of document.querySelectorAll(".page *")) {
        const text = [...node.childNodes].filter((one) => one.nodeType === 3).map((one) => one.data.trim()).join("");
        if (!text || !node.checkVisibility({ visibilityProperty: true }) || node.closest(".stage, .spoken")) continue;
        const [a, b] = [light(getComputedStyle(node).color), behind(node)].sort();
        const ratio = (b + 0.05) / (a + 0.05);
        if (ratio < least[0]) least = [ratio, text];
    }
    return least;
}"""


@pytest.fixture(scope="module")
def lan(tmp_path_factory):
    """The address of a page that was started for a class, and what it printed."""
    log = tmp_path_factory.mktemp("class") / "log"
    with visitors.server("--lan", log=log, env={"GRADIO_SERVER_NAME": ""}) as address:
        yield address, log


@pytest.fixture
def desktop(chromium, lan):
    page = Page(chromium, lan[0], viewport=DESKTOP)
    yield page
    page.close()


def tiles(page: Page):
    return page.page.locator(".wall li")


@pytest.mark.long
def test_the_code_on_the_page_can_be_read_off_it(desktop):
    desktop.page.route("**/class", lambda route: route.fulfill(json=WAY))
    desktop.panel("class")
    expect(desktop.page.locator(".join-address")).to_have_text(WAY["address"])
    shot = Image.open(io.BytesIO(desktop.page.screenshot()))
    (found,) = zxingcpp.read_barcodes(shot)
    assert found.text == WAY["address"]


@pytest.mark.long
def test_what_one_puts_on_the_wall_another_sees_and_only_the_teacher_takes_it_down(chromium, lan, desktop):
    rule(lan, "clear")
    phone = Page(chromium, lan[0], viewport=PHONE, has_touch=True, is_mobile=True)
    phone.panel("class")
    expect(phone.page.locator(".wall-state")).to_contain_text("Complete a picture")
    expect(phone.page.locator(".give")).to_be_disabled()

    desktop.seven()
    desktop.complete()
    desktop.finish()
    desktop.panel("class")
    desktop.page.locator("#wall-name").fill("<b>Mina</b>")
    desktop.page.locator(".give").click()
    expect(tiles(desktop)).to_have_count(1, timeout=15_000)
    expect(desktop.page.locator(".give")).to_be_disabled()

    expect(tiles(phone)).to_have_count(1, timeout=5000)
    expect(tiles(phone).locator(".hung-name")).to_have_text("<b>Mina</b>")
    expect(tiles(phone).locator(".hung-model")).to_have_text("freeform")
    hung = tiles(phone).locator("canvas").evaluate(COLOURS)
    assert hung == desktop.page.locator(".pixels").evaluate(COLOURS), "the same pixels in the same two colours"
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing sticks out"

    desktop.page.on("dialog", lambda dialog: dialog.accept())
    desktop.page.locator(".teacher summary").click()
    desktop.page.locator("#teacher-key").fill("wrong")
    desktop.page.get_by_role("button", name="Clear the wall").click()
    expect(desktop.page.locator(".class-said")).to_contain_text("This is not the teacher's key")
    assert any("403" in fault for fault in desktop.faults)
    desktop.faults.clear()
    desktop.page.locator("#teacher-key").fill(key_of(lan[1]))
    desktop.page.get_by_role("button", name="Clear the wall").click()
    expect(tiles(desktop)).to_have_count(0)
    expect(tiles(phone)).to_have_count(0, timeout=5000)
    desktop.page.get_by_role("button", name="Close the wall").click()
    expect(phone.page.locator(".wall-state")).to_have_text("The wall is closed for now.", timeout=5000)
    desktop.page.reload()
    desktop.panel("class")
    assert desktop.page.locator("#teacher-key").input_value() == key_of(lan[1]), "the key is kept in the tab"
    rule(lan, "open")
    phone.close()


@pytest.mark.long
def test_what_the_teacher_shares_can_be_opened_by_the_class(desktop):
    """At 127.0.0.1 the page is of use to the teacher's own machine alone."""
    desktop.page.route("**/class", lambda route: route.fulfill(json=WAY))
    desktop.panel("share")
    expect(desktop.page.locator("#share-link")).to_have_value(re.compile(re.escape(WAY["address"]) + "/#1[.]"))
    assert f'Client("{WAY["address"]}/"' in desktop.page.locator("#share-python").input_value()


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_from_the_back_row(chromium, lan, scheme):
    """1920 x 1080 by the teacher's bookmark: canvas as large as the screen allows, no small print, black on white."""
    page = Page(chromium, lan[0], viewport=PROJECTOR, color_scheme=scheme)
    assert page.page.locator("footer").is_visible()
    page.page.goto(f"{lan[0]}/?projector")
    page.page.wait_for_selector(".page.projector[data-ready]")
    page.settle()
    box = page.page.locator(".stage").bounding_box()
    assert box["width"] == box["height"] > 0.94 * 1080 and box["y"] >= 0 and box["y"] + box["height"] <= 1080
    assert not page.page.locator("footer").is_visible() and not page.page.locator("header p").is_visible()
    page.set(samples=4)
    page.complete()
    page.finish()
    page.panel("class")
    page.page.locator(".code").wait_for()
    ratio, text = page.page.evaluate(CONTRAST)
    assert ratio >= 7, f"{text!r} has a contrast of {ratio:.1f}"
    sizes = page.page.evaluate(
        "[...document.querySelectorAll('.page :is(button, p, span, dt, dd)')].filter(n => n.checkVisibility()"
        " && n.textContent.trim() && !n.closest('.spoken')).map(n => parseFloat(getComputedStyle(n).fontSize))"
    )
    assert min(sizes) >= 1080 / 45, "no letters are smaller than a 45th of the screen"
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 1920
    page.page.evaluate("scrollTo(0, 9999)")
    page.page.wait_for_function("scrollY > 0")
    stays = page.page.locator(".stage").bounding_box()
    assert stays == pytest.approx(box, abs=2), "the canvas stays when a long panel is read to its end"
    page.close()


@pytest.mark.long
def test_projector_mode_comes_and_goes_by_key_and_button_and_lists_the_keys(desktop):
    page, root = desktop.page, desktop.page.locator(".page")
    desktop.seven()
    page.keyboard.press("p")  # with the focus where somebody has just drawn
    expect(root).to_have_class(re.compile("projector"))
    assert page.url.endswith("/?projector")
    page.keyboard.press("?")
    listed = page.locator(".all-keys")
    expect(listed).to_contain_text("Leave projector mode")
    assert float(listed.locator("dd").first.evaluate("node => parseFloat(getComputedStyle(node).fontSize)")) >= 900 / 36
    page.keyboard.press("Escape")
    expect(listed).to_be_hidden()
    expect(root).to_have_class(re.compile("projector"))  # escape closed the list alone
    page.keyboard.press("Escape")
    expect(root).not_to_have_class(re.compile("projector"))
    assert "projector" not in page.url
    page.locator(".project").click()
    page.keyboard.press("p")
    expect(root).not_to_have_class(re.compile("projector"))


@pytest.mark.long
def test_the_wall_fills_the_page_of_a_projector(chromium, lan):
    rule(lan, "clear")
    page = Page(chromium, lan[0], viewport=PROJECTOR, reduced_motion="reduce")
    page.page.route("**/wall?*", lambda route: route.fulfill(json=full_wall(120)))
    page.page.keyboard.press("p")
    page.panel("class")
    page.page.get_by_role("button", name="Show the wall on the whole page").click()
    wall = page.page.locator(".whole-wall")
    box = wall.bounding_box()
    assert box == {"x": 0, "y": 0, "width": 1920, "height": 1080}
    expect(tiles(page)).to_have_count(120)
    last = tiles(page).last.bounding_box()
    assert last["y"] + last["height"] <= 1080 and last["width"] > 60, "all are seen at once"
    expect(wall.locator(".code")).to_be_visible()
    page.page.keyboard.press("Escape")
    expect(wall).to_be_hidden()
    expect(page.page.locator(".panel-class .wall li")).to_have_count(120)
    page.close()


def full_wall(count: int) -> dict:
    pictures = [PICTURE | {"number": number, "name": f"Nr. {number}"} for number in range(1, count + 1)]
    return {"token": "x-1", "open": True, "whole": True, "oldest": 1, "pictures": pictures}


@pytest.mark.long
def test_without_a_class_there_is_no_panel(opened):
    assert opened.page.locator("[data-panel=about]").count() == 1 and opened.page.locator("[data-panel=class]").count() == 0
