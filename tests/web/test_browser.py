"""Drawing, completing, stopping and completing again in a real Chromium, by mouse, finger and keyboard."""

import itertools
import json
import time
import urllib.request

import pytest
from browser import READ_PIXELS, Page, text, to_fixed
from playwright.sync_api import expect

from web.i18n import TEXTS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(90)]

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
CLASS_AT = "([x, y]) => document.elementFromPoint(x, y).className"


def test_a_drawing_is_completed_pixel_by_pixel(app_page):
    app_page.draw_seven()
    drawn = app_page.pixels()
    assert 30 < drawn.count("k") < 90 and drawn.count(".") == 392
    app_page.complete()
    app_page.wait_for_answer()
    counts = []
    while not counts or counts[-1] < 784:
        counts.append(app_page.filled())
        assert len(counts) < 2000
    assert counts == sorted(counts) and len(set(counts)) > 10, "pixels appear one after the other"
    done = app_page.pixels()
    assert done[:392] == drawn[:392], "known pixels do not change"
    assert done.count("m") > 0 and "." not in done
    total_nats = text("player.total_nats", nats=to_fixed(app_page.completions()[0]["nats"], 1))
    expect(app_page.locator(".summary")).to_contain_text(total_nats)


@pytest.mark.long
def test_at_low_speed_every_pixel_is_shown(app_page):
    app_page.draw_seven()
    app_page.set_speed(18)  # four pixels a second
    app_page.complete()
    app_page.wait_for_answer()
    steps = sorted(set(app_page.filled_by_frame(2000)))
    assert len(steps) > 4 and all(b - a == 1 for a, b in itertools.pairwise(steps)), steps
    app_page.locator(".toggle").click()  # pause
    paused = app_page.filled()
    assert set(app_page.filled_by_frame(300)) == {paused}, "in more time than one pixel takes"
    app_page.locator(".step").click()
    assert app_page.filled() == paused + 1
    app_page.locator(".toggle").click()
    app_page.finish()


def test_stop_and_complete_again(app_page):
    app_page.draw_seven()
    app_page.set_speed(30)
    app_page.complete()
    app_page.wait_for_answer()
    app_page.locator("#stop").click()
    app_page.wait_for_frames()
    stopped = app_page.filled()
    assert stopped < 784
    assert set(app_page.filled_by_frame(500)) == {stopped}, "in more time than one pixel takes"
    app_page.complete()
    app_page.finish()
    assert app_page.filled() == 784


def hold_messages(app_page) -> list:
    """Hold the server's messages back, as a slow network would. Returns the held routes."""
    held = []
    app_page.page.route("**/queue/data**", lambda route: held.append(route))
    return held


def wait_for_held(app_page, held: list, count: int) -> None:
    """Wait until so many message streams are held."""
    for _ in range(100):
        if len(held) >= count:
            return
        app_page.page.wait_for_timeout(50)
    pytest.fail(f"{len(held)} of {count} message streams were opened")


def release_messages(app_page, held: list) -> None:
    """Read the held streams to their end, and give the page all their messages."""
    app_page.page.route("**/queue/data**", lambda route: route.continue_())  # replaces the handler that holds them
    for route in held:
        route.fulfill(response=route.fetch())
    app_page.wait_for_frames(30)


@pytest.mark.long
def test_a_late_answer_is_not_shown_over_a_new_drawing(app_page):
    app_page.draw_seven()
    held = hold_messages(app_page)
    app_page.complete()
    wait_for_held(app_page, held, 1)
    app_page.stroke((4, 4), (4, 12))
    release_messages(app_page, held)
    assert app_page.filled() == 392 and app_page.locator(".page[data-completions='0']").is_visible()


@pytest.mark.long
def test_after_two_clicks_the_last_request_is_shown(app_page):
    app_page.draw_seven()
    app_page.set(random_seed=False)
    held = hold_messages(app_page)
    for seed in ("5", "6"):
        app_page.set(seed=seed)
        with app_page.page.expect_response("**/queue/join**"):
            app_page.complete()
    wait_for_held(app_page, held, 1)  # Gradio may use one stream for both requests
    release_messages(app_page, held)
    app_page.finish()
    expect(app_page.locator(".summary")).to_contain_text(f"{text('player.seed')} 6")


