"""Features of the page: probabilities, overlays, branches, digits, receptive fields, two models, hidden pixels, layout."""

import io
import math
import re

import pytest
from browser import Page, text, to_fixed
from conftest import TINY
from PIL import Image
from playwright.sync_api import expect

from benchmarks import clients
from pixelcnn.hub.files import save_weights
from pixelcnn.models import build

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60)]

PANELS = "[...document.querySelectorAll('[data-panel]:not([hidden])')].map(button => button.dataset.panel)"
DESKTOP = {"width": 1280, "height": 900}


def number(sentence: str) -> float:
    """The first number in a sentence."""
    return float(re.search(r"\d+(?:\.\d+)?", sentence.replace(",", ""))[0])


def overlay(app_page) -> list[float]:
    """The strength of the overlay at every pixel."""
    return app_page.page.evaluate("[...document.querySelector('.page').store.overlay.strength]")


def next_probability(app_page) -> float:
    """The displayed probability of ink at the next pixel, in percent."""
    return number(app_page.locator(".probability-text").inner_text().split(":")[1])


@pytest.fixture
def seven(app_page):
    """The top of a seven, completed by freeform with seed 5, paused after 100 pixels."""
    app_page.set(model="freeform", samples=1, random_seed=False, seed=5)
    app_page.draw_seven()
    app_page.complete()
    app_page.finish()
    app_page.seek(100)
    return app_page


# Stops the request in progress, of which half of the pixels have come.
CUT_SHORT = """() => {
    const store = document.querySelector('.page').store;
    store.pending.done = false;
    store.completions = store.completions.map((completion) => ({ ...completion, ink: completion.ink.slice(0, 100) }));
    store.stop();
}"""


@pytest.mark.long
def test_every_control_of_the_player_has_a_key(app_page):
    keyboard = app_page.page.keyboard
    keyboard.press("ArrowLeft")  # without a completion it does nothing
    app_page.draw_seven()
    app_page.set_speed(0)
    keyboard.press("c")
    app_page.wait_for_answer()
    keyboard.press(" ")
    paused = app_page.position()
    keyboard.press("ArrowRight")
    keyboard.press("ArrowRight")
    assert app_page.position() == paused + 2
    keyboard.press("ArrowLeft")
    assert app_page.position() == paused + 1
    keyboard.press("+")
    assert app_page.locator(".speed").input_value() == "8"
    app_page.wait_for_store("store.finished")
    keyboard.press("End")
    assert app_page.position() == 392
    keyboard.press("Home")
    assert app_page.position() == 0
    keyboard.press("?")
    expect(app_page.locator("#panel-about .shortcuts")).to_be_visible()
    keyboard.press("Escape")
    expect(app_page.locator("#panel-about")).to_be_hidden()


@pytest.mark.long
def test_the_next_pixels_probability_changes_with_the_temperature_before_it_is_sampled(app_page):
    app_page.set(samples=1)
    app_page.draw_seven()
    app_page.locator(".step").click()  # the first step requests a completion and shows its first probability
    app_page.wait_for_answer()
    for _ in range(40):  # up to a pixel that is not certain
        if 3 < next_probability(app_page) < 97:
            break
        app_page.locator(".step").click()
    else:
        pytest.fail("forty pixels in a row were certain")
    at_one = next_probability(app_page) / 100
    position, requests = app_page.position(), []
    app_page.page.on("request", lambda request: requests.append(request.url))
    app_page.set(temperature=2)
    at_two = next_probability(app_page) / 100
    odds = (at_one / (1 - at_one)) ** 0.5
    assert abs(at_two - odds / (1 + odds)) < 0.002 and app_page.position() == position and not requests
    app_page.locator(".toggle").click()  # continues at the new temperature in a branch
    app_page.wait_for_completions(2)
    parent, branch = app_page.completions()
    assert (parent["temperature"], branch["temperature"]) == (1, 2) and branch["branchStep"] == position
    assert parent["ink"][:position] == branch["ink"][:position]


