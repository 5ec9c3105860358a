"""The classroom panel and projector mode: QR code, class wall, size and contrast of text."""

import io
import re

import pytest
import zxingcpp
from browser import Page, text
from PIL import Image
from playwright.sync_api import expect
from test_access import violations
from test_wall import PICTURE, key_of, moderate

from benchmarks import clients
from web.classroom.join import join_info

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60)]
DESKTOP, PHONE, PROJECTOR = ({"width": w, "height": h} for w, h in [(1280, 900), (390, 844), (1920, 1080)])

ADDRESS = "http://192.168.178.123:7860"
JOIN_INFO = join_info("192.168.178.123", 7860).to_dict()
COLORS = "canvas => canvas.getContext('2d').getImageData(0, 0, 28, 28).data.join()"

# The lowest contrast of any text on the page with its background, and that text (formula of WCAG 2).
LOWEST_CONTRAST = """() => {
    const parts = (color) => { const [r, g, b, a = 1] = color.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
    const luminance = (color) => parts(color).slice(0, 3).map((v) => v / 255)
        .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const background = (node) => {
        for (let ancestor = node; ancestor; ancestor = ancestor.parentElement) {
            const color = getComputedStyle(ancestor).backgroundColor;
            if (parts(color)[3] === 1) return luminance(color);
        }
        return 1;
    };
    let lowest = [21, ""];
    for (const node of document.querySelectorAll(".page *")) {
        const texts = [...node.childNodes].filter((child) => child.nodeType === 3);
        const text = texts.map((child) => child.data.trim()).join("");
        const visible = node.checkVisibility({ visibilityProperty: true }) && !node.closest(".stage, .visually-hidden");
        if (!text || !visible) continue;
        const [a, b] = [luminance(getComputedStyle(node).color), background(node)].sort((x, y) => x - y);
        const ratio = (b + 0.05) / (a + 0.05);
        if (ratio < lowest[0]) lowest = [ratio, text];
    }
    return lowest;
}"""
FONT_SIZES = """[...document.querySelectorAll('.page :is(button, p, span, dt, dd)')]
    .filter((node) => node.checkVisibility() && node.textContent.trim() && !node.closest('.visually-hidden'))
    .map((node) => parseFloat(getComputedStyle(node).fontSize))"""


@pytest.fixture(scope="module")
def lan(tmp_path_factory):
    """The address of a server with a class, and its log."""
    log = tmp_path_factory.mktemp("class") / "log"
    with clients.server("--lan", log=log, env={"GRADIO_SERVER_NAME": ""}) as address:
        yield address, log


@pytest.fixture
def desktop(chromium, lan):
    page = Page(chromium, lan[0], viewport=DESKTOP)
    yield page
    page.close()


def tiles(page: Page):
    return page.locator(".wall li")


def button(page: Page, key: str):
    return page.page.get_by_role("button", name=text(key))


@pytest.mark.long
def test_the_qr_code_on_the_page_can_be_read(desktop):
    desktop.page.route("**/class", lambda route: route.fulfill(json=JOIN_INFO))
    desktop.open_panel("classroom")
    expect(desktop.locator(".join-address")).to_have_text(ADDRESS)
    desktop.locator(".qr-code").wait_for()
    screenshot = Image.open(io.BytesIO(desktop.page.screenshot()))
    (found,) = zxingcpp.read_barcodes(screenshot)
    assert found.text == ADDRESS


@pytest.mark.long
def test_all_visitors_see_the_wall_and_only_the_teacher_clears_and_closes_it(chromium, lan, desktop):
    moderate(lan, "clear")
    phone = Page(chromium, lan[0], viewport=PHONE, has_touch=True, is_mobile=True)
    phone.open_panel("classroom")
    expect(phone.locator(".wall-state")).to_have_text(text("classroom.no_completion"))
    expect(phone.locator(".add-to-wall")).to_be_disabled()

    desktop.draw_seven()
    desktop.complete()
    desktop.finish()
    desktop.open_panel("classroom")
    desktop.locator("#wall-name").fill("<b>Mina</b>")
    desktop.locator(".add-to-wall").click()
    expect(tiles(desktop)).to_have_count(1, timeout=15_000)
    expect(desktop.locator(".add-to-wall")).to_be_disabled()

    expect(tiles(phone)).to_have_count(1, timeout=5000)
    expect(tiles(phone).locator(".wall-name")).to_have_text("<b>Mina</b>")
    expect(tiles(phone).locator(".wall-model")).to_have_text("freeform")
    shown = tiles(phone).locator("canvas").evaluate(COLORS)
    assert shown == desktop.locator(".pixels").evaluate(COLORS), "the same pixels in the same colors"
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing is wider than the screen"

    desktop.page.on("dialog", lambda dialog: dialog.accept())
    desktop.locator(".teacher summary").click()
    desktop.locator("#teacher-key").fill("wrong")
    button(desktop, "classroom.clear").click()
    expect(desktop.locator(".classroom-status")).to_contain_text("This is not the teacher's key")
    assert any("403" in fault for fault in desktop.faults)
    desktop.faults.clear()
    desktop.locator("#teacher-key").fill(key_of(lan[1]))
    button(desktop, "classroom.clear").click()
    expect(tiles(desktop)).to_have_count(0)
    expect(tiles(phone)).to_have_count(0, timeout=5000)
    button(desktop, "classroom.close").click()
    expect(phone.locator(".wall-state")).to_have_text(text("classroom.is_closed"), timeout=5000)
    desktop.page.reload()
    desktop.open_panel("classroom")
    assert desktop.locator("#teacher-key").input_value() == key_of(lan[1]), "the tab remembers the key"
    moderate(lan, "open")
    phone.close()