@pytest.mark.long
def test_stop_before_the_first_pixel(app_page):
    app_page.draw_seven()
    held = hold_messages(app_page)
    app_page.complete()
    wait_for_held(app_page, held, 1)
    app_page.locator("#stop").click()
    release_messages(app_page, held)
    assert app_page.filled() == 392
    app_page.page.route("**/queue/data**", lambda route: route.continue_())  # replaces the handler that holds them
    app_page.complete()
    app_page.finish()


@pytest.mark.long
def test_a_second_finger_does_not_draw(chromium, server):
    phone = Page(chromium, server, **PHONE)
    touch = phone.context.new_cdp_session(phone.page)
    points = [phone.point(5, 6), phone.point(12, 20)]
    fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": fingers[:1]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": fingers})
    fingers[0]["x"] += 20
    touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": fingers})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    phone.page.wait_for_function(f"({READ_PIXELS})().includes('k')")
    rows = {pixel // 28 for pixel, kind in enumerate(phone.pixels()) if kind == "k"}
    assert max(rows) <= 7, "no line leads to the second finger"
    phone.close()


@pytest.mark.long
def test_a_pen_draws_while_a_hand_rests_on_the_screen(chromium, server):
    phone = Page(chromium, server, **PHONE)
    devtools = phone.context.new_cdp_session(phone.page)
    (x, y), (pen_x, pen_y) = phone.point(10, 24), phone.point(5, 6)
    devtools.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y, "id": 1}]})
    phone.page.wait_for_function(f"({READ_PIXELS})().includes('k')")
    pen = {"pointerType": "pen", "button": "left", "buttons": 1, "clickCount": 1}
    devtools.send("Input.dispatchMouseEvent", {"type": "mousePressed", "x": pen_x, "y": pen_y, **pen})
    devtools.send("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": pen_x + 60, "y": pen_y, **pen})
    devtools.send("Input.dispatchMouseEvent", {"type": "mouseReleased", "x": pen_x + 60, "y": pen_y, **pen})
    devtools.send("Input.dispatchTouchEvent", {"type": "touchCancel", "touchPoints": []})
    phone.wait_for_frames()
    columns = {pixel % 28 for pixel, kind in enumerate(phone.pixels()) if kind == "k"}
    assert max(columns) < 20 and len(columns) > 3, "the pen's line, and nothing where the hand was"
    phone.close()


@pytest.mark.long
def test_a_request_during_a_stroke_ends_it(app_page):
    app_page.set(samples=1)
    app_page.draw_seven()
    app_page.page.mouse.move(*app_page.point(2, 2))
    app_page.page.mouse.down()
    app_page.page.mouse.move(*app_page.point(2, 8), steps=4)
    drawn = app_page.pixels()
    app_page.page.keyboard.press("c")
    app_page.page.mouse.move(*app_page.point(2, 25), steps=4)
    app_page.page.mouse.up()
    app_page.finish()
    assert app_page.pixels()[:392] == drawn[:392]
    app_page.page.keyboard.press("Control+z")
    assert "m" not in app_page.pixels() and app_page.pixels()[2 * 28 + 4] == " "
    app_page.page.keyboard.press("Control+y")
    assert app_page.pixels()[:392] == drawn[:392] and len(app_page.completions()) == 1, "redo brings the picture back, too"


@pytest.mark.long
def test_the_first_of_four_completions_equals_a_single_one(app_page):
    app_page.draw_seven()
    app_page.set(samples=1, random_seed=False, seed=5)
    app_page.complete()
    app_page.finish()
    single = app_page.pixels()
    app_page.set(samples=4)
    app_page.complete()
    app_page.wait_for_completions(4)
    app_page.finish()
    assert app_page.pixels() == single
    pictures = []
    for tile in app_page.locator(".tile").all():
        tile.click()
        pictures.append(app_page.pixels())
    assert pictures[0] == single and len(set(pictures)) > 1 and len({picture[:392] for picture in pictures}) == 1