@pytest.mark.long
def test_a_selected_pixel_shows_its_probability_value_and_surprise(seven):
    step = 60
    completion = seven.completions()[0]
    row, column = divmod(completion["order"][step], 28)
    seven.click_pixel(row, column)
    is_ink = completion["ink"][step] == 255
    probability = completion["probabilities"][step] if is_ink else 1 - completion["probabilities"][step]
    expected = text(
        "player.readout",
        row=row + 1,
        column=column + 1,
        percent=to_fixed(100 * probability, 1),
        color=text("player.ink" if is_ink else "player.paper"),
        bits=to_fixed(completion["bits"][step], 2),
    )
    assert seven.locator(".readout-text").inner_text() == expected
    seven.locator(".cut").focus()
    seven.page.keyboard.press("Shift+Tab")  # to the canvas
    seven.page.keyboard.press("ArrowUp")
    seven.page.keyboard.press("Enter")
    expect(seven.locator(".readout-text")).to_contain_text("is your drawing")


@pytest.mark.long
def test_a_flipped_pixel_changes_later_pixels_only(seven):
    before = seven.completions()[0]
    step = max(range(60), key=lambda step: before["bits"][step])
    seven.click_pixel(*divmod(before["order"][step], 28))
    seven.locator(".flip").click()
    seven.wait_for_completions(2)
    seven.finish()
    parent, branch = seven.completions()
    assert parent["ink"] == before["ink"], "the parent is unchanged"
    assert branch["ink"][:step] == before["ink"][:step] and branch["ink"][step] == 255 - before["ink"][step]
    assert len(branch["ink"]) == 392 and branch["ink"][step + 1 :] != before["ink"][step + 1 :]
    assert seven.locator(".tile").count() == 2


@pytest.mark.long
def test_a_branch_is_added_to_all_completions(app_page):
    app_page.set(model="freeform", samples=9, random_seed=False, seed=5)
    app_page.draw_seven()
    app_page.complete()
    app_page.finish()
    before = app_page.completions()
    app_page.page.keyboard.press("3")
    app_page.seek(200)
    app_page.page.keyboard.press("f")
    expect(app_page.locator(".tile")).to_have_count(10)
    app_page.finish()
    after = app_page.completions()
    assert [completion["ink"] for completion in after[:9]] == [completion["ink"] for completion in before]
    assert after[9]["ink"][:199] == before[2]["ink"][:199] and after[9]["ink"][199] != before[2]["ink"][199]


@pytest.mark.long
def test_a_branch_without_a_change_gives_the_same_picture(seven):
    seven.store("branch(0, 100)")
    seven.wait_for_completions(2)
    seven.finish()
    assert seven.completions()[0]["ink"] == seven.completions()[1]["ink"]


@pytest.mark.long
def test_a_branch_requests_one_picture_only(app_page):
    """The branch of the ninth sample gives the same picture as that sample, computed alone."""
    app_page.set(model="freeform", samples=9, random_seed=False, seed=5, digit=-1)
    app_page.draw_seven()
    app_page.complete()
    app_page.finish()
    app_page.store("branch(8, 50)")
    app_page.wait_for_completions(10)
    assert app_page.store("pending.parts[0].samples") == 1
    app_page.finish()
    completions = app_page.completions()
    assert completions[9]["ink"] == completions[8]["ink"] and completions[9]["sample"] == 8
    app_page.open_panel("about")
    pixels = text("about.cost", pixels=342).split(", ")[0].split(" for ")[1]
    expect(app_page.locator(".about-cost")).to_contain_text(pixels)


