"""The share panel: links, files and program text, and opening valid, old, changed and hostile links."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from browser import Page, text, text_start
from gradio_client import Client
from PIL import Image
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(100)]

DESKTOP = {"width": 1280, "height": 900}
OLD_LINKS = json.loads((Path(__file__).parent.parent / "fixtures" / "old_links.json").read_text("utf-8"))

# The link in the share panel, unpacked, changed and packed again.
FORGE_LINK = """async (changes) => {
    const { packLink, unpackLink } = await import('/parts/share/link.js');
    const link = document.querySelector('#share-link').value;
    return packLink({ ...unpackLink(link.split('#')[1]), ...changes });
}"""
LINK_INK = """async () => {
    const { unpackLink } = await import('/parts/share/link.js');
    return [...unpackLink(document.querySelector('#share-link').value.split('#')[1]).ink];
}"""
SELECTION = (
    "(() => { const node = document.activeElement; return node.value.slice(node.selectionStart, node.selectionEnd); })()"
)


def link_of(app_page) -> str:
    app_page.open_panel("share")
    return app_page.locator("#share-link").input_value()


def open_fragment(app_page, fragment: str) -> None:
    app_page.page.evaluate("fragment => { location.hash = fragment; }", fragment)


def open_forged(app_page, **changes: object) -> None:
    open_fragment(app_page, app_page.page.evaluate(FORGE_LINK, changes))


def pictures(app_page) -> list[str]:
    """All completions, as the canvas shows them."""
    app_page.finish()
    shown = []
    for tile in app_page.locator("[data-completions='many'] .tile").all():
        tile.click()
        shown.append(app_page.pixels())
    return shown or [app_page.pixels()]


def note(app_page):
    return app_page.locator(".link-note")


def button(app_page, key: str):
    return app_page.page.get_by_role("button", name=text(key), exact=True)


@pytest.mark.long
def test_a_copied_link_gives_the_same_pictures_in_another_tab(chromium, server, app_page):
    """With cut line, hidden pixels, model, samples, temperature, seed and digit changed from their defaults."""
    app_page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    app_page.draw_seven()
    app_page.move_cut(-2)
    button(app_page, "canvas.hide").click()
    app_page.stroke((6, 10), (6, 12))
    app_page.set(model="freeform", samples=4, temperature=1.3, seed=4294967295, digit=7, random_seed=False)
    app_page.complete()
    shown = pictures(app_page)
    app_page.open_panel("share")
    button(app_page, "share.copy_link").click()
    expect(app_page.locator(".share-status")).to_have_text(text("share.copied"))
    link = app_page.page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(f"{server}/#1.") and len(link) < 1200
    other = Page(chromium, link, viewport=DESKTOP)
    assert pictures(other) == shown and len(set(shown)) > 1
    other.open_panel("settings")
    assert not other.locator("#random-seed").is_checked() and other.locator("#digit").input_value() == "7"
    assert link_of(other) == link and note(other).text_content() == ""
    other.close()


@pytest.mark.long
def test_a_link_repeats_two_models_and_branches(app_page):
    app_page.set(samples=1)
    app_page.draw_seven()
    app_page.set(model="pixelcnn", second_model="freeform", seed=3, random_seed=False)
    app_page.complete()
    app_page.wait_for_completions(2)
    both, link = pictures(app_page), link_of(app_page)
    app_page.locator(".tile").first.click()
    app_page.seek(200)
    app_page.page.evaluate("document.activeElement.blur()")
    app_page.page.keyboard.press("f")
    app_page.wait_for_completions(3)
    branched, branch_link = pictures(app_page), link_of(app_page)
    assert branched[:2] == both and branched[2] not in both, "the branch is added to the others"
    for fragment, expected in ((link, both), (branch_link, branched)):
        open_fragment(app_page, "")
        button(app_page, "canvas.clear").click()
        open_fragment(app_page, fragment.split("#")[1])
        app_page.wait_for_completions(len(expected))
        assert pictures(app_page) == expected


@pytest.mark.long
def test_a_link_of_an_earlier_version_of_the_page_opens(chromium, server):
    """tests/js/link.test.js unpacks more of them."""
    (old,) = (old for old in OLD_LINKS if old["name"] == "three branches")
    app_page = Page(chromium, f"{server}/#{old['link']}", viewport=DESKTOP)
    state = old["state"]
    count = state["samples"] + len(state["branches"])
    app_page.wait_for_store(f"store.completions.length === {count}", timeout=20_000)
    app_page.finish()
    root, *branches = app_page.completions()[state["samples"] - 1 :]
    assert [[each["branchStep"], each["flipped"], each["temperature"]] for each in branches] == state["branches"]
    assert (root["seed"], root["temperature"], root["digit"], root["model"]) == tuple(
        state[name] for name in ("seed", "temperature", "digit", "model")
    )
    ink = np.frombuffer(bytes.fromhex(state["ink"]), np.uint8)
    known = [pixel for pixel in range(28 * state["cut"]) if pixel not in state["hidden"]]
    shown = app_page.pixels()
    assert all((shown[pixel] == "k") == (ink[pixel] >= 128) for pixel in known)
    app_page.close()


@pytest.mark.long
def test_a_link_leaves_the_address_at_the_first_change(chromium, server, app_page):
    app_page.draw_seven()
    link = link_of(app_page)
    for change in ("stroke", "setting"):
        other = Page(chromium, link, viewport=DESKTOP)
        other.finish()
        assert other.page.url == link, "opening it changes nothing"
        if change == "stroke":
            button(other, "canvas.clear").click()
            other.stroke((3, 3), (3, 9))
        else:
            other.set(temperature=2)
        assert other.page.url == f"{server}/"
        before, settings = other.pixels(), other.store("settings")
        other.page.reload()
        other.page.wait_for_selector(".page[data-ready]")
        other.wait_for_store(f"store.settings.temperature === {settings['temperature']} && !store.drawing.blank")
        assert change == "setting" or other.pixels() == before
        other.close()


@pytest.mark.long
def test_hostile_links_show_an_error_and_leave_the_page_unchanged(app_page):
    app_page.draw_seven()
    drawn, fragment = app_page.pixels(), link_of(app_page).split("#")[1]
    changed = fragment[:60] + ("A" if fragment[60] != "A" else "B") + fragment[61:]
    too_long, bomb = "1." + "A" * 1_000_000, "1." + "AP_" * 5000
    broken, version = text("link.broken"), text("link.version", version=7, here=1)
    for hostile, message in [
        ("junk", broken),
        ("%E0%A4%A", broken),
        ("1.", broken),
        ("1.%00<b>", broken),
        (fragment[:-9], broken),
        (changed, broken),
        (bomb, broken),
        (fragment.replace("1.", "7.", 1), version),
        (too_long, text("link.too_long", length=1000002, most=16000)),
    ]:
        open_fragment(app_page, hostile)
        expect(note(app_page)).to_have_text(message)
        assert app_page.pixels() == drawn
    app_page.stroke((3, 3), (3, 9))
    expect(note(app_page)).to_have_text("")
    app_page.locator(".language").click()
    open_fragment(app_page, "junk2")
    expect(note(app_page)).to_have_text(text("link.broken", "ko"))


@pytest.mark.long
@pytest.mark.parametrize(
    ("fragment", "key"), [("junk", "link.broken"), ("1." + "A" * 1_000_000, "link.too_long"), ("7.AAAA", "link.version")]
)
def test_the_page_works_after_it_was_opened_with_an_invalid_link(chromium, server, fragment, key):
    app_page = Page(chromium, f"{server}/#{fragment}")
    expect(note(app_page)).to_contain_text(text_start(key))
    app_page.draw_seven()
    app_page.complete()
    app_page.finish()
    app_page.close()


@pytest.mark.long
def test_differences_from_the_page_where_a_link_was_made_are_shown(app_page):
    app_page.draw_seven()
    app_page.set(seed=3, random_seed=False)
    app_page.complete()
    shown = pictures(app_page)
    link_of(app_page)
    sha = app_page.store("model.sha")
    cpu, unknown = text("server.cpu"), text("link.no_checksum")
    device = text("link.device", there="an abacus", here=cpu)

    def weights(there: str) -> str:
        return text("link.weights", model="freeform", there=there, here=sha)

    missing = text("link.missing_model", model="gone", here="freeform")
    for changes, message in [
        ({"sha": "01234567"}, text("link.differs", what=weights("01234567"))),
        ({"device": "an abacus"}, text("link.differs", what=device)),
        ({"device": "an abacus", "sha": ""}, text("link.differs", what=f"{weights(unknown)}, {device}")),
        ({"model": "gone"}, missing),
        ({"secondModel": "gone"}, missing),
    ]:
        open_forged(app_page, **changes)
        expect(note(app_page)).to_have_text(message)
        assert note(app_page).get_attribute("role") == "status" and pictures(app_page) == shown
    open_forged(app_page, width=16, height=16, cut=8, ink=[0] * 256, hidden=[0] * 256)
    expect(note(app_page)).to_have_text(text("link.size", size="16 x 16", here="28 x 28"))
    assert pictures(app_page) == shown
    for invalid in ({"samples": 65}, {"seed": -1}, {"temperature": 0}, {"cut": 29}, {"model": 3}, {"branches": [[1]]}):
        open_forged(app_page, **invalid)
        expect(note(app_page)).to_have_text(text("link.broken"))


@pytest.mark.long
def test_without_a_clipboard_the_link_is_selected(app_page):
    app_page.page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    app_page.open_panel("share")
    button(app_page, "share.copy_link").click()
    expect(app_page.locator(".share-status")).to_have_text(text("share.copy_manually"))
    assert app_page.page.evaluate(SELECTION) == link_of(app_page)


@pytest.mark.long
def test_the_panel_opens_gradios_description_of_the_api(app_page):
    app_page.open_panel("share")
    app_page.locator(".share-programs summary").click()
    button(app_page, "share.api").click()
    expect(app_page.locator(".api-docs")).to_contain_text("/complete", timeout=20_000)
    app_page.faults = [fault for fault in app_page.faults if "404" not in fault]  # Gradio looks for an MCP server


def downloaded(app_page, kind: str) -> bytes:
    app_page.open_panel("share")
    with app_page.page.expect_download() as download:
        app_page.locator(f"[data-file={kind}]").click()
    assert download.value.suggested_filename == f"pixelcnn-seed-3.{kind}"
    return Path(download.value.path()).read_bytes()


@pytest.mark.long
def test_files_contain_what_the_page_shows(app_page, server):
    app_page.open_panel("share")
    assert app_page.locator("[data-file=gif]").is_disabled(), "there is no completion yet"
    app_page.draw_seven()
    app_page.set(samples=4, seed=3, random_seed=False, temperature=0.8)
    app_page.complete()
    app_page.wait_for_completions(4)
    shown = pictures(app_page)

    with Image.open(io.BytesIO(downloaded(app_page, "png"))) as picture:
        zoom = picture.width // 28
        dots = np.asarray(picture.convert("RGB")).astype(int)[zoom // 2 :: zoom, zoom // 2 :: zoom].reshape(784, 3)
    assert zoom >= 16 and picture.width == picture.height == 28 * zoom
    orange = dots[:, 0] - dots[:, 2] > 100
    assert "".join("m" if sampled else " " for sampled in orange) == shown[-1].replace("k", " ")

    with Image.open(io.BytesIO(downloaded(app_page, "gif"))) as animation:
        assert animation.format == "GIF" and animation.n_frames > 20 and animation.width == animation.height
        animation.seek(animation.n_frames - 1)
        last = np.asarray(animation.convert("RGB")).astype(int)
    assert (last[..., 0] - last[..., 2] > 100).any()

    result = json.loads(downloaded(app_page, "json"))
    drawing = np.array(app_page.page.evaluate(LINK_INK)).reshape(28, 28).tolist()
    known = [[int(row < 14)] * 28 for row in range(28)]
    answer = Client(server, verbose=False).predict(drawing, known, "freeform", 4, 0.8, 3, -2, api_name="/complete")
    assert set(result) == {*answer, "temperature", "digit"}
    for name in ("model", "seed", "levels", "order", "images", "known_order", "digits"):
        assert result[name] == answer[name], name
    for name, tolerance in (("probabilities", 1e-4), ("nats", 0.1), ("known_probabilities", 1e-2)):
        np.testing.assert_allclose(result[name], answer[name], atol=tolerance)


@pytest.mark.long
def test_the_program_texts_run_and_give_the_same_pictures(app_page):
    app_page.draw_seven()
    app_page.set(model="freeform", samples=4, temperature=0.8, seed=3, digit=7, random_seed=False)
    app_page.complete()
    app_page.wait_for_completions(4)
    shown = [picture.replace("k", "#").replace("m", "#").replace(" ", ".") for picture in pictures(app_page)]
    app_page.open_panel("share")
    python, curl = (app_page.locator(f"#share-{name}").input_value() for name in ("python", "curl"))
    run = subprocess.run([sys.executable, "-c", python], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert [picture.replace("\n", "") for picture in run.stdout.strip().split("\n\n")] == shown
    run = subprocess.run(["bash", "-c", curl], capture_output=True, text=True, timeout=60)
    (answer,) = json.loads(re.search("event: complete\ndata: (.*)", run.stdout)[1])
    levels = ["".join("#" if level else "." for row in image for level in row) for image in answer["images"]]
    assert levels == shown


@pytest.mark.long
def test_a_link_of_a_branch_gives_all_completions(app_page, chromium):
    """Several digits are sampled first and no pixel is known; the branch and the others keep their digits."""
    app_page.set(model="freeform", samples=4, seed=5, random_seed=False)
    app_page.complete()
    app_page.finish()
    assert len({completion["sampledDigit"] for completion in app_page.completions()}) > 1
    app_page.store("branch(3, 200, {flip: true})")
    app_page.wait_for_completions(5)
    app_page.finish()
    other = Page(chromium, link_of(app_page), viewport=DESKTOP)
    other.wait_for_completions(5)
    other.finish()
    inks = [[completion["ink"] for completion in page.completions()] for page in (app_page, other)]
    assert inks[0] == inks[1]
    other.open_panel("settings")
    assert other.locator("#digit").input_value() == "-2"
    other.close()