def test_undo_eraser_clear_and_cut_line(app_page):
    button = {
        name: app_page.page.get_by_role("button", name=text(f"canvas.{name}")) for name in ("undo", "eraser", "clear")
    }
    app_page.draw_seven()
    drawn = app_page.pixels()
    app_page.stroke((3, 3), (3, 9))
    button["undo"].click()
    assert app_page.pixels() == drawn
    button["eraser"].click()
    app_page.stroke((6, 8), (6, 18))
    assert app_page.pixels().count("k") < drawn.count("k") - 20
    button["clear"].click()
    assert "k" not in app_page.pixels()
    button["undo"].click()
    assert "k" in app_page.pixels()
    grip = app_page.locator(".cut .grip").bounding_box()
    app_page.page.mouse.move(grip["x"] + 5, grip["y"] + 12)
    app_page.page.mouse.down()
    app_page.page.mouse.move(*app_page.point(19.5, 20), steps=5)
    app_page.page.mouse.up()
    assert app_page.pixels().count(".") == 8 * 28
    app_page.complete()
    app_page.finish()


@pytest.mark.long
def test_a_tap_on_a_known_pixel_reads_it_and_a_drag_continues_the_drawing(app_page):
    app_page.set(samples=1)
    app_page.draw_seven()
    app_page.complete()
    app_page.finish()
    app_page.click_pixel(6, 12)
    expect(app_page.locator(".readout-text")).to_contain_text("Row 7, column 13 is your drawing")
    expect(app_page.locator(".cursor")).to_be_visible()
    assert len(app_page.completions()) == 1
    app_page.stroke((3, 3), (3, 9))
    assert app_page.completions() == [] and app_page.pixels()[3 * 28 + 5] == "k"


@pytest.mark.long
@pytest.mark.parametrize("row", [13, 14])
def test_the_cut_line_does_not_cover_the_rows_beside_it(app_page, row):
    assert app_page.page.evaluate(CLASS_AT, app_page.point(row, 10)) == "pixels"


@pytest.mark.long
def test_after_a_click_on_a_control_the_keys_still_control_the_player(app_page):
    app_page.draw_seven()
    app_page.set_speed(0)
    app_page.complete()
    app_page.wait_for_answer()
    seed = app_page.completions()[0]["seed"]
    app_page.page.keyboard.press(" ")
    assert app_page.store("playing") is False
    assert app_page.store("settings.seed") == seed, "the space bar made no other request"
    app_page.open_panel("settings")
    app_page.locator("#temperature").click()
    app_page.page.keyboard.press(" ")
    app_page.wait_for_store("store.playing")
    app_page.locator("#temperature").press("ArrowRight")
    assert app_page.locator("#temperature").input_value() != "1", "a slider handles arrow keys itself"
    app_page.page.keyboard.press("Escape")
    assert app_page.locator(".panel:visible").count() == 0
    app_page.page.keyboard.press("Control+z")
    assert "k" not in app_page.pixels()


@pytest.mark.long
def test_a_reload_keeps_drawing_and_settings(app_page):
    app_page.draw_seven()
    app_page.set(samples=4, temperature=2, seed=77, random_seed=False)
    drawn = app_page.pixels()
    app_page.page.reload()
    app_page.page.wait_for_selector(".page[data-ready]")
    app_page.wait_for_store("store.settings.seed === 77")
    assert app_page.pixels() == drawn
    app_page.open_panel("settings")
    assert app_page.locator("#temperature").input_value() == "2" and not app_page.locator("#random-seed").is_checked()
    assert app_page.locator("[data-count='4']").get_attribute("aria-pressed") == "true"


@pytest.mark.long
def test_on_a_phone_canvas_and_player_stay_in_view_around_a_panel(chromium, server):
    phone = Page(chromium, server, **PHONE)
    phone.draw_seven()
    phone.complete()
    phone.finish()
    phone.seek(100)
    phone.locator("[data-panel=settings]").tap()
    phone.locator("#temperature").scroll_into_view_if_needed()
    phone.wait_until_still("#temperature")
    for selector in (".pixels", ".scrub", ".probability", "#temperature", "#complete"):
        box = phone.locator(selector).bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= 844, selector
    assert phone.page.evaluate(CLASS_AT, phone.point(14, 14)) == "pixels"
    phone.close()


