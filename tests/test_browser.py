"""The page in a real Chromium: drawn on by mouse, finger and keyboard, completed, stopped, and completed again."""

import itertools
import json
import os
import re
import shutil
import time
import urllib.request

import pytest
from playwright.sync_api import expect, sync_playwright

pytestmark = [pytest.mark.browser, pytest.mark.timeout(40)]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
INKED = """() => {
    const canvas = document.querySelector('.easel .pixels');
    const data = canvas.getContext('2d').getImageData(0, 0, 28, 28).data;
    const colour = (r, g, b, a) => a < 255 ? '.' : r > 150 && g < 150 ? 'm' : b > 50 && r < 60 ? 'y' : ' ';
    return Array.from({length: 784}, (_, i) => colour(...data.slice(4 * i, 4 * i + 4))).join('');
}"""  # . not filled, y yours, m the model's, blank paper


@pytest.fixture(scope="module")
def chromium():
    if CHROMIUM is None:
        assert not os.environ.get("REQUIRE_BROWSER"), "REQUIRE_BROWSER is set and there is no chromium; install it"
        pytest.skip("there is no chromium here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Page:
    """The page, watched: what it asks of other hosts and what it says on the console is held against it."""

    def __init__(self, browser, address: str, **context):
        self.context = browser.new_context(**context)
        self.context.set_default_timeout(10_000)
        self.page = self.context.new_page()
        self.faults, self.messages = [], []
        self.page.on("console", lambda message: message.type == "error" and self.faults.append(message.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda request: self.asked(request.url, address))
        self.page.on("response", self.answered)
        self.page.goto(address)
        self.page.wait_for_selector(".easel .pixels")
        self.page.wait_for_function("document.querySelector('.easel .hint').textContent")
        self.settle()

    def settle(self) -> None:
        """Wait until fonts and styles have come and the canvas lies where it will stay."""
        self.page.evaluate("document.fonts.ready.then(() => 0)")
        boxes = [None]
        while len(boxes) < 4 or boxes[-1] != boxes[-4]:
            boxes.append(self.page.locator(".pixels").bounding_box())
            self.page.wait_for_timeout(50)

    def asked(self, url: str, address: str) -> None:
        if not url.startswith((address, "data:", "blob:")):
            self.faults.append(f"asked for {url}")

    def answered(self, response) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.status} for {response.url}")

    def at(self, row: float, column: float) -> tuple[float, float]:
        """Where the middle of a pixel is on the screen."""
        box = self.page.locator(".pixels").bounding_box()
        return box["x"] + (column + 0.5) * box["width"] / 28, box["y"] + (row + 0.5) * box["height"] / 28

    def stroke(self, *points: tuple[float, float]) -> None:
        self.page.locator(".pixels").scroll_into_view_if_needed()  # pressing *Complete* may have scrolled it away
        self.page.mouse.move(*self.at(*points[0]))
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*self.at(*point), steps=6)
        self.page.mouse.up()

    def seven(self) -> None:
        self.stroke((6, 8), (6, 18), (9, 18), (15, 15))

    def pixels(self) -> str:
        return self.page.evaluate(INKED)

    def filled(self) -> int:
        return 784 - self.pixels().count(".")

    def speed(self, value: int) -> None:
        self.page.locator(".speed").evaluate(f"slider => {{ slider.value = {value}; }}")

    def complete(self) -> None:
        self.page.locator("#complete").click()

    def finish(self) -> None:
        self.page.wait_for_selector(".player:not([hidden])")
        self.speed(100)
        expect(self.page.locator(".facts")).to_contain_text(re.compile(r"Pixel (\d+) of \1\b"), timeout=20_000)

    def close(self) -> None:
        self.context.close()
        assert self.faults == []


@pytest.fixture
def opened(chromium, server):
    page = Page(chromium, server, viewport={"width": 1280, "height": 900})
    yield page
    page.close()


