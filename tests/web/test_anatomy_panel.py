"""The anatomy of a pixel and the comparison of five models, on the real page."""

import math

import pytest
from browser import Page, text, to_fixed
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(100)]


def number_of(app_page: Page) -> float:
    return float(app_page.locator(".anatomy-noise").input_value())


def ink_by_model(completion: dict) -> int:
    """The step of a pixel of ink in the middle of a completion, whose probability is not almost 1."""
    steps = range(40, len(completion["ink"]))
    return next(step for step in steps if completion["ink"][step] and completion["probabilities"][step] < 0.97)


def test_dragging_the_random_number_flips_the_pixel_and_branches_from_there(app_page):
    app_page.set(samples=1, seed=3)
    app_page.draw_seven()
    app_page.complete()
    app_page.finish()
    app_page.open_panel("ladder")
    app_page.wait_until_still(".pixels")
    completion = app_page.completions()[0]
    step = ink_by_model(completion)
    pixel = completion["order"][step]
    app_page.click_pixel(pixel // 28, pixel % 28)  # opens the panel in place of the comparison
    expect(app_page.locator(".anatomy-draw")).to_contain_text("so the pixel is ink")
    place = text("anatomy.pixel", number=step + 1, total=392, row=pixel // 28 + 1, column=pixel % 28 + 1, color="ink")
    expect(app_page.locator(".anatomy-note")).to_have_text(place)
    assert number_of(app_page) > 1 - completion["probabilities"][step] - 0.001
    assert app_page.locator(".anatomy-mask .reads, .anatomy-mask .outside").count() == 24
    row = app_page.locator(".anatomy-numbers tbody tr")
    nats = [float(cell) for cell in row.locator("td:last-child").all_text_contents()]
    assert len(nats) == 3, "the digit, this pixel and the sum"
    expected = sum(bits * math.log(2) for bits in completion["bits"][: step + 1])
    assert nats[2] == pytest.approx(nats[0] + expected, abs=0.05)
    assert nats[1] == pytest.approx(-math.log(completion["probabilities"][step]), abs=0.01)

    branch = app_page.locator(".anatomy-branch")
    expect(branch).to_be_disabled()
    slider = app_page.locator(".anatomy-noise")
    slider.press("Home")
    expect(app_page.locator(".anatomy-draw")).to_contain_text("so the pixel is paper")
    assert slider.get_attribute("aria-valuetext") == "0.000, paper"
    branch.click()
    app_page.wait_for_completions(2)
    app_page.finish()
    second = app_page.completions()[1]
    assert second["flipped"] and second["branchStep"] == step and second["ink"][step] == 0
    assert second["ink"][:step] == completion["ink"][:step]
    app_page.click_pixel(pixel // 28, pixel % 28)
    expect(app_page.locator(".anatomy-draw")).to_contain_text(text("anatomy.flipped", color="paper"))
    app_page.click_pixel(27, 0)
    expect(app_page.locator(".anatomy-draw")).to_contain_text(text("anatomy.certain"))
    expect(branch).to_be_hidden()
    app_page.locator(".anatomy-uncertain").click()
    expect(branch).to_be_visible()
    expect(app_page.locator(".anatomy-draw")).not_to_contain_text(text("anatomy.certain"))


@pytest.mark.long
def test_the_panel_follows_the_player_and_shows_the_effect_of_the_temperature(app_page):
    app_page.open_panel("anatomy")
    expect(app_page.locator(".anatomy-note")).to_have_text(text("anatomy.no_completion"))
    app_page.set(seed=3)
    app_page.draw_seven()
    app_page.complete()
    app_page.finish()
    app_page.open_panel("anatomy")
    app_page.seek(100)
    expect(app_page.locator(".anatomy-note")).to_contain_text("Pixel 101 of 392")
    app_page.seek(101)
    expect(app_page.locator(".anatomy-note")).to_contain_text("Pixel 102 of 392")
    logit = app_page.locator(".anatomy-logit").text_content()
    app_page.locator(".anatomy-temperature").fill("2")
    expect(app_page.locator(".anatomy-logit")).to_contain_text("temperature 2")
    assert app_page.locator(".anatomy-logit").text_content().split(",")[0] == logit.split(",")[0], "the logit is the same"
    assert app_page.locator(".anatomy-chart .trained").count() == 1, "the curve at temperature 1 stays for comparison"
    app_page.set(temperature=1, model="pixelcnn_pp")
    app_page.complete()
    app_page.finish()
    app_page.open_panel("anatomy")
    expect(app_page.locator(".anatomy-chart .levels")).to_have_count(1)
    expect(app_page.locator(".anatomy-branch")).to_be_hidden()


@pytest.mark.long
def test_five_models_complete_one_drawing_with_the_same_random_numbers(app_page):
    app_page.draw_seven()
    app_page.set_speed(100)
    app_page.open_panel("ladder")
    app_page.locator(".ladder-complete").click()
    app_page.wait_for_store("store.completions.length === 5 && store.finished && !store.playing", timeout=60_000)
    models = ["independent", "pixelcnn", "gated_pixelcnn", "diagonal_bilstm", "freeform"]
    completions = app_page.completions()
    assert [each["model"] for each in completions] == models[::-1], "the best model's picture is the large one"
    assert len({(each["seed"], each["sample"], each["digit"]) for each in completions}) == 1
    for completion in completions:
        row = app_page.locator(f".ladder [data-model={completion['model']}]")
        nats = text("ladder.nats", nats=to_fixed(completion["nats"], 1), count=392, total=392)
        expect(row.locator(".ladder-nats")).to_have_text(nats)
    test = app_page.locator(".ladder [data-model=independent] .ladder-test")
    expect(test).to_have_text(text("ladder.test", nats="205.8"))
    assert int(test.evaluate("(line) => getComputedStyle(line).fontWeight")) > 600, "not the nats of one drawing"
    app_page.seek(100)
    expect(app_page.locator(".ladder-nats").first).to_contain_text("100 of 392")
    app_page.complete()
    app_page.wait_for_store("store.completions.length === 4")
    expect(app_page.locator(".ladder-nats").first).to_contain_text("392 of 392")
    app_page.locator("[data-action=clear]").click()
    expect(app_page.locator(".ladder-nats").first).to_be_empty()
