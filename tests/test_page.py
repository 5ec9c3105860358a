"""What the page lets people see and change: probabilities, lenses, branches, digits, sight, two models, holes, gray."""

import io
import re

import pytest
from browser import Page
from conftest import TINY
from PIL import Image
from playwright.sync_api import expect

from benchmarks import visitors
from pixelcnn.hub import save_weights
from pixelcnn.models import build

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60)]


def number(text: str) -> float:
    """The first number in a sentence."""
    return float(re.search(r"\d+(?:\.\d+)?", text.replace(",", ""))[0])


@pytest.fixture
def seven(opened):
    """The top of a seven, completed by freeform, seed 5, standing still after a hundred pixels."""
    opened.set(model="freeform", dice=False, seed=5)
    opened.seven()
    opened.complete()
    opened.finish()
    opened.go(100)
    return opened


@pytest.mark.long
def test_every_control_of_the_player_has_a_key(opened):
    opened.page.keyboard.press("ArrowLeft")  # nothing to go back to, and no fault
    opened.seven()
    opened.speed(0)
    opened.page.keyboard.press("c")
    opened.begun()
    opened.page.keyboard.press(" ")
    held = opened.shown()
    opened.page.keyboard.press("ArrowRight")
    opened.page.keyboard.press("ArrowRight")
    assert opened.shown() == held + 2
    opened.page.keyboard.press("ArrowLeft")
    assert opened.shown() == held + 1
    opened.page.keyboard.press("+")
    assert opened.page.locator(".speed").input_value() == "8"
    opened.page.wait_for_timeout(500)
    opened.page.keyboard.press("End")
    assert opened.shown() == 392
    opened.page.keyboard.press("Home")
    assert opened.shown() == 0
    opened.page.keyboard.press("?")
    expect(opened.page.locator("#panel-about .keys")).to_be_visible()
    opened.page.keyboard.press("Escape")
    expect(opened.page.locator("#panel-about")).to_be_hidden()


@pytest.mark.long
def test_the_next_pixels_probability_moves_with_the_temperature_before_anything_is_drawn(opened):
    opened.seven()
    opened.page.locator(".step").click()  # a step before all others asks, and shows what comes first
    opened.begun()
    for _ in range(40):  # to a pixel that is not certain
        odds = opened.page.locator(".odds-text").inner_text()
        if 3 < number(odds.split(":")[1]) < 97:
            break
        opened.page.locator(".step").click()
    else:
        pytest.fail("forty pixels in a row were certain")
    at_one = number(odds.split(":")[1]) / 100
    held, asked = opened.shown(), []
    opened.page.on("request", lambda request: asked.append(request.url))
    opened.set(temperature=2)
    warmer = number(opened.page.locator(".odds-text").inner_text().split(":")[1]) / 100
    logit = (at_one / (1 - at_one)) ** 0.5
    assert abs(warmer - logit / (1 + logit)) < 0.002 and opened.shown() == held and not asked
    opened.page.locator(".toggle").click()  # goes on so, beside what was
    opened.page.wait_for_selector(".page[data-takes='many']")
    takes = opened.takes()
    assert [take["temperature"] for take in takes] == [1, 2] and takes[1]["from"] == held
    assert takes[0]["ink"][:held] == takes[1]["ink"][:held]


@pytest.mark.long
def test_a_tap_on_a_pixel_tells_what_it_was_given_and_drew(seven):
    place = 60
    pixel = seven.takes()[0]["order"][place]
    seven.page.mouse.click(*seven.at(*divmod(pixel, 28)))
    text = seven.page.locator(".reading-text").inner_text()
    take = seven.takes()[0]
    ink = take["ink"][place] == 255
    given = take["given"][place] if ink else 1 - take["given"][place]
    assert f"Row {pixel // 28 + 1}, column {pixel % 28 + 1}: {100 * given:.1f} % ink" in text
    assert f"{'ink' if ink else 'paper'} was drawn" in text and f"{take['bits'][place]:.2f} bits" in text
    seven.page.locator(".cut").focus()
    seven.page.keyboard.press("Shift+Tab")  # to the canvas, as somebody with keys alone
    seven.page.keyboard.press("ArrowUp")
    seven.page.keyboard.press("Enter")
    expect(seven.page.locator(".reading-text")).to_contain_text("is yours")


@pytest.mark.long
def test_a_flipped_pixel_changes_what_comes_after_and_nothing_before(seven):
    take = seven.takes()[0]
    place = max(range(60), key=lambda step: take["bits"][step])
    seven.page.mouse.click(*seven.at(*divmod(take["order"][place], 28)))
    seven.page.locator(".flip").click()
    seven.page.wait_for_selector(".page[data-takes='many']")
    seven.finish()
    before, branch = seven.takes()
    assert before["ink"] == take["ink"], "what was is still there, beside it"
    assert branch["ink"][:place] == take["ink"][:place] and branch["ink"][place] == 255 - take["ink"][place]
    assert len(branch["ink"]) == 392 and branch["ink"][place + 1 :] != take["ink"][place + 1 :]
    assert seven.page.locator(".tile").count() == 2


