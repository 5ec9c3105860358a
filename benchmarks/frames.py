"""Measure what a painted frame costs while four pictures are shown: `python -m benchmarks.frames [--throttle 4]`.

It starts the page and opens it in a headless Chromium whose processor is slowed down, so that it is like a phone's. The
script time of a frame is the sum of all tasks of JavaScript between two frames, from the browser's own counter
(`Performance.getMetrics` of the DevTools protocol). The last line is the result as JSON.
"""

import argparse
import itertools
import json
import shutil

from playwright.sync_api import Page, sync_playwright

from benchmarks import clients

GOAL_MS = 4.0
SPEED = 55  # of the page's slider: some 70 pixels per second, so that the pictures play for almost six seconds
SEED = 5
FRAMES = """(count) => new Promise((done) => {
    const times = [];
    const next = (now) => {
        times.push(now);
        times.length > count ? done(times) : requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
})"""
REQUEST = f"store.updateSettings({{ samples: 4, seed: {SEED}, randomSeed: false }}); store.complete({{ paused: true }})"


def run_on_store(page: Page, script: str) -> object:
    return page.evaluate(f"(() => {{ const store = document.querySelector('.page').store; return {script}; }})()")


def measure(address: str, throttle: float, frames: int) -> dict[str, float]:
    """The mean script time and the longest gap of some frames while four pictures play."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True)
        page.add_init_script("localStorage.setItem('pixelcnn.example-played', 'yes')")
        page.goto(address)
        page.wait_for_selector(".page[data-ready]")
        page.evaluate(f"(() => {{ const store = document.querySelector('.page').store; {REQUEST}; }})()")
        page.wait_for_function("document.querySelector('.page').store.finished", timeout=60_000)
        page.locator(".speed").evaluate(f"(slider) => {{ slider.value = {SPEED}; }}")
        session = page.context.new_cdp_session(page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": throttle})
        session.send("Performance.enable", {"timeDomain": "threadTicks"})  # not the time in which other processes ran
        run_on_store(page, "store.togglePlay()")
        before = script_seconds(session)
        times = page.evaluate(FRAMES, frames)
        used = script_seconds(session) - before
        playing = run_on_store(page, "store.playing")
        browser.close()
    if not playing:
        raise SystemExit("The pictures ended before the frames. Measure fewer frames.")
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    return {"script_ms_per_frame": round(1000 * used / frames, 2), "longest_gap_ms": round(max(gaps), 1)}


def script_seconds(session) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(metric["value"] for metric in metrics if metric["name"] == "ScriptDuration")


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--throttle", type=float, default=4.0, help="how many times slower (default: %(default)s)")
    parser.add_argument("--frames", type=int, default=60, help="frames to measure (default: %(default)s)")
    parser.add_argument("--address", help="a page that is already running")
    options = parser.parse_args(argv)
    if options.address:
        result = measure(options.address, options.throttle, options.frames)
    else:
        with clients.server() as address:
            result = measure(address, options.throttle, options.frames)
    met = result["script_ms_per_frame"] <= GOAL_MS
    print(json.dumps(result | {"pictures": 4, "throttle": options.throttle, "goal_ms": GOAL_MS, "met": met}))


if __name__ == "__main__":
    main()