@pytest.mark.long
def test_the_mean_overlay_shows_the_mean_of_sixteen_completions_ahead(seven):
    seven.open_panel("overlay")
    seven.locator("[data-overlay=mean]").click()
    settings = seven.store("settings")
    seven.locator(".overlay-more").click()
    expect(seven.locator(".tile")).to_have_count(16)
    seven.wait_for_store("store.finished")
    assert seven.position() == 0, "paused at the start, where everything is ahead"
    assert seven.store("settings") == settings, "the settings are unchanged"
    seven.seek(100)
    completions, strength = seven.completions(), overlay(seven)
    order = completions[0]["order"]
    for step in (100, 200, 300):
        mean = sum(completion["ink"][step] for completion in completions) / 16 / 255
        assert abs(strength[order[step]] - mean) < 1e-6
    assert not any(strength[pixel] for pixel in order[:100])
    expect(seven.locator(".overlay-note")).to_have_text(text("overlay.mean_note", count=16))
    expect(seven.locator(".overlay-scale")).to_have_text(text("overlay.mean_min") + text("overlay.mean_max"))
    seven.locator("[data-overlay=surprise]").click()
    scale = text("overlay.surprise_min") + text("overlay.surprise_max", bits=6)
    expect(seven.locator(".overlay-scale")).to_have_text(scale)
    bits = completions[0]["bits"]
    step = max(range(100), key=lambda step: bits[step])
    assert abs(overlay(seven)[order[step]] - min(1, bits[step] / 6)) < 1e-3


def test_the_digits_panel_shows_the_posterior_and_adds_up_surprise(seven):
    seven.open_panel("digits")
    percents = seven.locator(".bars .percent")
    expect(percents.first).to_have_text(re.compile(r"\d+ %"))
    assert 97 <= sum(number(percent) for percent in percents.all_inner_texts()) <= 103
    completion = seven.completions()[0]
    model_bits = text("digits.model_bits", bits=to_fixed(sum(completion["bits"][:100]), 1), pixels=100)
    expect(seven.locator(".bits-model")).to_have_text(model_bits)
    known_bits = text("digits.known_bits", bits=to_fixed(sum(completion["knownBits"]), 1), pixels=392)
    expect(seven.locator(".bits-known")).to_have_text(known_bits)
    seven.seek(0)
    start = seven.locator(".bars").inner_html()
    seven.seek(392)
    assert seven.locator(".bars").inner_html() != start
    seven.set(model="pixelcnn")
    seven.complete()
    seven.open_panel("digits")
    expect(seven.locator(".digits-note")).to_have_text(text("digits.no_classes", model="pixelcnn"))


@pytest.fixture(scope="module")
def doodles_server(tmp_path_factory):
    """A server whose default entry, "doodles", is a freeform model with five classes."""
    folder = tmp_path_factory.mktemp("doodles")
    path = folder / "doodles.safetensors"
    save_weights(build("freeform", **TINY["freeform"], classes=5), path, dataset="none")
    with clients.server("--weights", str(path), log=folder / "log") as address:
        yield address


@pytest.mark.long
def test_a_model_with_five_classes_has_five_bars(chromium, doodles_server):
    app_page = Page(chromium, doodles_server, viewport=DESKTOP)
    app_page.set(model="doodles")
    assert app_page.locator("#digit option").count() == 2 + 5
    app_page.complete()
    app_page.finish()
    app_page.open_panel("digits")
    percents = app_page.locator(".bars li:visible .percent")
    expect(percents).to_have_count(5)
    expect(percents.first).to_have_text(re.compile(r"\d+ %"))
    assert 97 <= sum(number(percent) for percent in percents.all_inner_texts()) <= 103
    app_page.close()


@pytest.mark.long
def test_the_icon_is_in_the_page(app_page):
    """Otherwise the browser asks the root of the host, where behind a proxy another app can be."""
    assert app_page.locator("head link[rel=icon]").get_attribute("href").startswith("data:")


# The whole backgrounds of elements.
BACKGROUNDS = "(selectors) => selectors.map((each) => getComputedStyle(document.querySelector(each)).background)"


