"""Record docs/demo.gif and docs/page.png from the page: `python -m scripts.record_demo`. Needs Chromium.

Starts the app, draws the top of a seven with the mouse, requests four completions and takes screenshots as they grow. The
page is shown in the middle of a completion.
"""

import io
import shutil

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import FloatRect, Page, sync_playwright

from benchmarks.clients import ROOT, server

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
SEVEN = [(6, 7), (5.6, 12), (5.6, 18), (7, 18.6), (10, 17), (13, 15.4)]  # row, column
SETTINGS = {"samples": 4, "model": "freeform", "randomSeed": False, "seed": 53}
SPEED = 58  # of the slider, some 85 pixels per second
CLIP: FloatRect = {"x": 40, "y": 4, "width": 1200, "height": 690}
SIZE = (800, 460)
FRAME_MS = 100
SCREENSHOT: FloatRect = {"x": 0, "y": 0, "width": 1280, "height": 700}
LABELLED = (
    ".pixels",
    ".tools",
    "#complete",
    ".player",
    ".panel-tabs",
    ".tiles",
    ".digit-bars",
    ".next-pixel",
    ".status-line",
)


class Recorder:
    """Takes screenshots of a part of the page, as fast as the browser allows, about ten per second."""

    def __init__(self, page: Page):
        self.page = page
        self.frames: list[Image.Image] = []

    def take(self, count: int = 1) -> None:
        for _ in range(count):
            screenshot = Image.open(io.BytesIO(self.page.screenshot(clip=CLIP)))
            self.frames.append(screenshot.convert("RGB").resize(SIZE))


def record(page: Page) -> list[Image.Image]:
    """Draw, complete, and take screenshots until the player stops."""
    recorder = Recorder(page)
    page.evaluate("settings => document.querySelector('.page').store.updateSettings(settings)", SETTINGS)
    box = page.locator(".pixels").bounding_box()
    assert box, "the page has no canvas"
    places = [(box["x"] + column * box["width"] / 28, box["y"] + row * box["height"] / 28) for row, column in SEVEN]
    recorder.take(3)
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=6)
        recorder.take(2)
    page.mouse.up()
    recorder.take(4)
    page.locator(".speed").evaluate(f"slider => {{ slider.value = {SPEED}; slider.dispatchEvent(new Event('input')); }}")
    page.locator("#complete").click()
    page.wait_for_selector(".page[data-completions='many']")
    while page.locator(".toggle").get_attribute("aria-label") == "Pause":
        recorder.take()
    recorder.take(12)
    return recorder.frames


def save_gif(frames: list[Image.Image]) -> None:
    """Write docs/demo.gif with one palette of 64 colors, from the first, the middle and the last frame."""
    width, height = SIZE
    sample = Image.new("RGB", (width, 3 * height))
    for number, frame in enumerate((frames[0], frames[len(frames) // 2], frames[-1])):
        sample.paste(frame, (0, height * number))
    palette = sample.quantize(64)
    frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    path = ROOT / "docs" / "demo.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=FRAME_MS, loop=0, optimize=True)


def save_screenshot(page: Page) -> None:
    """Write docs/page.png: the page after a completion, with the numbers that the README explains."""
    image = Image.open(io.BytesIO(page.screenshot(clip=SCREENSHOT))).convert("RGB")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(20)
    for number, selector in enumerate(LABELLED, 1):
        box = page.locator(selector).first.bounding_box()
        assert box, f"the page has no {selector}"
        center = (box["x"] - SCREENSHOT["x"] + 2, box["y"] - SCREENSHOT["y"] + 2)
        draw.circle(center, 15, fill=(200, 30, 90), outline="white", width=2)
        draw.text(center, str(number), fill="white", font=font, anchor="mm")
    image.quantize(128).save(ROOT / "docs" / "page.png")


def main() -> None:
    with server() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 700})
        page.add_init_script("localStorage.setItem('pixelcnn.example-played', 'yes')")  # no example plays by itself
        page.goto(address)
        page.wait_for_selector(".page[data-ready]")
        page.wait_for_timeout(1500)  # fonts and styles
        frames = record(page)
        page.wait_for_selector(".bars:not(.idle)")
        page.locator(".scrub").evaluate("scrub => { scrub.value = 190; scrub.dispatchEvent(new Event('input')); }")
        page.wait_for_timeout(1000)  # the bars slide to their values
        save_screenshot(page)
        browser.close()
    save_gif(frames)
    print(f"wrote docs/demo.gif, {len(frames)} frames, and docs/page.png")


if __name__ == "__main__":
    main()
