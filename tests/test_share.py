"""Links, files and snippets: what the page gives away, and what it makes of links that others made."""

import io
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from browser import Page
from gradio_client import Client
from PIL import Image
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(100)]

# The link of the page, unpacked, changed and packed again.
FORGED = """async (changes) => {
    const { packed, unpacked } = await import('/parts/link.js');
    const link = document.querySelector('#share-link').value;
    return packed({ ...unpacked(link.split('#')[1]), ...changes });
}"""


def link_of(opened) -> str:
    opened.panel("share")
    return opened.page.locator("#share-link").input_value()


def pictures(opened) -> list[str]:
    """All completions in turn, as they lie on the easel."""
    opened.finish()
    out = []
    for tile in opened.page.locator("[data-takes='many'] .tile").all():
        tile.click()
        out.append(opened.pixels())
    return out or [opened.pixels()]


def move_cut(opened, rows: int) -> None:
    for _ in range(abs(rows)):
        opened.page.locator(".cut").press("ArrowDown" if rows > 0 else "ArrowUp")


def note(opened):
    return opened.page.locator(".link-note")


@pytest.mark.long
def test_a_copied_link_draws_the_same_pictures_in_a_new_tab(chromium, server, opened):
    """Everything away from its default: cut, hidden pixels, model, count, temperature, seed and digit."""
    opened.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened.seven()
    move_cut(opened, -2)
    opened.page.get_by_role("button", name="Hide", exact=True).click()
    opened.stroke((6, 10), (6, 12))
    opened.set(model="freeform", samples=4, temperature=1.3, seed=4294967295, digit=7, dice=False)
    opened.complete()
    drawn = pictures(opened)
    opened.panel("share")
    opened.page.get_by_role("button", name="Copy link").click()
    expect(opened.page.locator(".share-said")).to_have_text("Copied.")
    link = opened.page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(f"{server}/#1.") and len(link) < 1200
    other = Page(chromium, link, viewport={"width": 1280, "height": 900})
    assert pictures(other) == drawn and len(set(drawn)) > 1
    other.panel("settings")
    assert not other.page.locator("#dice").is_checked() and other.page.locator("#digit").input_value() == "7"
    assert link_of(other) == link and note(other).text_content() == ""
    other.close()


@pytest.mark.long
def test_a_link_replays_two_models_and_the_turns_that_were_taken(opened):
    opened.seven()
    opened.set(model="pixelcnn", against="freeform", seed=3, dice=False)
    opened.complete()
    opened.page.wait_for_selector(".page[data-takes='many']")
    both, link = pictures(opened), link_of(opened)
    opened.page.locator(".tile").first.click()
    opened.page.locator(".scrub").fill("200")
    opened.page.evaluate("document.activeElement.blur()")
    opened.page.keyboard.press("f")
    opened.page.wait_for_selector(".tile .caption:text('from pixel')")
    branched, turned = pictures(opened), link_of(opened)
    assert branched[:2] == both and branched[2] not in both, "a branch stands beside all that was there"
    for way, expected in ((link, both), (turned, [branched[0], branched[2]])):  # in the page that is open already
        opened.page.evaluate("location.hash = ''")
        opened.page.get_by_role("button", name="Clear").click()
        opened.page.evaluate("link => { location.hash = link.split('#')[1]; }", way)
        opened.page.wait_for_selector(".page[data-takes='many']")
        if way == turned:
            opened.page.wait_for_selector(".tile .caption:text('from pixel')", timeout=20_000)
        assert pictures(opened) == expected


