"""Files of visitors: the routes, when weights are accepted, and the page's panel and drop area."""

import http.client
import io
import json

import httpx
import numpy as np
import pytest
from browser import text
from conftest import tiny_model
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from benchmarks import clients
from pixelcnn.hub import save_weights
from web.uploads.routes import weights_are_accepted


def photo() -> bytes:
    """A JPEG of a seven in dark ink on unevenly lit paper."""
    image = Image.fromarray(np.add.outer(np.linspace(150, 190, 480), np.linspace(0, 60, 640)).astype(np.uint8))
    ImageDraw.Draw(image).line([(220, 120), (400, 120), (300, 380)], fill=50, width=16, joint="curve")
    file = io.BytesIO()
    image.save(file, "JPEG")
    return file.getvalue()


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "mine.safetensors"
    save_weights(tiny_model("pixelcnn", 28, 28).float(), path, dataset="mnist-threshold")
    return path


def test_a_picture_becomes_ink(server):
    answer = httpx.post(f"{server}/picture", content=photo(), timeout=20)
    ink = np.frombuffer(bytes.fromhex(answer.json()["ink"]), np.uint8).reshape(28, 28)
    rows = np.flatnonzero((ink >= 128).any(1))
    assert len(rows) == rows[-1] - rows[0] + 1 and 18 <= len(rows) <= 20


@pytest.mark.parametrize(
    ("body", "code"), [(b"", "picture_format"), (photo()[:200], "picture_damaged"), (b"{}", "picture_format")]
)
def test_a_file_that_is_no_picture_gets_a_sentence(server, body, code):
    answer = httpx.post(f"{server}/picture", content=body, timeout=20)
    assert answer.status_code == 400 and answer.json()["code"] == code


def test_weights_of_a_visitor_complete_drawings_until_they_are_released(server, weights):
    added = httpx.post(f"{server}/visitor-weights?name=mine.safetensors", content=weights.read_bytes(), timeout=60).json()
    entry = added["entry"]
    assert entry.startswith("mine-") and added["facts"]["model"] == "pixelcnn"
    drawing = {"ink": "00" * 784, "known": "1" * 392 + "0" * 392}
    field = f"{server}/receptive-field?model={entry}&pixel=400"
    assert httpx.get(field, timeout=60).status_code == 200
    assert entry not in httpx.get(f"{server}/models", timeout=20).json()["models"], "for its visitor only"
    kept = httpx.post(f"{server}/visitor-weights/keep", json={"entries": [entry, "other", 7]}, timeout=20).json()
    assert kept == {"entries": [entry]}
    httpx.post(f"{server}/visitor-weights/release", json={"entries": [entry]}, timeout=20)
    answer = httpx.post(f"{server}/anatomy", json={"model": entry, "drawing": drawing, "pixel": 400}, timeout=20)
    assert answer.status_code == 400 and answer.json()["code"] == "unknown_entry"


def test_weights_beyond_the_limit_and_damaged_ones_are_refused(server, weights):
    damaged = httpx.post(f"{server}/visitor-weights?name=a.safetensors", content=weights.read_bytes()[:500], timeout=60)
    assert damaged.status_code == 400 and damaged.json()["code"] == "weights_unreadable"
    assert damaged.json()["params"] == {"path": "a.safetensors"}
    connection = http.client.HTTPConnection(server.removeprefix("http://"), timeout=60)
    connection.putrequest("POST", "/visitor-weights")
    connection.putheader("Content-Length", str(2**24 + 1))
    connection.endheaders()
    large = connection.getresponse()
    assert large.status == 413 and json.loads(large.read())["params"] == {"limit_kb": 16 * 1024}
    connection.close()