@pytest.mark.long
def test_with_forced_colors_nothing_that_has_a_meaning_vanishes(chromium, server):
    app_page = Page(chromium, server, forced_colors="active", viewport={"width": 1280, "height": 900})
    app_page.draw_seven()
    app_page.complete()
    app_page.finish()
    app_page.open_panel("digits")
    expect(app_page.locator(".bars .sampled")).to_be_visible(timeout=15_000)

    def differ(*selectors: str) -> None:
        backgrounds = app_page.page.evaluate(BACKGROUNDS, list(selectors))
        assert len(set(backgrounds)) == len(selectors), (selectors, backgrounds)

    differ("[data-tool=brush]", "[data-tool=eraser]")
    differ("[data-panel=digits]", "[data-panel=settings]")
    differ(".bars .bar", ".bars i")
    differ(".stage", ".cut .grip")
    app_page.open_panel("receptive_field")
    differ(".mask .reads", ".mask i:last-child")
    app_page.close()


@pytest.mark.long
def test_the_digits_panel_says_that_a_stopped_picture_has_no_digit(app_page):
    app_page.draw_seven()
    app_page.store("complete()")
    app_page.wait_for_answer()
    app_page.page.evaluate(CUT_SHORT)
    app_page.open_panel("digits")
    expect(app_page.locator(".digits-note")).to_have_text(text("digits.unfinished"))


@pytest.mark.long
def test_pixelcnn_has_a_blind_spot_and_gated_pixelcnn_has_none(app_page):
    app_page.open_panel("receptive_field")
    fields = app_page.locator(".fields figure")
    expect(fields).to_have_count(2)
    blind = {field.get_attribute("data-model"): int(field.get_attribute("data-blind")) for field in fields.all()}
    assert blind["pixelcnn"] > 20 and blind["gated_pixelcnn"] == 0
    assert app_page.locator(".mask .reads").count() == 24 + 5
    unseen = int(fields.first.get_attribute("data-unseen"))
    assert 0 < blind["pixelcnn"] < unseen, "the blind spot, and pixels that are too far away"
    app_page.locator("#panel-receptive_field input").fill("3")
    expect(fields.first).to_have_attribute("data-unseen", "0")


@pytest.mark.long
def test_receptive_fields_are_compared_by_the_kind_of_model_not_by_the_name_of_its_weights(app_page):
    """Weights can have any name, for example those of a repository."""

    def rename(route):
        facts = route.fetch().json()
        facts["models"] = {f"my-{entry}": model for entry, model in facts["models"].items()}
        route.fulfill(json=facts | {"default": f"my-{facts['default']}"})

    app_page.page.route("**/models", rename)
    app_page.page.route(
        "**/receptive-field?*", lambda route: route.continue_(url=route.request.url.replace("model=my-", "model="))
    )
    with app_page.page.expect_response("**/models"):
        app_page.page.reload()
    app_page.wait_for_store("store.facts.default.startsWith('my-')")
    app_page.open_panel("receptive_field")
    fields = app_page.locator(".fields figure")
    expect(fields).to_have_count(2)
    assert [field.get_attribute("data-model") for field in fields.all()] == ["my-pixelcnn", "my-gated_pixelcnn"]
    assert int(fields.first.get_attribute("data-blind")) > 20


@pytest.mark.long
def test_the_receptive_field_overlay_is_shown_while_the_player_is_paused(seven):
    seven.open_panel("overlay")
    seven.locator("[data-overlay=receptive_field]").click()
    seven.wait_for_store("store.overlay")
    strength = overlay(seven)
    pixel = seven.completions()[0]["order"][100]
    assert strength[pixel - 1] > 0.5 and sum(value > 0 for value in strength) > 300 and not any(strength[pixel:])


@pytest.mark.long
def test_two_models_are_compared_with_the_same_noise(app_page):
    app_page.set(samples=1)
    app_page.set(model="pixelcnn", second_model="freeform", random_seed=False, seed=9)
    app_page.draw_seven()
    app_page.complete()
    app_page.wait_for_completions(2)
    app_page.finish()
    first, second = app_page.completions()
    assert (first["model"], second["model"]) == ("pixelcnn", "freeform") and first["seed"] == second["seed"] == 9
    assert first["known"] == second["known"] and first["ink"] != second["ink"]
    app_page.set(second_model="")
    app_page.complete()
    app_page.finish()
    assert app_page.completions()[0]["ink"] == first["ink"], "alone, the model gives the same picture"