@pytest.mark.long
def test_a_branch_stands_beside_all_that_was_there(opened):
    opened.set(model="freeform", samples=9, dice=False, seed=5)
    opened.seven()
    opened.complete()
    opened.finish()
    before = opened.takes()
    opened.page.keyboard.press("3")
    opened.go(200)
    opened.page.keyboard.press("f")
    expect(opened.page.locator(".tile")).to_have_count(10)
    opened.finish()
    after = opened.takes()
    assert [take["ink"] for take in after[:9]] == [take["ink"] for take in before]
    assert after[9]["ink"][:199] == before[2]["ink"][:199] and after[9]["ink"][199] != before[2]["ink"][199]


@pytest.mark.long
def test_going_on_without_a_change_draws_the_same_picture(seven):
    seven.page.evaluate("document.querySelector('.page').desk.branch(0, 100)")
    seven.page.wait_for_selector(".page[data-takes='many']")
    seven.finish()
    assert seven.takes()[0]["ink"] == seven.takes()[1]["ink"]


@pytest.mark.long
def test_a_lens_shows_the_mean_of_sixteen_completions_ahead(seven):
    seven.panel("lens")
    seven.page.locator("[data-lens=mean]").click()
    settings = "document.querySelector('.page').desk.settings"
    before = seven.page.evaluate(settings)
    seven.page.locator(".lens-more").click()
    expect(seven.page.locator(".tile")).to_have_count(16)
    seven.page.wait_for_function("document.querySelector('.page').desk.whole")
    assert seven.shown() == 0, "all that may come is ahead, and to be looked at first"
    assert seven.page.evaluate(settings) == before, "what was asked for once is not a setting"
    seven.go(100)
    takes, veil = seven.takes(), seven.page.evaluate("[...document.querySelector('.page').desk.overlay.strength]")
    for step in (100, 200, 300):
        mean = sum(take["ink"][step] for take in takes) / 16 / 255
        assert abs(veil[takes[0]["order"][step]] - mean) < 1e-6
    assert not any(veil[pixel] for pixel in takes[0]["order"][:100])
    expect(seven.page.locator(".lens-note")).to_contain_text("mean of 16 completions")
    expect(seven.page.locator(".lens-scale")).to_have_text("never inkalways ink")
    seven.page.locator("[data-lens=surprise]").click()
    expect(seven.page.locator(".lens-scale")).to_have_text("expected, 0 bits6 bits or more")
    veil = seven.page.evaluate("[...document.querySelector('.page').desk.overlay.strength]")
    step = max(range(100), key=lambda place: takes[0]["bits"][place])
    assert abs(veil[takes[0]["order"][step]] - min(1, takes[0]["bits"][step] / 6)) < 1e-3


def test_ten_bars_move_while_pixels_appear_and_surprise_adds_up(seven):
    seven.panel("digits")
    bars = seven.page.locator(".bars li")
    expect(bars.nth(0).locator(".percent")).to_contain_text("%")
    early = [number(text) for text in seven.page.locator(".bars .percent").all_inner_texts()]
    assert 97 <= sum(early) <= 103
    take = seven.takes()[0]
    expect(seven.page.locator(".bits-model")).to_contain_text(f"{sum(take['bits'][:100]):.1f} bits over 100 pixels")
    expect(seven.page.locator(".bits-yours")).to_contain_text(f"{sum(take['yoursBits']):.1f} bits over 392 pixels")
    seven.go(0)
    first = seven.page.locator(".bars").inner_html()
    seven.go(392)
    assert seven.page.locator(".bars").inner_html() != first
    seven.set(model="pixelcnn")
    seven.complete()
    seven.panel("digits")
    expect(seven.page.locator(".digits-note")).to_contain_text("choose a model that can be told the digit")


@pytest.mark.long
def test_a_model_of_five_kinds_has_five_bars(chromium, tmp_path):
    path = tmp_path / "doodles.safetensors"
    save_weights(build("freeform", **TINY["freeform"], classes=5), path, dataset="none")
    with visitors.server("--weights", str(path), log=tmp_path / "log") as address:
        opened = Page(chromium, address, viewport={"width": 1280, "height": 900})
        opened.set(model="doodles")
        assert opened.page.locator("#digit option").count() == 2 + 5
        opened.complete()
        opened.finish()
        opened.panel("digits")
        bars = opened.page.locator(".bars li:visible .percent")
        expect(bars).to_have_count(5)
        expect(bars.first).to_contain_text("%")
        assert 97 <= sum(number(text) for text in bars.all_inner_texts()) <= 103
        opened.close()


