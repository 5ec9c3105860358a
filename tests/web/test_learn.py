"""Training that visitors watch: the run, its routes, and the panel."""

import subprocess
import sys
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
from browser import Page
from playwright.sync_api import expect
from safetensors import safe_open
from starlette.applications import Starlette
from starlette.testclient import TestClient

from benchmarks import clients
from pixelcnn import InputError
from web.classroom.wall import Wall
from web.errors import ForbiddenError
from web.learn.live_training import CAN_PAUSE, MIN_PICTURES, LiveTraining
from web.learn.routes import learn_routes, learning_is_on

ROOT = Path(__file__).parent.parent.parent
SMALL = {"channels": 8, "blocks": 1, "lr": 0.004, "minutes": 1}
KNOWN = np.mgrid[:28, :28][0] < 14


def wait_for(condition, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def busy() -> list[bool]:
    """What the training is told about completions in progress."""
    return [False]


@pytest.fixture
def training(busy):
    training = LiveTraining(lambda: busy[0])
    yield training
    training.close()


@pytest.mark.long
def test_a_run_learns_completes_a_top_and_leaves_no_files(training):
    run = training.start(**SMALL)
    wait_for(lambda: len(training.points()) >= 2)
    first, second = training.points()[:2]
    assert first["step"] == 0 and second["step"] > 0 and run.state == "running"
    assert 400 < first["valid_nats"] < 800 and second["valid_nats"] < first["valid_nats"]
    ink = np.where(np.random.default_rng(0).random((28, 28)) < 0.1, 255, 0)
    step, picture, nats = training.complete(0, ink, KNOWN, 3)
    assert step == 0 and picture.shape == (28, 28) and set(np.unique(picture)) <= {0, 255} and nats > 0
    assert (picture[KNOWN] == ink[KNOWN]).all()
    again = training.complete(0, ink, KNOWN, 3)
    assert (again[1] == picture).all()
    with pytest.raises(InputError, match="no weights of step"):
        training.weights(10**6)
    run.end()
    wait_for(lambda: run.state == "finished")
    assert training.points()[-1]["step"] > 0
    training.close()
    assert not run.path.exists()


@pytest.mark.long
def test_a_run_on_pictures_of_the_wall_learns_from_them(training):
    pictures = np.zeros((MIN_PICTURES, 28, 28), np.uint8)
    pictures[:, 5:23, 13:16] = 255
    with pytest.raises(InputError, match="at least 20"):
        training.start(**SMALL, pictures=pictures[:-1])
    run = training.start(**SMALL, pictures=pictures)
    assert run.options["data"] == "wall"
    wait_for(lambda: len(training.points()) >= 2 or run.state == "failed")
    first, second = training.points()[:2]
    assert second["valid_nats"] < first["valid_nats"]
    with safe_open(training.weights(second["step"]), "pt") as file:
        assert '"class-wall"' in file.metadata()["pixelcnn"]


def test_only_one_run_at_a_time_and_only_its_owner_controls_it(training):
    with pytest.raises(InputError, match="Nothing has been trained"):
        training.control("stop", "")
    run = training.start(**SMALL)
    with pytest.raises(InputError, match="Another visitor is training"):
        training.start(**SMALL)
    for key in ("", "wrong", None, 7):
        with pytest.raises(ForbiddenError, match="Only the visitor who started"):
            training.control("stop", key)
    with pytest.raises(InputError, match="no action 'explode'"):
        training.control("explode", run.key)
    training.control("stop", run.key)
    wait_for(lambda: run.state != "running")
    assert training.start(**SMALL) is not run


@pytest.mark.skipif(not CAN_PAUSE, reason="needs SIGSTOP")
def test_the_process_is_stopped_while_completions_are_in_progress_or_the_owner_pauses_it(training, busy):
    run = training.start(**SMALL)
    busy[0] = True
    wait_for(lambda: run.suspended)
    assert run.state == "running"
    busy[0] = False
    wait_for(lambda: not run.suspended)
    training.control("pause", run.key)
    wait_for(lambda: run.suspended)
    assert run.state == "paused"
    training.control("stop", run.key)
    wait_for(lambda: run.state not in ("running", "paused"))


@pytest.mark.parametrize(
    "change", [{"channels": 4}, {"channels": "x"}, {"blocks": 9}, {"minutes": 0}, {"lr": 1}, {"lr": "0.004"}, {"lr": None}]
)
def test_options_out_of_range_are_refused(training, change):
    with pytest.raises(InputError):
        training.start(**SMALL | change)
    assert training.run is None


def test_auto_is_off_on_spaces_and_other_backends(monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert learning_is_on("auto", True) and learning_is_on("on", True)
    assert not learning_is_on("off", True) and not learning_is_on("on", False)
    monkeypatch.setenv("SPACE_ID", "user/space")
    assert not learning_is_on("auto", True) and learning_is_on("on", True)


def test_the_route_says_how_many_pictures_may_be_used_and_refuses_too_few(training):
    wall = Wall(784, lambda: ["pixelcnn"], clock=iter(range(0, 10**6, 61)).__next__)
    picture = {"ink": "00" * 784, "known": "0" * 784, "model": "pixelcnn", "name": ""}
    wall.add(picture, "a")
    wall.add(picture | {"learn": True}, "a")
    client = TestClient(Starlette(routes=learn_routes(training, wall)))
    state = client.get("/learn").json()
    assert state["wall"] == 1 and state["needed"] == MIN_PICTURES
    few = client.post("/learn", json={"action": "start", **SMALL, "data": "wall"})
    assert few.status_code == 400 and few.json()["code"] == "learn_few_pictures" and few.json()["params"]["count"] == 1
    without = TestClient(Starlette(routes=learn_routes(training)))
    assert without.get("/learn").json()["wall"] is None
    refused = without.post("/learn", json={"action": "start", **SMALL, "data": "wall"})
    assert refused.json()["code"] == "learn_data_unknown" and training.run is None


@pytest.mark.long
@pytest.mark.skipif(not CAN_PAUSE, reason="needs SIGSTOP")
@pytest.mark.parametrize("paused", [False, True])
def test_the_process_ends_and_deletes_its_files_if_the_server_is_killed(paused):
    script = (
        "import time; from web.learn.live_training import LiveTraining; training = LiveTraining(lambda: False)\n"
        f"run = training.start(**{SMALL})\n"
        "while not training.points(): time.sleep(0.05)\n"
        f"run.paused = {paused}\n"
        f"while run.suspended != {paused}: time.sleep(0.05)\n"
        "print(run.process.pid, run.path, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        pid, folder = server.stdout.readline().split()
        server.kill()
    wait_for(lambda: not Path(folder).exists())
    wait_for(lambda: not Path(f"/proc/{pid}").exists())


@pytest.mark.long
def test_a_server_without_training_answers_404_and_its_page_has_no_panel(chromium, tmp_path):
    with clients.server("--learn", "off", log=tmp_path / "log") as address:
        answer = httpx.get(f"{address}/learn")
        assert answer.status_code == 404 and answer.json()["code"] == "learn_off"


@pytest.mark.long
@pytest.mark.timeout(600)
def test_one_minute_of_one_core_reaches_75_nats(training):
    run = training.start(16, 4, 0.004, 1)
    wait_for(lambda: run.state == "finished", 500)
    last = training.points()[-1]
    assert last["seconds"] < 66 and last["valid_nats"] <= 75


@pytest.mark.long
def test_the_panel_shows_the_curve_and_the_visitors_top(app_page):
    app_page.open_panel("learn")
    app_page.page.locator(".learn-start").click()
    expect(app_page.page.locator(".learn-picture[data-step]")).to_be_visible(timeout=60_000)
    expect(app_page.page.locator(".learn-note")).to_contain_text("nats per unseen digit", timeout=60_000)
    expect(app_page.page.locator(".learn-settings")).not_to_have_attribute("open", "")
    app_page.page.locator(".learn-stop").click()
    expect(app_page.page.locator(".learn-download")).to_be_visible(timeout=60_000)
    with app_page.page.expect_download() as download:
        app_page.page.locator(".learn-download").click()
    assert download.value.suggested_filename.startswith("pixelcnn-step-")


def fill_wall(address: str) -> None:
    """Put 19 pictures of visitors who agreed to training on the wall, and one of a visitor who did not."""
    for visitor in range(4):  # at addresses of their own, because pictures are limited per visitor
        transport = httpx.HTTPTransport(local_address=f"127.0.0.{10 + visitor}")
        with httpx.Client(base_url=address, transport=transport) as client:
            for number in range(5):
                agrees, ink = (visitor, number) != (3, 4), np.zeros((28, 28), np.uint8)
                ink[4:24, 4 + number : 7 + number + visitor] = 255
                picture = {"ink": ink.tobytes().hex(), "known": "1" * 392 + "0" * 392, "model": "pixelcnn", "learn": agrees}
                client.post("/wall", json=picture | {"name": "agrees" if agrees else "refuses"}).raise_for_status()


@pytest.mark.long
@pytest.mark.browser
@pytest.mark.timeout(400)
def test_a_class_trains_on_the_pictures_of_those_who_agreed_only(chromium, tmp_path):
    environment = {"GRADIO_SERVER_NAME": "", "TMPDIR": str(tmp_path)}
    with clients.server("--lan", log=tmp_path / "log", env=environment) as address:
        fill_wall(address)
        visit = Page(chromium, address)
        wall_option, note = visit.locator(".learn-controls option[value=wall]"), visit.locator(".learn-note")
        visit.open_panel("learn")
        expect(wall_option).to_contain_text("19")
        expect(wall_option).to_be_disabled()
        visit.draw_seven()
        visit.complete()
        visit.finish()
        visit.open_panel("classroom")
        visit.locator("#wall-name").fill("agrees")
        assert not visit.locator("#wall-learn").is_checked(), "nobody agrees without saying so"
        visit.locator("#wall-learn").check()
        visit.locator(".add-to-wall").click()
        visit.open_panel("learn")
        expect(wall_option).to_be_enabled()
        visit.locator(".learn-controls [name=data]").select_option("wall")
        visit.locator(".learn-start").click()
        expect(note).to_contain_text("nats per unseen picture of the wall", timeout=120_000)
        (trained,) = [np.load(path) for path in tmp_path.glob("pixelcnn-learn-*/pictures.npy")]
        shown = httpx.get(f"{address}/wall").json()["pictures"]
        agreed = [bytes.fromhex(each["ink"]) for each in shown if each["name"] == "agrees"]
        assert len(shown) == 21 and [picture.tobytes() for picture in trained] == agreed
        visit.locator(".learn-stop").click()
        expect(visit.locator(".learn-download")).to_be_visible(timeout=60_000)
        visit.close()