def test_an_empty_canvas_is_sampled_completely_and_a_stroke_discards_the_sample(app_page):
    app_page.complete()
    app_page.finish()
    assert app_page.filled() == 784 and len(app_page.completions()[0]["order"]) == 784, "blank rows are not known pixels"
    assert app_page.locator(".cut").get_attribute("aria-valuenow") == "0", "the model has drawn everything"
    app_page.stroke((5, 5), (5, 10))
    assert app_page.filled() == 392 and "m" not in app_page.pixels()
    assert app_page.locator(".cut").get_attribute("aria-valuenow") == "14"
    expect(app_page.locator(".page[data-completions='0']")).to_be_visible()


@pytest.mark.long
def test_a_stroke_below_the_cut_line_is_faintly_visible(app_page):
    app_page.stroke((22, 8), (22, 18))
    read = "([row, column]) => [...document.querySelector('.pixels').getContext('2d').getImageData(column, row, 1, 1).data]"
    red, _, _, opacity = app_page.page.evaluate(read, [22, 12])
    blank = app_page.page.evaluate(read, [26, 12])[3]
    assert red < 60 and 30 < opacity < 255 and blank == 0, "ink, but transparent"
    assert app_page.filled() == 392


def test_an_error_is_shown_and_the_drawing_is_kept(app_page):
    app_page.draw_seven()
    drawn = app_page.pixels()
    app_page.move_cut(14)
    app_page.complete()
    expect(app_page.page.get_by_text("All pixels are known.")).to_be_visible(timeout=10_000)
    assert app_page.pixels()[:392] == drawn[:392] and "k" in app_page.pixels()[392:], "the drawing is unchanged"
    expect(app_page.locator("#stop")).to_be_disabled()
    grip, stage = (app_page.locator(selector).bounding_box() for selector in (".grip", ".stage"))
    assert grip["y"] + grip["height"] <= stage["y"] + stage["height"] + 1, "at the end the whole grip can be dragged"
    app_page.move_cut(-14)
    app_page.complete()
    app_page.finish()
    assert app_page.pixels()[:392] == drawn[:392]


@pytest.mark.long
def test_after_a_lost_connection_everything_is_still_there(chromium, server):
    """Gradio reloads the page once the server responds again."""
    app_page = Page(chromium, server, locale="ko-KR")
    page, notice = app_page.page, app_page.locator(".notice p")
    app_page.draw_seven()
    app_page.set(samples=4, seed=5)
    app_page.complete()
    app_page.wait_for_store("store.finished")
    app_page.seek(200)
    shown, settings = app_page.pixels(), app_page.store("settings")
    for address in ("**/queue/**", "**/ready", "**/app_id"):
        page.route(address, lambda route: route.abort())
    app_page.complete()
    expect(notice).to_have_text(text("notice.lost", "ko"))
    expect(page.locator(".toast-body")).not_to_be_visible()
    assert app_page.pixels() == shown and not app_page.store("awaiting")
    with page.expect_event("load", timeout=20_000):
        page.unroute_all()
    expect(notice).to_have_text(text("notice.reconnected", "ko"), timeout=15_000)
    expect(page.locator("#panel-settings")).to_be_visible()
    assert app_page.pixels() == shown and len(app_page.completions()) == 4 and app_page.store("settings") == settings
    page.locator("[data-action=undo]").click()
    assert app_page.store("drawing.blank")
    page.keyboard.press("Control+y")
    assert app_page.pixels() == shown
    page.reload()
    page.wait_for_selector(".page[data-ready]")
    app_page.wait_for_store("store.completions.length === 4")
    expect(notice).not_to_be_visible()
    app_page.context.close()  # the lost requests are errors in the console


