"""Make docs/demo.gif from the page itself: `python docs/gif.py`. Needs requirements-dev.txt and a Chromium.

Starts the app, draws the top of a seven with the mouse, asks for four completions and films what the page shows.
"""

import io
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parent.parent
PORT = "7899"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
SEVEN = [(6, 7), (5.6, 12), (5.6, 18), (7, 18.6), (10, 17), (13, 15.4)]


def wait_for(address: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(address, timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"The app did not answer at {address}.")


def film(page: Page) -> list[Image.Image]:
    """Frames of the instrument, a tenth of a second apart as far as the browser keeps up."""
    frames, clip = [], {"x": 40, "y": 4, "width": 1200, "height": 840}

    def shoot(count: int = 1) -> None:
        for _ in range(count):
            frames.append(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB").resize((800, 560)))

    page.evaluate("document.querySelector('.page').desk.set({ samples: 4, model: 'freeform', dice: false, seed: 59 })")
    box = page.locator(".pixels").bounding_box()
    places = [(box["x"] + column * box["width"] / 28, box["y"] + row * box["height"] / 28) for row, column in SEVEN]
    shoot(3)
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=6)
        shoot(2)
    page.mouse.up()
    shoot(4)
    page.locator(".speed").evaluate(
        "slider => { slider.value = 58; slider.dispatchEvent(new Event('input')); }"
    )  # some 85 pixels a second
    page.locator("#complete").click()
    page.wait_for_selector(".page[data-takes='many']")
    while page.locator(".toggle").get_attribute("aria-label") == "Pause":
        shoot()
    shoot(12)
    return frames


def main() -> None:
    environment = os.environ | {"GRADIO_SERVER_PORT": PORT}
    server = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{PORT}")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(f"http://127.0.0.1:{PORT}")
            page.wait_for_selector(".page[data-ready]")
            page.wait_for_timeout(1500)
            frames = film(page)
            browser.close()
    finally:
        server.terminate()
    seen = Image.new("RGB", (800, 560 * 3))
    for place, frame in enumerate((frames[0], frames[len(frames) // 2], frames[-1])):
        seen.paste(frame, (0, 560 * place))
    palette = seen.quantize(64)
    frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    frames[0].save(ROOT / "docs" / "demo.gif", save_all=True, append_images=frames[1:], duration=100, loop=0, optimize=True)
    print(f"wrote docs/demo.gif, {len(frames)} frames")


if __name__ == "__main__":
    main()
