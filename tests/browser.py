"""Drives the page in a real Chromium: draws, completes, changes settings and reads what is shown. Used by browser tests."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_UP, Decimal

import pytest
from playwright.sync_api import Browser, Locator, Response, expect, sync_playwright

from web.i18n import TEXTS, format_pattern

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
STORE = "document.querySelector('.page').store"

# The canvas as a string, one character for each pixel: "." unknown, "k" ink that is known, "m" ink by the model, " " paper.
READ_PIXELS = """() => {
    const canvas = document.querySelector('.pixels');
    const data = canvas.getContext('2d').getImageData(0, 0, 28, 28).data;
    const kind = (r, g, b, a) => a < 255 ? '.' : r > 150 && g < 150 ? 'm' : b > 50 && r < 60 ? 'k' : ' ';
    return Array.from({length: 784}, (_, i) => kind(...data.slice(4 * i, 4 * i + 4))).join('');
}"""
# As if the example that plays on the first visit had been played.
VISITED = "try { localStorage.setItem('pixelcnn.example-played', 'yes') } catch {}"
# Whether no animation of the page is running that ends.
NO_TRANSITION = """() => document.querySelector('.page').getAnimations({subtree: true}).every(
    (animation) => animation.playState !== 'running' || animation.effect.getTiming().iterations === Infinity
)"""


def text(key: str, language: str = "en", **params: object) -> str:
    """A text of the page, from web/locales."""
    return format_pattern(TEXTS[language][key], params)


def text_start(key: str) -> str:
    """A text of the page up to its first parameter."""
    return TEXTS["en"][key].split("{")[0]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser. Without Chromium the test is skipped, or fails if REQUIRE_BROWSER is set."""
    if CHROMIUM is None:
        assert not os.environ.get("REQUIRE_BROWSER"), "REQUIRE_BROWSER is set, but Chromium is not installed"
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def to_fixed(number: float, digits: int) -> str:
    """A number as JavaScript's toFixed writes it: 15.25 becomes 15.3, not 15.2 as in Python."""
    return str(Decimal(number).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


class Page:
    """A visit to the page. `close` fails the test after any request to another host, error response or console error."""

    def __init__(self, browser: Browser, address: str, first_visit: bool = False, **context: object):
        """address: can have a query or a fragment; context: options of Playwright's `new_context`.

        first_visit: whether the example plays that is for first visits.
        """
        self.context = browser.new_context(**context)
        self.context.set_default_timeout(10_000)
        if not first_visit:
            self.context.add_init_script(VISITED)
        self.page = self.context.new_page()
        self.faults: list[str] = []
        self.page.on("console", lambda message: message.type == "error" and self.faults.append(message.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda request: self._check_host(request.url, address.split("#")[0]))
        self.page.on("response", self._check_status)
        self.page.goto(address)
        self.page.wait_for_selector(".page[data-ready]")
        self.settle()

    def _check_host(self, url: str, address: str) -> None:
        if not url.startswith((address, "data:", "blob:")):
            self.faults.append(f"request to {url}")

    def _check_status(self, response: Response) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.status} for {response.url}")

    def close(self) -> None:
        self.context.close()
        assert self.faults == []

    def locator(self, selector: str) -> Locator:
        return self.page.locator(selector)

    def settle(self) -> None:
        """Wait until fonts are loaded, transitions have ended and the canvas does not move any more."""
        self.page.evaluate("document.fonts.ready.then(() => 0)")
        self.page.wait_for_function(NO_TRANSITION)
        self.wait_until_still(".pixels")

    def wait_until_still(self, selector: str) -> None:
        """Wait until an element has not moved in the window for ten painted frames."""
        self.page.locator(selector).evaluate("""(element) => new Promise((done) => {
            let before = "", still = 0;
            const look = () => {
                const { x, y, width, height } = element.getBoundingClientRect(), place = [x, y, width, height].join();
                still = place === before ? still + 1 : 0;
                before = place;
                still < 10 ? requestAnimationFrame(look) : done();
            };
            look();
        })""")

    def wait_for_frames(self, count: int = 2) -> None:
        """Wait until the browser has painted some frames."""
        self.page.evaluate(f"""() => new Promise((done) => {{
            const next = (left) => left ? requestAnimationFrame(() => next(left - 1)) : done();
            next({count});
        }})""")

    # --- the canvas

    def point(self, row: float, column: float) -> tuple[float, float]:
        """The position of the middle of a pixel on the screen."""
        box = self.page.locator(".pixels").bounding_box()
        return box["x"] + (column + 0.5) * box["width"] / 28, box["y"] + (row + 0.5) * box["height"] / 28

    def stroke(self, *points: tuple[float, float]) -> None:
        """Draw through points, (row, column) each, with the mouse."""
        self.page.locator(".pixels").scroll_into_view_if_needed()
        self.page.mouse.move(*self.point(*points[0]))
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*self.point(*point), steps=6)
        self.page.mouse.up()

    def draw_seven(self) -> None:
        """Draw the top of a seven."""
        self.stroke((6, 8), (6, 18), (9, 18), (15, 15))

    def click_pixel(self, row: float, column: float) -> None:
        self.page.mouse.click(*self.point(row, column))

    def move_cut(self, rows: int) -> None:
        """Move the cut line down by some rows, with its keys."""
        for _ in range(abs(rows)):
            self.page.locator(".cut").press("ArrowDown" if rows > 0 else "ArrowUp")

    def pixels(self) -> str:
        """What the canvas shows; see READ_PIXELS."""
        return self.page.evaluate(READ_PIXELS)

    def filled(self) -> int:
        """How many pixels are not unknown."""
        return 784 - self.pixels().count(".")

    def filled_by_frame(self, ms: int) -> list[int]:
        """`filled` at every frame that the browser paints within a time."""
        return self.page.evaluate(f"""() => new Promise((done) => {{
            const readPixels = {READ_PIXELS}, counts = [], end = performance.now() + {ms};
            const look = () => {{
                counts.push(784 - readPixels().split('.').length + 1);
                performance.now() < end ? requestAnimationFrame(look) : done(counts);
            }};
            requestAnimationFrame(look);
        }})""")

    # --- completions

    def complete(self) -> None:
        self.page.locator("#complete").click()

    def wait_for_answer(self) -> None:
        """Wait for the first pixels of the last request."""
        self.page.wait_for_selector(".page:not([data-completions='0'])")
        self.wait_for_store("!store.pending?.waiting")

    def wait_for_completions(self, count: int) -> None:
        """Wait until there are so many completions, finished or not."""
        self.wait_for_store(f"store.completions.length === {count}")

    def finish(self) -> None:
        """Wait for the last request and show its completions to their end."""
        self.wait_for_answer()
        self.set_speed(100)
        self.wait_for_store("store.finished && store.position >= store.total", timeout=20_000)
        total = self.store("total")
        language = self.page.evaluate("document.documentElement.lang")
        expect(self.page.locator(".summary")).to_contain_text(text("player.pixel_of", language, pixel=total, total=total))

    def completions(self) -> list[dict]:
        """The completions as the page has them (web/static/core/completion.js)."""
        plain = "value => ArrayBuffer.isView(value) ? [...value] : value"
        fields = f"Object.entries(completion).map(([name, value]) => [name, ({plain})(value)])"
        return self.store(f"completions.map((completion) => Object.fromEntries({fields}))")

    def store(self, expression: str) -> object:
        """A property of the page's store, or the result of a method."""
        return self.page.evaluate(f"{STORE}.{expression}")

    def wait_for_store(self, condition: str, timeout: float = 10_000) -> None:
        """Wait for a JavaScript condition about `store`."""
        self.page.wait_for_function(f"(() => {{ const store = {STORE}; return {condition}; }})()", timeout=timeout)

    # --- the player

    def set_speed(self, value: int) -> None:
        """Set the speed slider, 0 to 100."""
        self.page.locator(".speed").evaluate(f"slider => {{ slider.value = {value}; }}")

    def position(self) -> int:
        """How many pixels of the completion are shown."""
        return int(self.page.locator(".scrub").input_value())

    def seek(self, pixels: int) -> None:
        """Show so many pixels, paused."""
        self.page.locator(".scrub").fill(str(pixels))

    # --- panels

    def open_panel(self, name: str) -> None:
        button = self.page.locator(f"[data-panel={name}]")
        if button.get_attribute("aria-expanded") != "true":
            button.click()

    def set(self, **settings: object) -> None:
        """Change settings in their panel: model, second_model, samples, digit, temperature, seed, random_seed."""
        self.open_panel("settings")
        for name, value in settings.items():
            control = self.page.locator(f"#{name.replace('_', '-')}")
            if name == "samples":
                self.page.locator(f"[data-count='{value}']").click()
            elif name in ("model", "second_model", "digit"):
                control.select_option(str(value))
            elif name == "random_seed":
                control.set_checked(value)
            else:
                control.fill(str(value))