@pytest.mark.long
def test_hostile_links_leave_a_sentence_and_the_page_as_it_is(opened):
    opened.seven()
    drawn, link = opened.pixels(), link_of(opened)
    good = link.split("#")[1]
    changed = good[:60] + ("A" if good[60] != "A" else "B") + good[61:]
    huge, bomb = "1." + "A" * 1_000_000, "1." + "AP_" * 5000
    for fragment, says in [
        ("junk", "This link is broken"),
        ("%E0%A4%A", "This link is broken"),
        ("1.", "This link is broken"),
        ("1.%00<b>", "This link is broken"),
        (good[:-9], "This link is broken"),
        (changed, "This link is broken"),
        (bomb, "This link is broken"),
        (good.replace("1.", "7.", 1), "of version 7 and this page reads version 1"),
        (huge, "This link has 1000002 characters"),
    ]:
        opened.page.evaluate("fragment => { location.hash = fragment; }", fragment)
        expect(note(opened)).to_contain_text(says)
        assert opened.pixels() == drawn
    opened.stroke((3, 3), (3, 9))
    expect(note(opened)).to_have_text("")
    opened.page.locator(".language").click()
    opened.page.evaluate("location.hash = 'junk2'")
    expect(note(opened)).to_contain_text("링크가 깨져")


@pytest.mark.long
@pytest.mark.parametrize(
    ("forged", "says"),
    [
        ("junk", "This link is broken"),
        ("1." + "A" * 1_000_000, "This link has 1000002 characters"),
        ("7.AAAA", "of version 7"),
    ],
)
def test_a_page_opened_by_a_bad_link_works(chromium, server, forged, says):
    opened = Page(chromium, f"{server}/#{forged}")
    expect(note(opened)).to_contain_text(says)
    opened.seven()
    opened.complete()
    opened.finish()
    opened.close()


@pytest.mark.long
def test_what_differs_from_where_the_link_was_made_is_said(opened):
    opened.seven()
    opened.set(seed=3, dice=False)
    opened.complete()
    drawn = pictures(opened)
    link_of(opened)
    for changes, says in [
        ({"sha": "01234567"}, r"made with weights 01234567 of freeform \(here [0-9a-f]{8}\), so the pictures may differ"),
        ({"device": "an abacus"}, r"made with an abacus \(here the CPU\), so the pictures may differ"),
        ({"device": "an abacus", "sha": ""}, r"weights without a name of freeform .*, an abacus \(here the CPU\), so"),
        ({"model": "gone"}, r"The model of this link, gone, is not here, so freeform fills in"),
        ({"against": "gone"}, r"The model of this link, gone, is not here"),
    ]:
        opened.page.evaluate("forged => { location.hash = forged; }", opened.page.evaluate(FORGED, changes))
        expect(note(opened)).to_contain_text(re.compile(says))
        assert note(opened).get_attribute("role") == "status" and pictures(opened) == drawn
    size = {"width": 16, "height": 16, "cut": 8, "ink": [0] * 256, "holes": [0] * 256}
    opened.page.evaluate("forged => { location.hash = forged; }", opened.page.evaluate(FORGED, size))
    expect(note(opened)).to_contain_text("16 x 16 pixels and the canvas here is 28 x 28")
    assert pictures(opened) == drawn
    for changes in ({"samples": 65}, {"seed": -1}, {"temperature": 0}, {"cut": 29}, {"model": 3}, {"branches": [[1]]}):
        opened.page.evaluate("forged => { location.hash = forged; }", opened.page.evaluate(FORGED, changes))
        expect(note(opened)).to_contain_text("This link is broken")


@pytest.mark.long
def test_without_a_clipboard_the_text_lies_there_selected(opened):
    opened.page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    opened.panel("share")
    opened.page.get_by_role("button", name="Copy link").click()
    expect(opened.page.locator(".share-said")).to_contain_text("the text is selected")
    selected = "(() => { const at = document.activeElement; return at.value.slice(at.selectionStart, at.selectionEnd); })()"
    assert opened.page.evaluate(selected) == link_of(opened)


def downloaded(opened, kind: str) -> bytes:
    opened.panel("share")
    with opened.page.expect_download() as caught:
        opened.page.locator(f"[data-file={kind}]").click()
    assert caught.value.suggested_filename == f"pixelcnn-seed-3.{kind}"
    with open(caught.value.path(), "rb") as file:
        return file.read()