@pytest.mark.long
def test_an_internal_error_of_the_server_ends_the_request_with_a_sentence(app_page):
    """Its sentence in Gradio is English, and nothing else would follow."""
    app_page.draw_seven()
    app_page.page.route("**/queue/join**", lambda route: route.fulfill(status=500, json={"detail": "Error"}))
    app_page.store("complete()")
    expect(app_page.locator(".notice p")).to_have_text(text("notice.failed"))
    assert not app_page.store("awaiting")
    expect(app_page.locator("#stop")).to_be_disabled()
    app_page.page.unroute_all()
    app_page.complete()
    app_page.finish()
    expect(app_page.locator(".notice")).to_be_hidden()
    app_page.faults = [fault for fault in app_page.faults if "500" not in fault]


def test_drawing_and_completing_by_keyboard(app_page):
    app_page.locator(".pixels").focus()
    for key in ("ArrowRight", " ", "ArrowRight", "ArrowRight", " ", "ArrowDown", " "):
        app_page.page.keyboard.press(key)
    assert app_page.pixels().count("k") >= 9
    app_page.page.keyboard.press("Control+z")
    app_page.locator("#complete").focus()
    app_page.page.keyboard.press("Enter")
    app_page.finish()


def test_drawing_and_completing_by_touch_on_a_phone(chromium, server):
    phone = Page(chromium, server, **PHONE, device_scale_factor=3)
    touch = phone.context.new_cdp_session(phone.page)
    before = phone.page.evaluate("scrollY")
    moves = [("touchMove", 5 + step, 12) for step in range(1, 8)]
    for kind, row, column in [("touchStart", 5, 9), *moves, ("touchEnd", 0, 0)]:
        x, y = phone.point(row, column)
        points = [] if kind == "touchEnd" else [{"x": x, "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    phone.page.wait_for_function(f"({READ_PIXELS})().split('k').length > 16")
    assert phone.page.evaluate("scrollY") == before, "drawing does not scroll the page"
    for _ in range(20):  # just after a stroke, Chromium takes a tap for part of a longer gesture
        phone.locator("#complete").tap()
        phone.wait_for_frames(10)
        if phone.store("pending !== null"):
            break
    phone.finish()
    assert phone.filled() == 784
    # Not compared with innerWidth, which grows with the content on a phone.
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing is wider than the screen"
    phone.close()


@pytest.mark.long
@pytest.mark.parametrize("way", ["stop", "new stroke", "closed tab", "reload", "closed browser"])
def test_slots_are_free_within_a_second_after_the_user_leaves(chromium, slow_server, way):
    assert seconds_until_free(chromium, slow_server, way) < 1


@pytest.mark.long
def test_of_many_clicks_only_the_last_is_computed_and_it_can_be_stopped(chromium, slow_server):
    app_page = Page(chromium, slow_server)
    app_page.complete()
    app_page.wait_for_store("store.finished", timeout=30_000)
    app_page.set(samples=16)
    for _ in range(10):
        app_page.complete()
    wait_for_pictures(slow_server, 16)
    app_page.locator("#stop").click()
    wait_for_pictures(slow_server, 0)
    expect(app_page.locator("#stop")).to_be_disabled()
    app_page.close()


def wait_for_pictures(server: str, count: int) -> None:
    """Wait until the server has so many pictures in progress or waiting."""
    deadline = time.monotonic() + 10
    while (pictures := counters(server)["active"] + counters(server)["waiting"]) != count:
        assert time.monotonic() < deadline, pictures
        time.sleep(0.05)


def counters(server: str) -> dict:
    return json.load(urllib.request.urlopen(f"{server}/ready", timeout=5))


def seconds_until_free(chromium, slow_server, way: str) -> float:
    def active() -> int:
        return counters(slow_server)["active"]

    app_page = Page(chromium, slow_server)
    page = app_page.page
    app_page.set(samples=16)
    app_page.complete()
    app_page.wait_for_answer()
    assert active() == 16
    if way == "stop":
        page.locator("#stop").click()
    elif way == "new stroke":
        app_page.stroke((8, 8), (8, 18))
    elif way == "closed tab":
        page.close()
    elif way == "reload":
        page.reload()
    else:
        app_page.context.close()
    left = time.perf_counter()
    while active() and time.perf_counter() - left < 5:
        time.sleep(0.02)
    elapsed = time.perf_counter() - left
    app_page.context.close()
    return elapsed


@pytest.mark.long
def test_a_digit_is_not_requested_from_a_model_without_classes(app_page):
    app_page.set(model="freeform", digit=3)
    app_page.set(model="pixelcnn")
    digit = app_page.locator("#digit")
    assert digit.is_disabled() and digit.input_value() == "-1"
    app_page.complete()
    app_page.finish()
    assert app_page.completions()[0]["digit"] == -1
    app_page.set(model="freeform")
    assert digit.is_enabled() and digit.input_value() == "3"


@pytest.mark.long
def test_a_seed_that_is_not_a_whole_number_is_refused_with_a_sentence(app_page):
    app_page.set(seed=5)
    app_page.locator("#seed").blur()
    assert not app_page.locator("#random-seed").is_checked(), "a seed that is typed is meant"
    seed, note = app_page.locator("#seed"), app_page.locator("#seed + small")
    for invalid in ("-5", "1.5", "1e99", "abc", "9007199254740992"):
        seed.focus()
        seed.fill("")
        seed.press_sequentially(invalid)
        expect(note).to_have_text(text("settings.seed_invalid", given=invalid, max=2**53 - 1, seed=5))
        seed.blur()
        assert seed.input_value() == "5" and app_page.store("settings.seed") == 5
    seed.fill("12")
    expect(note).to_have_text("")
    app_page.set(random_seed=True)
    app_page.complete()
    app_page.wait_for_answer()
    assert app_page.store("settings.seed") != 12


@pytest.mark.long
def test_clear_restores_the_initial_state(app_page):
    cut = app_page.locator(".cut")
    app_page.draw_seven()
    app_page.move_cut(-1)
    app_page.locator("[data-action=clear]").click()
    assert cut.get_attribute("aria-valuenow") == "14"
    assert "k" not in app_page.pixels()
    app_page.locator("[data-action=undo]").click()
    assert cut.get_attribute("aria-valuenow") == "13" and "k" in app_page.pixels()


@pytest.mark.long
def test_a_drag_over_the_models_pixels_changes_nothing(app_page):
    app_page.draw_seven()
    app_page.complete()
    app_page.finish()
    before = app_page.pixels()
    app_page.stroke((20, 6), (20, 20))
    assert app_page.pixels() == before and app_page.locator(".pixel-readout").is_hidden()
    app_page.stroke((20, 6))
    expect(app_page.locator(".readout-text")).to_contain_text("Row 21, column 7:")


@pytest.mark.long
def test_the_about_panel_shows_the_servers_device_and_load(app_page):
    app_page.open_panel("about")
    device = TEXTS["en"]["about.device"].split(" with ")[0].format(device=text("server.cpu"))
    expect(app_page.locator(".about-device")).to_contain_text(device)
    expect(app_page.locator(".about-device")).to_contain_text("the bundled weights")
    load = text("about.load", active=0, waiting=0).split(";")[0]
    expect(app_page.locator(".about-load")).to_contain_text(load, timeout=6000)


@pytest.mark.long
def test_one_completion_transfers_little_data(app_page):
    """A few messages with at most 40 KB, and no file or image for each step."""
    app_page.set(samples=1)
    requested, received = {}, []
    devtools = app_page.context.new_cdp_session(app_page.page)
    devtools.send("Network.enable")
    devtools.on("Network.requestWillBeSent", lambda event: requested.update({event["requestId"]: event["request"]["url"]}))
    devtools.on("Network.dataReceived", lambda event: received.append((event["requestId"], event["dataLength"])))
    app_page.draw_seven()
    app_page.wait_for_frames(12)
    assert not [url for url in requested.values() if "/static/" not in url], "drawing makes no request"
    app_page.complete()
    app_page.finish()
    counted = {request: url for request, url in requested.items() if "/static/" not in url}
    assert len(counted) <= 5, counted  # the last asks for the bars
    assert 1000 < sum(length for request, length in received if request in counted) < 40_000