def test_a_seven_is_drawn_and_completed_pixel_by_pixel(opened):
    opened.seven()
    drawn = opened.pixels()
    assert 30 < drawn.count("y") < 90 and drawn.count(".") == 392
    opened.complete()
    opened.page.wait_for_selector(".player:not([hidden])")
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
    opened.speed(30)  # ten pixels a second
    opened.complete()
    opened.page.wait_for_selector(".player:not([hidden])")
    seen = set()
    started = time.monotonic()
    while time.monotonic() - started < 2:
        seen.add(opened.filled())
    steps = sorted(seen)
    assert len(steps) > 8 and all(b - a == 1 for a, b in itertools.pairwise(steps)), steps
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
    opened.page.wait_for_selector(".player:not([hidden])")
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


def test_a_late_completion_does_not_play_over_a_new_drawing(opened):
    opened.seven()
    held = hold_messages(opened)
    opened.complete()
    opened.page.wait_for_timeout(300)
    opened.stroke((4, 4), (4, 12))
    let_come(opened, held)
    assert opened.filled() == 392 and opened.page.locator(".player").is_hidden()


def test_the_last_of_two_clicks_is_the_one_that_is_shown(opened):
    opened.seven()
    opened.page.locator("#more").click()
    opened.page.locator("#dice input").uncheck()
    held = hold_messages(opened)
    for seed in ("5", "6"):
        opened.page.locator("#seed input").fill(seed)
        opened.complete()
        opened.page.wait_for_timeout(300)
    let_come(opened, held)
    opened.finish()
    expect(opened.page.locator(".facts")).to_contain_text("seed 6")


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
    opened.page.locator("#more").click()
    opened.page.locator("#dice input").uncheck()
    opened.page.locator("#seed input").fill("5")
    opened.complete()
    opened.finish()
    alone = opened.pixels()
    opened.page.locator("#count").get_by_text("4", exact=True).click()
    opened.complete()
    opened.page.wait_for_selector(".tiles[data-count='4']")
    opened.finish()
    assert opened.pixels() == alone
    pictures = []
    for tile in opened.page.locator(".tiles canvas").all():
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


def test_an_empty_canvas_dreams_and_a_new_stroke_takes_the_dream_away(opened):
    opened.complete()
    opened.finish()
    assert opened.filled() == 784
    opened.stroke((5, 5), (5, 10))
    assert opened.filled() == 392 and "m" not in opened.pixels()
    expect(opened.page.locator(".player")).to_be_hidden()


def test_an_error_is_one_sentence_and_the_drawing_stays(opened):
    opened.seven()
    drawn = opened.pixels()
    opened.page.locator(".cut").focus()
    for _ in range(14):
        opened.page.keyboard.press("ArrowDown")
    opened.complete()
    expect(opened.page.get_by_text("there is nothing to fill")).to_be_visible(timeout=10_000)
    assert opened.pixels()[:392] == drawn[:392] and "y" in opened.pixels()[392:], "nothing drawn is lost"
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


@pytest.mark.parametrize("way", ["stop", "new stroke", "closed tab", "reload", "closed browser"])
def test_who_leaves_frees_the_slots_within_a_second(chromium, slow_server, way):
    assert seconds_until_free(chromium, slow_server, way) < 1


def seconds_until_free(chromium, slow_server, way: str) -> float:
    def active() -> int:
        return json.load(urllib.request.urlopen(f"{slow_server}/ready", timeout=5))["active"]

    opened = Page(chromium, slow_server)
    page = opened.page
    page.locator("#count").get_by_label("16").check()
    page.locator("#complete").click()
    page.wait_for_selector(".player:not([hidden])")
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


def test_a_digit_is_refused_in_a_sentence_by_a_model_without_classes(opened):
    opened.page.locator("#more button").first.click()
    opened.page.locator("#digit").get_by_label("3", exact=True).check()
    opened.page.locator("#complete").click()
    expect(opened.page.locator("body")).to_contain_text("pixelcnn cannot be told to draw a 3")


def test_what_the_server_is_doing_is_shown_to_who_looks(opened):
    expect(opened.page.locator(".house.about")).to_contain_text("Running on the CPU with the weights that came with it")
    expect(opened.page.locator(".house.line")).to_contain_text("0 pictures under way, 0 waiting", timeout=6000)


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
