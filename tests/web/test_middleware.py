"""The body limit and the routes beside Gradio's own: files of the page, state of the server, models."""

import re
from types import SimpleNamespace

import httpx
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from weights_folder import add_entry, create_folder

from pixelcnn.serving.registry import ModelRegistry
from web.middleware import STATIC, app_options
from web.page import STYLE_FOLDERS, style_sheets

MAX_BYTES = 256 * 1024


def test_large_bodies_are_rejected_on_every_route(server):
    for path in ("gif", "class-posterior", "gradio_api/call/complete"):
        answer = httpx.post(f"{server}/{path}", content=b" " * (MAX_BYTES + 1), timeout=60)
        assert answer.status_code == 413 and answer.json()["code"] == "body_too_large", path
        assert answer.json()["params"] == {"limit_kb": 256} and "256 KB" in answer.json()["error"]


def test_large_bodies_without_a_stated_length_are_rejected(server):
    for path in ("gif", "class-posterior", "gradio_api/call/complete"):
        answer = httpx.post(f"{server}/{path}", content=iter([b" " * 100_000] * 3), timeout=60)
        assert answer.status_code == 413 and answer.json()["code"] == "body_too_large", answer.text


@pytest.mark.parametrize("path", ["upload", "gradio_api/upload", "gradio_api/upload/"])
def test_uploads_are_rejected(server, path):
    answer = httpx.post(f"{server}/{path}", files={"files": b"x"}, timeout=20)
    assert answer.status_code == 403 and answer.json()["code"] == "uploads_not_accepted"


def test_modules_and_style_sheets_are_served_by_their_path(server):
    for path in (path for path in STATIC.rglob("*") if path.suffix in (".js", ".css")):
        answer = httpx.get(f"{server}/parts/{path.relative_to(STATIC).as_posix()}", timeout=20)
        assert answer.status_code == 200 and answer.content == path.read_bytes()
        assert answer.headers["cache-control"] == "no-cache"
        kind = {".js": "text/javascript", ".css": "text/css"}[path.suffix]
        assert answer.headers["content-type"].startswith(kind)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "nothing.js",
        "core",
        "core/",
        "index.html",
        "../page.py",
        "core/../../page.py",
        "%2e%2e/page.py",
        "core//main.js",
    ],
)
def test_other_paths_are_not_found(server, path):
    with httpx.Client(timeout=20) as client:
        request = client.build_request("GET", f"{server}/parts/x")
        request.url = request.url.copy_with(raw_path=f"/parts/{path}".encode())  # httpx would resolve ".."
        answer = client.send(request)
    assert answer.status_code == 404 and (path.startswith("..") or "def " not in answer.text)


def test_imports_of_modules_resolve():
    for module in STATIC.rglob("*.js"):
        for target in re.findall(r"""from ["'](\.[^"']+)["']""", module.read_text("utf-8")):
            assert (module.parent / target).resolve().is_file(), f"{module.name} imports {target}"


def test_every_style_sheet_is_listed_once():
    sheets = style_sheets()
    assert sorted(sheets) == sorted(STATIC.rglob("*.css"))
    assert [STYLE_FOLDERS.index(sheet.parent.name) for sheet in sheets] == sorted(
        STYLE_FOLDERS.index(sheet.parent.name) for sheet in sheets
    )


def test_ready_describes_weights_in_english_and_by_code(server):
    state = httpx.get(f"{server}/ready", timeout=20).json()
    assert state["ready"] and state["device"] and state["active"] == 0
    assert state["weights"] == state["weights_message"]["text"] == "the bundled weights"
    assert state["weights_message"]["code"] == "weights_bundled" and state["weights_message"]["params"] == {}


def test_models_lists_the_entries(server):
    facts = httpx.get(f"{server}/models", timeout=20).json()
    assert facts["default"] in facts["models"] and {"pixelcnn", "freeform"} <= set(facts["models"])


def test_an_entry_that_cannot_be_used_is_a_problem_and_the_others_are_listed(tmp_path):
    folder = create_folder(tmp_path)
    add_entry(folder, "broken", file=7)
    registry = ModelRegistry(device="cpu", folder=folder)
    backend = SimpleNamespace(models=registry.model, counters=dict)
    client = TestClient(Starlette(routes=app_options(backend, registry, 256)["routes"]))
    assert list(client.get("/models").json()["models"]) == ["tiny"]
    (problem,) = client.get("/ready").json()["weights_problems"]
    assert problem["code"] == "manifest_entry" and problem["params"]["entry"] == "broken"
    assert problem["error"] == 'The entry broken of the manifest has file 7. Expected: "NAME.safetensors".'
