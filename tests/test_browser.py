"""The page in a real Chromium: drawn on by mouse, finger and keyboard, completed, stopped, and completed again."""

import itertools
import json
import time
import urllib.request

import pytest
from browser import INKED, Page
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(40)]


def test_a_seven_is_drawn_and_completed_pixel_by_pixel(opened):
    opened.seven()
    drawn = opened.pixels()
    assert 30 < drawn.count("y") < 90 and drawn.count(".") == 392
    opened.complete()
    opened.begun()
    counts = []
    while not counts or counts[-1] < 784:
        counts.append(opened.filled())
        assert len(counts) < 2000
    assert counts == sorted(counts) and len(set(counts)) > 10, "pixels come one after the other"
    done = opened.pixels()
    assert done[:392] == drawn[:392], "what is known stays"
    assert done.count("m") > 0 and "." not in done
    expect(opened.page.locator(".facts")).to_contain_text("nats in all")


def test_slow_motion_shows_each_pixel(opened):
    opened.seven()
    opened.speed(18)  # four pixels a second
    opened.complete()
    opened.begun()
    steps = sorted(set(opened.filled_by_frame(2000)))
    assert len(steps) > 4 and all(b - a == 1 for a, b in itertools.pairwise(steps)), steps
    opened.page.locator(".toggle").click()  # pause
    held = opened.filled()
    opened.page.wait_for_timeout(300)
    assert opened.filled() == held
    opened.page.locator(".step").click()
    assert opened.filled() == held + 1
    opened.page.locator(".toggle").click()
    opened.finish()


def test_stop_and_complete_again(opened):
    opened.seven()
    opened.speed(30)
    opened.complete()
    opened.begun()
    opened.page.locator("#stop").click()
    opened.page.wait_for_timeout(200)
    held = opened.filled()
    opened.page.wait_for_timeout(500)
    assert opened.filled() == held < 784
    opened.complete()
    opened.finish()
    assert opened.filled() == 784


def hold_messages(page) -> list:
    """Keep the server's messages back, as a slow server or network would; continue each route to let them come."""
    held = []
    page.page.route("**/queue/data**", lambda route: held.append(route))
    return held


def let_come(page, held: list) -> None:
    while held:
        held.pop(0).continue_()
    page.page.wait_for_timeout(1000)


@pytest.mark.long
def test_a_late_completion_does_not_play_over_a_new_drawing(opened):
    opened.seven()
    held = hold_messages(opened)
    opened.complete()
    opened.page.wait_for_timeout(300)
    opened.stroke((4, 4), (4, 12))
    let_come(opened, held)
    assert opened.filled() == 392 and opened.page.locator(".page[data-takes='0']").is_visible()


@pytest.mark.long
def test_the_last_of_two_clicks_is_the_one_that_is_shown(opened):
    opened.seven()
    opened.set(dice=False)
    held = hold_messages(opened)
    for seed in ("5", "6"):
        opened.set(seed=seed)
        opened.complete()
        opened.page.wait_for_timeout(300)
    let_come(opened, held)
    opened.finish()
    expect(opened.page.locator(".facts")).to_contain_text("seed 6")


@pytest.mark.long
def test_stop_before_the_first_pixel(opened):
    opened.seven()
    held = hold_messages(opened)
    opened.complete()
    opened.page.wait_for_timeout(300)
    opened.page.locator("#stop").click()
    let_come(opened, held)
    assert opened.filled() == 392
    opened.page.unroute("**/queue/data**")
    opened.complete()
    opened.finish()