@pytest.mark.long
def test_pixelcnn_has_a_blind_spot_and_the_model_beside_it_has_none(opened):
    opened.panel("sight")
    fields = opened.page.locator(".fields figure")
    expect(fields).to_have_count(2)
    blind = {field.get_attribute("data-model"): int(field.get_attribute("data-blind")) for field in fields.all()}
    assert blind["pixelcnn"] > 20 and blind["gated_pixelcnn"] == 0
    assert opened.page.locator(".mask .reads").count() == 24 + 5
    yellow = int(fields.first.get_attribute("data-blind"))
    assert 0 < yellow < int(fields.first.get_attribute("data-unseen")), "the wedge, and what is too far away"
    opened.page.locator("#panel-sight input").fill("3")
    expect(fields.first).to_have_attribute("data-unseen", "0")


@pytest.mark.long
def test_where_it_looks_lies_over_the_canvas_when_the_clock_stands(seven):
    seven.panel("lens")
    seven.page.locator("[data-lens=sight]").click()
    seven.page.wait_for_function("document.querySelector('.page').desk.overlay")
    veil = seven.page.evaluate("[...document.querySelector('.page').desk.overlay.strength]")
    pixel = seven.takes()[0]["order"][100]
    assert veil[pixel - 1] > 0.5 and sum(value > 0 for value in veil) > 300 and not any(veil[pixel:])


@pytest.mark.long
def test_two_models_draw_side_by_side_from_the_same_noise(opened):
    opened.set(model="pixelcnn", against="freeform", dice=False, seed=9)
    opened.seven()
    opened.complete()
    opened.page.wait_for_selector(".page[data-takes='many']")
    opened.finish()
    one, other = opened.takes()
    assert (one["model"], other["model"]) == ("pixelcnn", "freeform") and one["seed"] == other["seed"] == 9
    assert one["known"] == other["known"] and one["ink"] != other["ink"]
    opened.set(against="")
    opened.complete()
    opened.finish()
    assert opened.takes()[0]["ink"] == one["ink"], "alone it draws what it drew beside the other"


def test_a_digit_is_drawn_first_and_said_and_kept_by_branches(opened):
    opened.seven()
    opened.set(model="freeform", samples=4, seed=5, dice=False)
    opened.complete()
    opened.finish()
    takes = opened.takes()
    assert [take["digit"] for take in takes] == [-2] * 4 and all(0 <= take["drew"] <= 9 for take in takes)
    expect(opened.page.locator(".facts")).to_contain_text(f"Its digit: {takes[0]['drew']}")
    opened.page.evaluate("document.querySelector('.page').desk.branch(3, 200)")
    opened.page.wait_for_function("document.querySelector('.page').desk.takes.length == 5")
    opened.finish()
    branch = opened.takes()[-1]
    assert branch["digit"] == branch["drew"] == takes[3]["drew"] and branch["ink"] == takes[3]["ink"]
    opened.set(digit=-1)
    opened.complete()
    opened.finish()
    assert [take["drew"] for take in opened.takes()] == [-1] * 4
    expect(opened.page.locator(".facts")).not_to_contain_text("Its digit")


def test_a_hidden_hole_is_filled_by_freeform_and_refused_by_pixelcnn(opened):
    opened.seven()
    opened.page.get_by_role("button", name="Hide").click()
    opened.stroke((6, 12), (6, 14))
    hidden = [pixel for pixel, colour in enumerate(opened.pixels()[:392]) if colour == "."]
    assert 10 < len(hidden) < 120
    opened.set(model="pixelcnn")
    opened.complete()
    expect(opened.page.get_by_text("choose freeform, which takes any")).to_be_visible(timeout=10_000)
    opened.set(model="freeform")
    opened.complete()
    opened.finish()
    assert set(hidden) < set(opened.takes()[0]["order"]) and opened.filled() == 784
    assert "m" in [opened.pixels()[pixel] for pixel in hidden], "the stroke goes on through the hole"
    assert opened.takes()[0]["digit"] == -1, "which digit it may be cannot be told around a hole, so none is drawn first"
    opened.page.get_by_role("button", name="Undo").click()
    assert opened.pixels()[:392].count(".") == 0


@pytest.mark.long
def test_switching_models_keeps_drawing_cut_and_seed_and_starts_within_two_seconds(opened):
    opened.set(dice=False, seed=7)
    opened.seven()
    drawn = opened.pixels()
    for name in opened.page.evaluate("Object.keys(document.querySelector('.page').desk.facts.models)"):
        opened.set(model=name)
        opened.page.evaluate("performance.mark('click')")
        opened.complete()
        opened.page.wait_for_function(f"document.querySelector('.page').desk.take?.model === '{name}'", timeout=2000)
        opened.finish()
        assert opened.pixels()[:392].replace("y", "") == drawn[:392].replace("y", "") or name == "pixelcnn_pp"
        assert opened.takes()[0]["seed"] == 7