def test_a_digit_is_sampled_first_shown_and_kept_by_branches(app_page):
    app_page.draw_seven()
    app_page.set(model="freeform", samples=4, seed=5, random_seed=False)
    app_page.complete()
    app_page.finish()
    completions = app_page.completions()
    digits = [completion["sampledDigit"] for completion in completions]
    assert [completion["digit"] for completion in completions] == [-2] * 4 and all(0 <= digit <= 9 for digit in digits)
    expect(app_page.locator(".summary")).to_contain_text(text("player.digit", digit=digits[0]))
    app_page.store("branch(3, 200)")
    app_page.wait_for_completions(5)
    app_page.finish()
    branch = app_page.completions()[-1]
    assert branch["digit"] == branch["sampledDigit"] == digits[3] and branch["ink"] == completions[3]["ink"]
    app_page.set(digit=-1)
    app_page.complete()
    app_page.finish()
    assert [completion["sampledDigit"] for completion in app_page.completions()] == [-1] * 4
    expect(app_page.locator(".summary")).not_to_contain_text(text("player.digit", digit=""))


def test_hidden_pixels_are_filled_by_freeform_and_refused_by_pixelcnn(app_page):
    app_page.draw_seven()
    app_page.page.get_by_role("button", name=text("canvas.hide"), exact=True).click()
    app_page.stroke((6, 12), (6, 14))
    hidden = [pixel for pixel, kind in enumerate(app_page.pixels()[:392]) if kind == "."]
    assert 10 < len(hidden) < 120
    app_page.set(model="pixelcnn")
    app_page.complete()
    expect(app_page.page.get_by_text(re.compile("pixelcnn.*freeform"))).to_be_visible(timeout=10_000)
    app_page.set(model="freeform")
    app_page.complete()
    app_page.finish()
    completion = app_page.completions()[0]
    assert set(hidden) < set(completion["order"]) and app_page.filled() == 784
    assert "m" in [app_page.pixels()[pixel] for pixel in hidden], "the stroke continues through the hidden pixels"
    assert completion["digit"] == -1, "no digit is sampled if known pixels come after unknown ones"
    app_page.page.get_by_role("button", name=text("canvas.undo")).click()
    assert app_page.pixels()[:392].count(".") == 0


@pytest.mark.long
def test_another_model_keeps_drawing_cut_and_seed_and_answers_within_two_seconds(app_page):
    app_page.set(random_seed=False, seed=7)
    app_page.draw_seven()
    drawn = app_page.pixels()
    for model in app_page.page.evaluate("Object.keys(document.querySelector('.page').store.facts.models)"):
        app_page.set(model=model)
        app_page.complete()
        app_page.wait_for_store(f"store.completion?.model === '{model}'", timeout=2000)
        app_page.finish()
        assert app_page.pixels()[:392].replace("k", "") == drawn[:392].replace("k", "") or model == "pixelcnn_pp"
        assert app_page.completions()[0]["seed"] == 7


@pytest.mark.long
def test_the_about_panel_shows_the_cost_of_a_completion(seven):
    def cost(key: str, completion: dict, pictures: int) -> str:
        ms, steps = completion["ms"], completion["steps"]
        each = to_fixed(ms / 392 / pictures, 2)
        return text(key, ms=str(math.floor(ms + 0.5)), pixels=392, each=each, steps=steps, naive=392, pictures=pictures)

    seven.open_panel("about")
    completion = seven.completions()[0]
    expect(seven.locator(".about-cost")).to_have_text(cost("about.cost", completion, 1))
    assert 0 < completion["steps"] < 392 and 0 < completion["ms"] < 20_000
    expect(seven.locator(".about-device")).to_contain_text(text("server.cpu"))
    seven.set(samples=4)
    seven.complete()
    seven.finish()
    seven.open_panel("about")
    expect(seven.locator(".about-cost")).to_have_text(cost("about.cost_many", seven.completions()[3], 4))