@pytest.mark.long
def test_files_hold_what_is_shown(opened, server):
    opened.panel("share")
    assert opened.page.locator("[data-file=gif]").is_disabled(), "there is nothing to film yet"
    opened.seven()
    opened.set(samples=4, seed=3, dice=False, temperature=0.8)
    opened.complete()
    opened.page.wait_for_selector(".page[data-takes='many']")
    shown = pictures(opened)

    with Image.open(io.BytesIO(downloaded(opened, "png"))) as picture:
        zoom = picture.width // 28
        dots = np.asarray(picture.convert("RGB")).astype(int)[zoom // 2 :: zoom, zoom // 2 :: zoom].reshape(784, 3)
    assert zoom >= 16 and picture.width == picture.height == 28 * zoom
    orange = dots[:, 0] - dots[:, 2] > 100
    assert "".join("m" if one else " " for one in orange) == shown[-1].replace("y", " ")

    with Image.open(io.BytesIO(downloaded(opened, "gif"))) as film:
        assert film.format == "GIF" and film.n_frames > 20 and film.width == film.height
        film.seek(film.n_frames - 1)
        last = np.asarray(film.convert("RGB")).astype(int)
    assert (last[..., 0] - last[..., 2] > 100).any()

    trace = json.loads(downloaded(opened, "json"))
    asked = opened.page.evaluate(
        """async () => {
        const { unpacked } = await import('/parts/link.js');
        return [...unpacked(document.querySelector('#share-link').value.split('#')[1]).ink];
    }"""
    )
    drawing = np.array(asked).reshape(28, 28).tolist()
    known = [[int(row < 14)] * 28 for row in range(28)]
    answer = Client(server, verbose=False).predict(drawing, known, "freeform", 4, 0.8, 3, -2, api_name="/complete")
    assert set(trace) == {*answer, "temperature", "digit"}
    for name in ("model", "seed", "levels", "order", "images", "known_order", "digits"):
        assert trace[name] == answer[name], name
    for name, most in (("probabilities", 1e-4), ("nats", 0.1), ("known_probabilities", 1e-2)):
        np.testing.assert_allclose(trace[name], answer[name], atol=most)


@pytest.mark.long
def test_the_snippets_work_as_they_stand(opened):
    opened.seven()
    opened.set(model="freeform", samples=4, temperature=0.8, seed=3, digit=7, dice=False)
    opened.complete()
    opened.page.wait_for_selector(".page[data-takes='many']")
    shown = [picture.replace("y", "#").replace("m", "#").replace(" ", ".") for picture in pictures(opened)]
    opened.panel("share")
    python, curl = (opened.page.locator(f"#share-{name}").input_value() for name in ("python", "curl"))
    run = subprocess.run([sys.executable, "-c", python], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert [text.replace("\n", "") for text in run.stdout.strip().split("\n\n")] == shown
    run = subprocess.run(["bash", "-c", curl], capture_output=True, text=True, timeout=60)
    (answer,) = json.loads(re.search("event: complete\ndata: (.*)", run.stdout)[1])
    levels = ["".join("#" if level else "." for row in image for level in row) for image in answer["images"]]
    assert levels == shown


@pytest.mark.long
def test_a_link_from_a_branch_draws_all_that_stood_beside_it(opened, chromium):
    """Of several digits, drawn first, with nothing given: the branch keeps its own, the others theirs."""
    opened.set(model="freeform", samples=4, seed=5, dice=False)
    opened.complete()
    opened.finish()
    takes = opened.takes()
    assert len({take["drew"] for take in takes}) > 1
    opened.page.evaluate("document.querySelector('.page').desk.branch(3, 200, {flip: true})")
    opened.page.wait_for_function("document.querySelector('.page').desk.takes.length == 5")
    opened.finish()
    opened.panel("share")
    link = opened.page.locator("#share-link").input_value()
    other = Page(chromium, link, viewport={"width": 1280, "height": 900})
    other.page.wait_for_function("document.querySelector('.page').desk.takes.length == 5")
    other.finish()
    assert [take["ink"] for take in other.takes()] == [take["ink"] for take in opened.takes()]
    other.panel("settings")
    assert other.page.locator("#digit").input_value() == "-2"
    other.close()