@pytest.mark.long
def test_on_the_teachers_machine_a_link_has_the_address_of_the_class(desktop):
    """The machine itself may have the page open at 127.0.0.1, which other machines cannot reach."""
    desktop.page.route("**/class", lambda route: route.fulfill(json=JOIN_INFO))
    desktop.open_panel("share")
    expect(desktop.locator("#share-link")).to_have_value(re.compile(re.escape(ADDRESS) + "/#1[.]"))
    assert f'Client("{ADDRESS}/"' in desktop.locator("#share-python").input_value()


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_projector_mode_has_a_large_canvas_large_text_and_high_contrast(chromium, lan, scheme):
    page = Page(chromium, lan[0], viewport=PROJECTOR, color_scheme=scheme)
    page.page.goto(f"{lan[0]}/?projector")
    page.page.wait_for_selector(".page.projector[data-ready]")
    page.settle()
    box = page.locator(".stage").bounding_box()
    assert (
        box["width"] == pytest.approx(box["height"])
        and box["height"] > 0.55 * 1080
        and box["y"] >= 0
        and box["y"] + box["height"] <= 1080
    )
    assert not page.locator("header p").is_visible()
    page.set(samples=4)
    page.complete()
    page.finish()
    page.open_panel("classroom")
    page.locator(".qr-code").wait_for()
    ratio, shown = page.page.evaluate(LOWEST_CONTRAST)
    assert ratio >= 7, f"{shown!r} has a contrast of {ratio:.1f}"
    assert min(page.page.evaluate(FONT_SIZES)) >= 1080 / 45, "no text is smaller than 1/45 of the screen's height"
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 1920
    page.page.evaluate("scrollTo(0, 9999)")
    page.page.wait_for_function("scrollY > 0")
    scrolled = page.locator(".stage").bounding_box()
    assert scrolled["y"] >= 0 and scrolled["y"] + scrolled["height"] <= 1080, (
        "the canvas stays in view while a long panel is scrolled"
    )
    page.close()


@pytest.mark.long
def test_projector_mode_is_switched_by_key_and_button_and_lists_the_shortcuts(desktop):
    page, root = desktop.page, desktop.locator(".page")
    desktop.draw_seven()
    page.keyboard.press("p")  # with the focus on the canvas
    expect(root).to_have_class(re.compile("projector"))
    assert page.url.endswith("/?projector")
    page.keyboard.press("?")
    dialog = page.locator(".shortcuts-dialog")
    expect(dialog).to_contain_text(text("projector.leave"))
    assert float(dialog.locator("dd").first.evaluate("node => parseFloat(getComputedStyle(node).fontSize)")) >= 900 / 36
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(root).to_have_class(re.compile("projector"))  # Escape closed the dialog only
    page.keyboard.press("Escape")
    expect(root).not_to_have_class(re.compile("projector"))
    assert "projector" not in page.url
    page.locator(".projector-toggle").click()
    page.keyboard.press("p")
    expect(root).not_to_have_class(re.compile("projector"))


@pytest.mark.long
def test_the_wall_in_full_screen_shows_all_pictures_at_once(chromium, lan):
    moderate(lan, "clear")
    page = Page(chromium, lan[0], viewport=PROJECTOR, reduced_motion="reduce")
    page.page.route("**/wall?*", lambda route: route.fulfill(json=full_wall(120)))
    page.page.keyboard.press("p")
    page.open_panel("classroom")
    button(page, "classroom.fullscreen").click()
    wall = page.locator(".fullscreen-wall")
    assert wall.bounding_box() == {"x": 0, "y": 0, "width": 1920, "height": 1080}
    expect(tiles(page)).to_have_count(120)
    page.wait_until_still(".fullscreen-wall .wall li:last-child")  # the number of columns follows the room
    last = tiles(page).last.bounding_box()
    assert last["y"] + last["height"] <= 1080 and last["width"] > 60
    expect(wall.locator(".qr-code")).to_be_visible()
    page.page.keyboard.press("Escape")
    expect(wall).to_be_hidden()
    expect(page.locator(".panel-classroom .wall li")).to_have_count(120)
    page.close()


def full_wall(count: int) -> dict:
    pictures = [PICTURE | {"number": number, "name": f"Nr. {number}"} for number in range(1, count + 1)]
    return {"token": "x-1", "open": True, "complete_list": True, "oldest": 1, "pictures": pictures}


@pytest.mark.long
@pytest.mark.parametrize(("scheme", "language"), [("light", "en-US"), ("dark", "ko-KR")])
def test_axe_finds_no_serious_violation_in_the_panel(chromium, lan, scheme, language):
    moderate(lan, "clear")
    page = Page(chromium, lan[0], viewport=DESKTOP, color_scheme=scheme, locale=language)
    page.draw_seven()
    page.complete()
    page.finish()
    page.open_panel("classroom")
    page.locator(".add-to-wall").click()
    expect(tiles(page)).to_have_count(1)
    page.locator(".teacher summary").click()
    assert violations(page) == []
    page.close()


@pytest.mark.long
def test_without_lan_there_is_no_classroom_panel(app_page):
    assert app_page.locator("[data-panel=about]").count() == 1 and app_page.locator("[data-panel=classroom]").count() == 0
