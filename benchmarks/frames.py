"""Measure what a painted frame costs while four pictures are shown: `python -m benchmarks.frames [--throttle 4]`.

It starts the page and opens it in a headless Chromium whose processor is slowed down, so that it is like a phone's. The
script time of a frame is the sum of all tasks of JavaScript between two frames, from the browser's own counter
(`Performance.getMetrics` of the DevTools protocol). A visitor also waits for styles, layout and painting; the result has
those, too. The last line is the result as JSON.

Chromium slows a processor down by waiting in real time, so on a busy machine the waiting of the process counts as well,
several times. The numbers are valid if the mean gap between frames is about 17 ms. With `--throttle 1` they always are.
"""

import argparse
import itertools
import json
import shutil

from playwright.sync_api import Page, sync_playwright

from benchmarks import clients

GOAL_MS = 4.0  # of script time, at this slowing down:
GOAL_THROTTLE = 4.0
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
COUNTERS = {  # of the browser, in seconds; names of the result
    "script_ms_per_frame": ["ScriptDuration"],
    "style_and_layout_ms_per_frame": ["RecalcStyleDuration", "LayoutDuration"],
    "all_ms_per_frame": ["TaskDuration"],
}
REQUEST = f"store.updateSettings({{ samples: 4, seed: {SEED}, randomSeed: false }}); store.complete({{ paused: true }})"


def run_on_store(page: Page, script: str) -> object:
    return page.evaluate(f"(() => {{ const store = document.querySelector('.page').store; return {script}; }})()")


def measure(address: str, throttle: float, frames: int) -> dict[str, float]:
    """The mean times of COUNTERS, and the mean and the longest gap of some frames while four pictures play."""
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
        before = read_counters(session)
        times = page.evaluate(FRAMES, frames)
        after = read_counters(session)
        playing = run_on_store(page, "store.playing")
        browser.close()
    if not playing:
        raise SystemExit("The pictures ended before the frames. Measure fewer frames.")
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    used = {name: round(1000 * (after[name] - before[name]) / frames, 2) for name in COUNTERS}
    return used | {"mean_gap_ms": round(sum(gaps) / len(gaps), 1), "longest_gap_ms": round(max(gaps), 1)}


def read_counters(session) -> dict[str, float]:
    """Seconds since the page was opened, by the names of COUNTERS."""
    metrics = {metric["name"]: metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]}
    return {name: sum(metrics[counter] for counter in counters) for name, counters in COUNTERS.items()}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--throttle", type=float, default=GOAL_THROTTLE, help="times slower (default: %(default)s)")
    parser.add_argument("--frames", type=int, default=60, help="frames to measure (default: %(default)s)")
    parser.add_argument("--address", help="a page that is already running")
    options = parser.parse_args(argv)
    if options.address:
        result = measure(options.address, options.throttle, options.frames)
    else:
        with clients.server() as address:
            result = measure(address, options.throttle, options.frames)
    met = result["script_ms_per_frame"] <= GOAL_MS if options.throttle == GOAL_THROTTLE else None
    print(json.dumps(result | {"pictures": 4, "throttle": options.throttle, "goal_ms": GOAL_MS, "met": met}))


if __name__ == "__main__":
    main()