@pytest.mark.long
def test_a_second_finger_does_not_draw(chromium, server):
    phone = Page(chromium, server, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    touch = phone.context.new_cdp_session(phone.page)
    finger = [
        dict(zip("xy", phone.at(*place), strict=True)) | {"id": number} for number, place in enumerate([(5, 6), (12, 20)])
    ]
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": finger[:1]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": finger})
    finger[0]["x"] += 20
    touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": finger})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    phone.page.wait_for_function(f"({INKED})().includes('y')")
    rows = {place // 28 for place, colour in enumerate(phone.pixels()) if colour == "y"}
    assert max(rows) <= 7, "no line to the other finger"
    phone.close()


def test_four_different_completions_and_the_first_is_the_one_alone(opened):
    opened.seven()
    opened.set(dice=False)
    opened.set(seed=5)
    opened.complete()
    opened.finish()
    alone = opened.pixels()
    opened.set(samples=4)
    opened.complete()
    opened.page.wait_for_selector(".page[data-takes='many']")
    opened.finish()
    assert opened.pixels() == alone
    pictures = []
    for tile in opened.page.locator(".tile").all():
        tile.click()
        pictures.append(opened.pixels())
    assert pictures[0] == alone and len(set(pictures)) > 1 and len({picture[:392] for picture in pictures}) == 1


def test_undo_eraser_clear_and_the_cut_line(opened):
    opened.seven()
    whole = opened.pixels()
    opened.stroke((3, 3), (3, 9))
    opened.page.get_by_role("button", name="Undo").click()
    assert opened.pixels() == whole
    opened.page.get_by_role("button", name="Eraser").click()
    opened.stroke((6, 8), (6, 18))
    assert opened.pixels().count("y") < whole.count("y") - 20
    opened.page.get_by_role("button", name="Clear").click()
    assert "y" not in opened.pixels()
    opened.page.get_by_role("button", name="Undo").click()
    assert "y" in opened.pixels()
    grip = opened.page.locator(".cut .grip").bounding_box()
    opened.page.mouse.move(grip["x"] + 5, grip["y"] + 12)
    opened.page.mouse.down()
    opened.page.mouse.move(*opened.at(19.5, 20), steps=5)
    opened.page.mouse.up()
    assert opened.pixels().count(".") == 8 * 28
    opened.complete()
    opened.finish()


@pytest.mark.long
def test_a_tap_on_what_is_yours_reads_it_and_a_drag_draws_on(opened):
    opened.seven()
    opened.complete()
    opened.finish()
    opened.page.mouse.click(*opened.at(6, 12))
    expect(opened.page.locator(".reading-text")).to_contain_text("Row 7, column 13 is yours")
    expect(opened.page.locator(".cursor")).to_be_visible()
    assert len(opened.takes()) == 1
    opened.stroke((3, 3), (3, 9))
    assert opened.takes() == [] and opened.pixels()[3 * 28 + 5] == "y"


@pytest.mark.long
@pytest.mark.parametrize("row", [13, 14])
def test_the_rows_beside_the_cut_line_can_be_touched(opened, row):
    x, y = opened.at(row, 10)
    under = opened.page.evaluate("([x, y]) => document.elementFromPoint(x, y).className", [x, y])
    assert under == "pixels"


@pytest.mark.long
def test_a_control_that_was_clicked_leaves_the_keys_to_the_player(opened):
    opened.seven()
    opened.speed(0)
    opened.complete()
    opened.begun()
    seed = opened.takes()[0]["seed"]
    opened.page.keyboard.press(" ")
    assert opened.page.evaluate("document.querySelector('.page').desk.playing") is False
    assert opened.page.evaluate("document.querySelector('.page').desk.settings.seed") == seed, "nothing else was asked for"
    opened.panel("settings")
    opened.page.locator("#temperature").click()
    opened.page.keyboard.press(" ")
    opened.page.wait_for_function("document.querySelector('.page').desk.playing")
    opened.page.locator("#temperature").press("ArrowRight")
    assert opened.page.locator("#temperature").input_value() != "1", "a slider keeps its arrows"
    opened.page.keyboard.press("Escape")
    assert opened.page.locator(".panel:visible").count() == 0
    opened.page.keyboard.press("Control+z")
    assert "y" not in opened.pixels()


@pytest.mark.long
def test_a_reload_keeps_drawing_and_settings(opened):
    opened.seven()
    opened.set(samples=4, temperature=2, seed=77, dice=False)
    drawn = opened.pixels()
    opened.page.wait_for_timeout(400)
    opened.page.reload()
    opened.page.wait_for_selector(".page[data-ready]")
    opened.page.wait_for_function("document.querySelector('.page').desk.settings.seed === 77")
    assert opened.pixels() == drawn
    opened.panel("settings")
    assert opened.page.locator("#temperature").input_value() == "2" and not opened.page.locator("#dice").is_checked()
    assert opened.page.locator("[data-count='4']").get_attribute("aria-pressed") == "true"


@pytest.mark.long
def test_on_a_phone_a_panel_is_read_between_canvas_and_player(chromium, server):
    phone = Page(chromium, server, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    phone.seven()
    phone.complete()
    phone.finish()
    phone.go(100)
    phone.page.locator("[data-panel=settings]").tap()
    phone.page.locator("#temperature").scroll_into_view_if_needed()
    phone.page.wait_for_timeout(800)
    for part in (".pixels", ".scrub", ".odds", "#temperature", "#complete"):
        box = phone.page.locator(part).bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= 844, part
    x, y = phone.at(14, 14)
    assert phone.page.evaluate("([x, y]) => document.elementFromPoint(x, y).className", [x, y]) == "pixels"
    phone.close()


def test_an_empty_canvas_dreams_and_a_new_stroke_takes_the_dream_away(opened):
    opened.complete()
    opened.finish()
    assert opened.filled() == 784 and len(opened.takes()[0]["order"]) == 784, "paper is no top of a digit"
    opened.stroke((5, 5), (5, 10))
    assert opened.filled() == 392 and "m" not in opened.pixels()
    expect(opened.page.locator(".page[data-takes='0']")).to_be_visible()


@pytest.mark.long
def test_a_stroke_below_the_line_is_faintly_there(opened):
    opened.stroke((22, 8), (22, 18))
    look = "([row, column]) => [...document.querySelector('.pixels').getContext('2d').getImageData(column, row, 1, 1).data]"
    red, _, _, seen = opened.page.evaluate(look, [22, 12])
    nothing = opened.page.evaluate(look, [26, 12])[3]
    assert red < 60 and 30 < seen < 255 and nothing == 0, "ink, and see-through"
    assert opened.filled() == 392


def test_an_error_is_one_sentence_and_the_drawing_stays(opened):
    opened.seven()
    drawn = opened.pixels()
    opened.page.locator(".cut").focus()
    for _ in range(14):
        opened.page.keyboard.press("ArrowDown")
    opened.complete()
    expect(opened.page.get_by_text("there is nothing to fill")).to_be_visible(timeout=10_000)
    assert opened.pixels()[:392] == drawn[:392] and "y" in opened.pixels()[392:], "nothing drawn is lost"
    expect(opened.page.locator("#stop")).to_be_disabled()
    grip, stage = (opened.page.locator(selector).bounding_box() for selector in (".grip", ".stage"))
    assert grip["y"] + grip["height"] <= stage["y"] + stage["height"] + 1, "at its end the grip is there to be caught"
    for _ in range(14):
        opened.page.keyboard.press("ArrowUp") if opened.page.locator(".cut").evaluate(
            "cut => document.activeElement === cut"
        ) else opened.page.locator(".cut").press("ArrowUp")
    opened.complete()
    opened.finish()
    assert opened.pixels()[:392] == drawn[:392]


def test_by_keyboard_alone(opened):
    opened.page.locator(".pixels").focus()
    for key in ("ArrowRight", " ", "ArrowRight", "ArrowRight", " ", "ArrowDown", " "):
        opened.page.keyboard.press(key)
    assert opened.pixels().count("y") >= 9
    opened.page.keyboard.press("Control+z")
    opened.page.locator("#complete").focus()
    opened.page.keyboard.press("Enter")
    opened.finish()


def test_by_touch_on_a_phone(chromium, server):
    phone = Page(
        chromium, server, viewport={"width": 390, "height": 844}, device_scale_factor=3, has_touch=True, is_mobile=True
    )
    touch = phone.context.new_cdp_session(phone.page)
    before = phone.page.evaluate("scrollY")
    for kind, row, column in [
        ("touchStart", 5, 9),
        *(("touchMove", 5 + step, 12) for step in range(1, 8)),
        ("touchEnd", 0, 0),
    ]:
        x, y = phone.at(row, column)
        points = [] if kind == "touchEnd" else [{"x": x, "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    phone.page.wait_for_function(f"({INKED})().split('y').length > 16")
    assert phone.page.evaluate("scrollY") == before, "the page stays where it is under the finger"
    phone.page.wait_for_timeout(700)  # sooner after a stroke Chromium takes the tap for part of a longer gesture
    phone.page.locator("#complete").tap()
    phone.finish()
    assert phone.filled() == 784
    # Not against innerWidth, which on a phone grows with whatever sticks out.
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing sticks out"
    phone.close()


@pytest.mark.long
@pytest.mark.parametrize("way", ["stop", "new stroke", "closed tab", "reload", "closed browser"])
def test_who_leaves_frees_the_slots_within_a_second(chromium, slow_server, way):
    assert seconds_until_free(chromium, slow_server, way) < 1


def seconds_until_free(chromium, slow_server, way: str) -> float:
    def active() -> int:
        return json.load(urllib.request.urlopen(f"{slow_server}/ready", timeout=5))["active"]

    opened = Page(chromium, slow_server)
    page = opened.page
    opened.set(samples=16)
    page.locator("#complete").click()
    opened.begun()
    assert active() == 16
    if way == "stop":
        page.locator("#stop").click()
    elif way == "new stroke":
        opened.stroke((8, 8), (8, 18))
    elif way == "closed tab":
        page.close()
    elif way == "reload":
        page.reload()
    else:
        opened.context.close()
    left = time.perf_counter()
    while active() and time.perf_counter() - left < 5:
        time.sleep(0.02)
    took = time.perf_counter() - left
    opened.context.close()
    return took


@pytest.mark.long
def test_a_digit_cannot_be_asked_of_a_model_without_classes(opened):
    opened.set(model="freeform", digit=3)
    opened.set(model="pixelcnn")
    digit = opened.page.locator("#digit")
    assert digit.is_disabled() and digit.input_value() == "-1"
    opened.complete()
    opened.finish()
    assert opened.takes()[0]["digit"] == -1
    opened.set(model="freeform")
    assert digit.is_enabled() and digit.input_value() == "3"


@pytest.mark.long
def test_a_seed_that_is_no_whole_number_is_not_taken(opened):
    opened.set(dice=False, seed=5)
    for wrong in ("-5", "1.5", "1e23"):
        opened.page.locator("#seed").fill(wrong)
        opened.page.locator("#seed").blur()
        assert opened.page.locator("#seed").input_value() == "5"


@pytest.mark.long
def test_clear_brings_back_the_first_view(opened):
    opened.seven()
    opened.page.locator(".cut").press("ArrowUp")
    opened.page.locator("[data-act=clear]").click()
    assert opened.page.locator(".cut").get_attribute("aria-valuenow") == "14"
    assert "y" not in opened.pixels()
    opened.page.locator("[data-act=undo]").click()
    assert opened.page.locator(".cut").get_attribute("aria-valuenow") == "13" and "y" in opened.pixels()


@pytest.mark.long
def test_a_drag_over_what_the_model_drew_changes_nothing(opened):
    opened.seven()
    opened.complete()
    opened.finish()
    before = opened.pixels()
    opened.stroke((20, 6), (20, 20))
    assert opened.pixels() == before and opened.page.locator(".reading").is_hidden()
    opened.stroke((20, 6))
    expect(opened.page.locator(".reading-text")).to_contain_text("Row 21, column 7")


@pytest.mark.long
def test_what_the_server_is_doing_is_shown_to_who_looks(opened):
    opened.panel("about")
    expect(opened.page.locator(".about-device")).to_contain_text("Running on the CPU with the weights that came with it")
    expect(opened.page.locator(".about-line")).to_contain_text("0 pictures under way, 0 waiting", timeout=6000)


def test_little_goes_over_the_wire(opened):
    """One picture, watched from the socket: a few messages, at most 40 KB, and no file or image a step."""
    asked, received = {}, []
    devtools = opened.context.new_cdp_session(opened.page)
    devtools.send("Network.enable")
    devtools.on("Network.requestWillBeSent", lambda event: asked.update({event["requestId"]: event["request"]["url"]}))
    devtools.on("Network.dataReceived", lambda event: received.append((event["requestId"], event["dataLength"])))
    opened.seven()
    opened.page.wait_for_timeout(200)
    assert not [url for url in asked.values() if "/static/" not in url], "drawing asks nothing of the server"
    opened.complete()
    opened.finish()
    trace = {request: url for request, url in asked.items() if "/static/" not in url}
    assert len(trace) <= 4, trace
    assert 1000 < sum(length for request, length in received if request in trace) < 40_000