def test_weights_are_accepted_on_a_machine_of_ones_own_only_unless_that_is_asked_for(monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert weights_are_accepted(allowed=False, lan=False, local_backend=True)
    assert not weights_are_accepted(allowed=False, lan=True, local_backend=True)
    assert weights_are_accepted(allowed=True, lan=True, local_backend=True)
    assert not weights_are_accepted(allowed=True, lan=False, local_backend=False)
    monkeypatch.setenv("SPACE_ID", "user/space")
    assert not weights_are_accepted(allowed=False, lan=False, local_backend=True)
    assert weights_are_accepted(allowed=True, lan=False, local_backend=True)


@pytest.mark.long
def test_with_lan_weights_are_refused_and_pictures_are_not(tmp_path):
    with clients.server("--lan", log=tmp_path / "log") as address:
        for path in ("visitor-weights", "visitor-weights/keep", "visitor-weights/release"):
            answer = httpx.post(f"{address}/{path}", content=b"x", timeout=20)
            assert answer.status_code == 403 and answer.json()["code"] == "visitor_weights_off"
        assert httpx.post(f"{address}/picture", content=photo(), timeout=20).status_code == 200
        assert httpx.post(f"{address}/visitor-weights", content=b"x" * 300_000, timeout=20).status_code == 413


DROP = """([name, bytes]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(bytes)], name));
    const drop = new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
    document.querySelector(".page").dispatchEvent(drop);
}"""


@pytest.mark.browser
def test_a_dropped_photo_becomes_the_drawing_and_can_be_undone(app_page):
    app_page.stroke((4, 4), (4, 12))
    before = app_page.pixels()
    app_page.page.evaluate(DROP, ["seven.jpg", list(photo())])
    expect(app_page.locator(".notice")).to_contain_text(text("own_files.picture_done"))
    drawn = app_page.pixels()
    assert drawn != before and "k" in drawn[:392]
    app_page.locator("[data-action=undo]").click()
    assert app_page.pixels() == before


@pytest.mark.long
@pytest.mark.browser
def test_weights_that_are_chosen_by_keyboard_draw_until_the_page_is_left(app_page, server, weights):
    app_page.locator("[data-panel=own_files]").press("Enter")
    button = app_page.page.get_by_role("button", name=text("own_files.choose_weights"))
    with app_page.page.expect_file_chooser() as chooser:
        button.press("Enter")
    chooser.value.set_files(weights)
    expect(app_page.locator(".notice")).to_contain_text(text("own_files.weights_done", name="mine.safetensors"))
    entry = app_page.store("settings.model")
    app_page.draw_seven()
    app_page.complete()
    app_page.finish()
    assert {completion["model"] for completion in app_page.completions()} == {entry}
    expect(app_page.locator(".own-files-in-use")).to_have_text(text("own_files.in_use", name="mine.safetensors"))
    app_page.locator(".own-files-leave").click()
    expect(app_page.locator(".own-files-in-use")).to_be_hidden()
    assert app_page.store("settings.model") == app_page.store("facts.default")
    drawn = app_page.pixels()[:392]
    app_page.page.reload()
    app_page.page.wait_for_selector(".page[data-ready]")
    app_page.wait_for_store("!store.drawing.untouched")
    assert app_page.pixels()[:392] == drawn and app_page.store("settings.model") == app_page.store("facts.default")
    gone = httpx.post(f"{server}/visitor-weights/keep", json={"entries": [entry]}, timeout=20).json()
    assert gone == {"entries": []}


@pytest.mark.long
@pytest.mark.browser
def test_a_file_that_cannot_be_used_is_a_sentence_and_leaves_everything_as_it_is(app_page, weights):
    app_page.draw_seven()
    before = app_page.pixels()
    app_page.open_panel("own_files")
    app_page.locator(".choose-weights").set_input_files({"name": "a.safetensors", "mimeType": "", "buffer": b"x"})
    expect(app_page.locator(".notice")).to_contain_text("a.safetensors is not a complete safetensors file")
    app_page.locator(".choose-picture").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": b"x"})
    expect(app_page.locator(".notice")).to_contain_text("not a picture of a known format")
    assert app_page.pixels() == before and app_page.store("settings.model") == app_page.store("facts.default")
    app_page.faults.clear()  # the answers with status 400
