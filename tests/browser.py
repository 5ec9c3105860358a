"""The page in a real Chromium, as somebody at it would use it. Used by the tests of the page."""

import os
import re
import shutil
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
INKED = """() => {
    const canvas = document.querySelector('.pixels');
    const data = canvas.getContext('2d').getImageData(0, 0, 28, 28).data;
    const colour = (r, g, b, a) => a < 255 ? '.' : r > 150 && g < 150 ? 'm' : b > 50 && r < 60 ? 'y' : ' ';
    return Array.from({length: 784}, (_, i) => colour(...data.slice(4 * i, 4 * i + 4))).join('');
}"""  # . not filled, y yours, m the model's, blank paper


@contextmanager
def chromium():
    """A browser; skips the test where there is none, unless REQUIRE_BROWSER says that there must be."""
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
        self.page.on("request", lambda request: self.asked(request.url, address.split("#")[0]))
        self.page.on("response", self.answered)
        self.page.goto(address)
        self.page.wait_for_selector(".page[data-ready]")
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

    def filled_by_frame(self, ms: int) -> list[int]:
        """The same at every frame that the browser paints for so long: from here some might be missed."""
        return self.page.evaluate(f"""() => new Promise((done) => {{
            const inked = {INKED}, seen = [], end = performance.now() + {ms};
            const look = () => {{
                seen.push(784 - inked().split('.').length + 1);
                performance.now() < end ? requestAnimationFrame(look) : done(seen);
            }};
            requestAnimationFrame(look);
        }})""")

    def speed(self, value: int) -> None:
        self.page.locator(".speed").evaluate(f"slider => {{ slider.value = {value}; }}")

    def complete(self) -> None:
        self.page.locator("#complete").click()

    def begun(self) -> None:
        """Wait until something of what was asked for last is there; what was there before stays until then."""
        self.page.wait_for_selector(".page:not([data-takes='0'])")
        self.page.wait_for_function("!document.querySelector('.page').desk.awaited?.fresh")

    def finish(self) -> None:
        self.begun()
        self.speed(100)
        expect(self.page.locator(".facts")).to_contain_text(re.compile(r"Pixel (\d+) of \1\b"), timeout=20_000)

    def shown(self) -> int:
        """How many pixels of the completion are shown."""
        return int(self.page.locator(".scrub").input_value())

    def go(self, pixels: int) -> None:
        """Show so many, and stand still."""
        self.page.locator(".scrub").fill(str(pixels))

    def takes(self) -> list[dict]:
        """The completions on the desk, as the page has them."""
        plain = "value => ArrayBuffer.isView(value) ? [...value] : value"
        fields = f"Object.entries(take).map(([name, value]) => [name, ({plain})(value)])"
        return self.page.evaluate(f"document.querySelector('.page').desk.takes.map((take) => Object.fromEntries({fields}))")

    def panel(self, name: str) -> None:
        """Open one of the panels."""
        button = self.page.locator(f"[data-panel={name}]")
        if button.get_attribute("aria-expanded") != "true":
            button.click()

    def set(self, **settings) -> None:
        """Change settings by their names, in the panel where they are: samples=4, model="freeform", seed=5, ..."""
        self.panel("settings")
        for name, value in settings.items():
            box = self.page.locator(f"#{name}")
            if name == "samples":
                self.page.locator(f"[data-count='{value}']").click()
            elif name in ("model", "against", "digit"):
                box.select_option(str(value))
            elif name == "dice":
                box.set_checked(value)
            else:
                box.fill(str(value))

    def close(self) -> None:
        self.context.close()
        assert self.faults == []