@pytest.mark.long
def test_the_cost_of_a_completion_is_told(seven):
    seven.panel("about")
    take = seven.takes()[0]
    expect(seven.page.locator(".about-cost")).to_contain_text("392 pixels")
    expect(seven.page.locator(".about-cost")).to_contain_text(f"{take['steps']} steps over a cache")
    assert 0 < take["steps"] < 392 and 0 < take["ms"] < 20_000
    expect(seven.page.locator(".about-device")).to_contain_text("Running on the CPU")
    seven.set(samples=4)
    seven.complete()
    seven.finish()
    seven.panel("about")
    take = seven.takes()[3]
    expect(seven.page.locator(".about-cost")).to_contain_text(
        f"4 pictures of 392 pixels each, {take['ms'] / 1568:.2f} ms a pixel"
    )


@pytest.mark.long
@pytest.mark.parametrize("size", [(320, 640), (390, 844), (844, 390), (1280, 900), (1920, 1080), (3840, 2160)])
def test_nothing_sticks_out_and_the_first_view_holds_canvas_and_complete(chromium, server, size):
    page = Page(chromium, server, viewport={"width": size[0], "height": size[1]})
    assert page.page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert page.page.locator(".panel:visible").count() == 0, "all the rest opens when it is asked for"
    button = page.page.locator("#complete").bounding_box()
    assert button["y"] + button["height"] <= size[1] and page.page.locator(".toggle").is_visible()
    for name in page.page.evaluate("[...document.querySelectorAll('[data-panel]')].map(button => button.dataset.panel)"):
        page.panel(name)
        page.page.wait_for_timeout(100)
        assert page.page.evaluate("document.documentElement.scrollWidth") <= size[0], name
    page.close()


@pytest.mark.long
def test_canvas_and_player_stay_in_view_beside_a_panel_on_a_laptop(chromium, server):
    page = Page(chromium, server, viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
    names = page.page.locator("[data-panel=about]").bounding_box()
    assert names["y"] + names["height"] <= 768, "what else there is can be seen"
    page.set(samples=16, seed=2)
    page.seven()
    page.complete()
    page.begun()
    tiles = page.page.locator(".tiles").bounding_box()
    assert tiles["y"] >= 0 and tiles["y"] + tiles["height"] <= 768, "what was asked for is in view"
    page.finish()
    page.page.mouse.wheel(0, 2000)
    page.page.wait_for_timeout(300)
    assert page.page.evaluate("scrollY") > 50
    for selector in (".pixels", "#complete", ".scrub"):
        box = page.page.locator(selector).bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= 768, selector
    names, panel = (page.page.locator(selector).bounding_box() for selector in (".names", ".panel-settings"))
    assert names["y"] < page.page.locator(".tiles").bounding_box()["y"] < panel["y"]
    page.close()


@pytest.mark.long
@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)])
def test_on_a_wide_screen_no_click_moves_what_is_under_the_pointer(chromium, server, size):
    page = Page(chromium, server, viewport=dict(zip(("width", "height"), size, strict=True)), reduced_motion="reduce")
    parts = (".pixels", "#complete", "[data-act=undo]", "[data-panel=examples]", "[data-panel=about]")

    def lie() -> list[tuple[int, int]]:
        boxes = [page.page.locator(part).bounding_box() for part in parts]
        scrolled = page.page.evaluate("scrollY")
        return [(round(box["x"]), round(box["y"] + scrolled)) for box in boxes]

    first = lie()
    page.seven()
    page.panel("examples")
    assert lie() == first, "a panel"
    page.page.locator("[data-panel=examples]").click()
    page.set(samples=4, seed=2)
    page.page.locator("[data-panel=settings]").click()
    page.complete()
    page.begun()
    assert lie() == first, "several completions"
    page.stroke((3, 6), (3, 20))
    assert lie() == first and page.pixels()[3 * 28 + 6 : 3 * 28 + 20] == "y" * 14, "a stroke while they are shown"
    page.close()


@pytest.mark.long
def test_on_a_phone_on_its_side_nothing_lies_over_the_controls_beside_a_panel(chromium, server):
    page = Page(chromium, server, viewport={"width": 844, "height": 390}, has_touch=True, is_mobile=True)
    page.panel("settings")
    for selector in (".tools", "#complete"):
        seen = Image.open(io.BytesIO(page.page.locator(selector).screenshot()))
        assert len(seen.getcolors(100_000)) > 10, f"{selector} is painted over"
    page.close()