@pytest.mark.long
@pytest.mark.parametrize("size", [(320, 640), (390, 844), (844, 390), (1280, 900), (1920, 1080), (3840, 2160)])
def test_nothing_is_wider_than_the_window_and_the_first_view_has_canvas_and_button(chromium, server, size):
    width, height = size
    app_page = Page(chromium, server, viewport={"width": width, "height": height})
    assert app_page.page.evaluate("document.documentElement.scrollWidth") <= width
    assert app_page.locator(".panel:visible").count() == 0, "panels are closed at first"
    button = app_page.locator("#complete").bounding_box()
    assert button["y"] + button["height"] <= height and app_page.locator(".toggle").is_visible()
    for name in app_page.page.evaluate(PANELS):
        app_page.open_panel(name)
        app_page.settle()
        assert app_page.page.evaluate("document.documentElement.scrollWidth") <= width, name
    app_page.close()


@pytest.mark.long
def test_on_a_laptop_canvas_and_player_stay_in_view_beside_a_panel(chromium, server):
    app_page = Page(chromium, server, viewport={"width": 1366, "height": 768}, reduced_motion="reduce")

    def box(selector: str) -> tuple[float, float]:
        """Top and bottom."""
        rectangle = app_page.locator(selector).bounding_box()
        return rectangle["y"], rectangle["y"] + rectangle["height"]

    assert box("[data-panel=about]")[1] <= 768, "all tabs are visible"
    app_page.set(samples=16, seed=2)
    app_page.draw_seven()
    app_page.complete()
    app_page.wait_for_answer()
    top, bottom = box(".tiles")
    assert top >= 0 and bottom <= 768, "the new completions are in view"
    app_page.finish()
    app_page.page.mouse.wheel(0, 2000)
    app_page.page.wait_for_function("scrollY > 50")
    app_page.wait_for_frames()
    for selector in (".pixels", "#complete", ".scrub"):
        top, bottom = box(selector)
        assert top >= 0 and bottom <= 768, selector
    tiles, panel = (app_page.locator(selector).bounding_box() for selector in (".tiles", ".panel-settings"))
    assert box(".panel-tabs")[0] < tiles["y"] and tiles["x"] + tiles["width"] <= panel["x"]
    app_page.close()


@pytest.mark.long
@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)])
def test_on_a_wide_screen_no_click_moves_the_controls(chromium, server, size):
    viewport = dict(zip(("width", "height"), size, strict=True))
    app_page = Page(chromium, server, viewport=viewport, reduced_motion="reduce")
    selectors = (".pixels", "#complete", "[data-action=undo]", "[data-panel=examples]", "[data-panel=about]")

    def positions() -> list[tuple[int, int]]:
        boxes = [app_page.locator(selector).bounding_box() for selector in selectors]
        scrolled = app_page.page.evaluate("scrollY")
        return [(round(box["x"]), round(box["y"] + scrolled)) for box in boxes]

    initial = positions()
    app_page.draw_seven()
    app_page.open_panel("examples")
    assert positions() == initial, "a panel"
    app_page.locator("[data-panel=examples]").click()
    app_page.set(samples=4, seed=2)
    app_page.locator("[data-panel=settings]").click()
    app_page.complete()
    app_page.wait_for_answer()
    assert positions() == initial, "several completions"
    app_page.stroke((3, 6), (3, 20))
    drawn = app_page.pixels()[3 * 28 + 6 : 3 * 28 + 20]
    assert positions() == initial and drawn == "k" * 14, "a stroke while completions are shown"
    app_page.close()


@pytest.mark.long
def test_on_a_phone_in_landscape_nothing_covers_the_controls_beside_a_panel(chromium, server):
    app_page = Page(chromium, server, viewport={"width": 844, "height": 390}, has_touch=True, is_mobile=True)
    app_page.open_panel("settings")
    for selector in (".tools", "#complete"):
        screenshot = Image.open(io.BytesIO(app_page.locator(selector).screenshot()))
        assert len(screenshot.getcolors(100_000)) > 10, f"{selector} is covered"
    app_page.close()
