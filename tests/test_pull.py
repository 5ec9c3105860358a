"""Weights over real HTTP, from and to a Hub on this machine: pulled beside the page, pinned, resumed, and every failure."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from conftest import DATA
from loopback_hub import COMMIT, Hub, running

from benchmarks import visitors
from pixelcnn import hub as weights
from pixelcnn.card import card
from pixelcnn.hub import WEIGHTS

ROOT = DATA.parent.parent
PINNED = "a" * 40


def shown() -> list[str]:
    """The entries that a page shows, and so a pull fetches."""
    listed = weights.manifest()
    return sorted(name for name, entry in listed["entries"].items() if entry["page"])


def repository() -> dict[str, bytes]:
    """What a repository holds after a push."""
    listed = weights.manifest()
    files = {entry["file"]: (WEIGHTS / entry["file"]).read_bytes() for entry in listed["entries"].values()}
    return files | {"manifest.json": json.dumps(listed).encode()}


def changed(files: dict[str, bytes], **facts) -> dict[str, bytes]:
    """The same with other facts of the default entry in its manifest."""
    listed = json.loads(files["manifest.json"])
    listed["entries"][listed["default"]] |= facts
    return files | {"manifest.json": json.dumps(listed).encode()}


def environment(address: str, cache: Path) -> dict[str, str]:
    return {"HF_ENDPOINT": address, "HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": "", "HF_HUB_DISABLE_XET": "1"}


PULL = """
import sys
from pixelcnn.errors import WeightsError
from pixelcnn.hub import pull_all
try:
    pulled = pull_all(sys.argv[1], float(sys.argv[2]))
    print(pulled.revision, *sorted(pulled.files))
except WeightsError as error:
    print(error)
"""


def pull(address: str, cache: Path, where: str = "user/digits", deadline: float = 20, **more: str) -> list[str]:
    """What came of `pull_all`, in words, in a process of its own: the client reads the address when it is imported."""
    env = os.environ | environment(address, cache) | more
    command = [sys.executable, "-c", PULL, where, str(deadline)]
    run = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in run.stderr and len(run.stdout.splitlines()) == 1, run.stderr
    return run.stdout.split()


def origin_after_pull(page: str) -> str:
    """What the page says of its weights, once it waits for no others."""
    for _ in range(600):
        origin = visitors.house(page)["weights"]
        if "until those of" not in origin:
            break
        time.sleep(0.05)
    return origin


@pytest.mark.long
def test_weights_are_pulled_beside_the_page_which_says_so(tmp_path):
    hub = Hub(repository())
    with running(hub) as address, visitors.server("--repo", "user/digits", env=environment(address, tmp_path)) as page:
        assert origin_after_pull(page) == f"the weights of user/digits at {COMMIT[:7]}"
        (visit,) = visitors.crowd(page, 1, 1)
        assert visit.done_s and not visit.refused
    assert not any("static" in line for line in hub.asked), "what the page does not show is not pulled"


@pytest.mark.long
def test_a_pin_is_kept_and_once_cached_asks_for_nothing(tmp_path):
    hub, pinned = Hub(repository()), f"user/digits@{PINNED}"
    with running(hub) as address:
        assert pull(address, tmp_path, pinned) == [PINNED, *shown()]
        asked = len(hub.asked)
        assert asked and all(PINNED in line for line in hub.asked), hub.asked
        assert pull(address, tmp_path, pinned) == [PINNED, *shown()]
        assert len(hub.asked) == asked
    assert pull(address, tmp_path, pinned, HF_HUB_OFFLINE="1") == [PINNED, *shown()]


@pytest.mark.long
def test_a_revision_that_moves_on_the_way_still_gives_one_commit(tmp_path):
    with running(Hub(repository(), "moved")) as address:
        commit, *names = pull(address, tmp_path)
    assert names == shown() and len(commit) == 40
    assert all(
        (tmp_path / "models--user--digits" / "snapshots" / commit / f"{name}.safetensors").exists() for name in names
    )


@pytest.mark.long
def test_a_download_that_broke_off_is_taken_up_again(tmp_path):
    """The client resumes in pieces of 10 MB, and no file is larger: it asks for the whole again."""
    hub = Hub(repository(), "half")
    with running(hub) as address:
        assert pull(address, tmp_path) == [COMMIT, *shown()]
    assert sum(line.startswith("GET") and "/pixelcnn.safetensors" in line for line in hub.asked) == 2


@pytest.mark.long
@pytest.mark.parametrize(
    ("files", "says"),
    [
        (lambda: changed(repository(), sha256="0" * 64), "is not the file of its manifest"),
        (lambda: changed(repository(), file="model.pkl"), "only safetensors files are read"),
        (lambda: changed(repository(), file="../../x.safetensors"), "only safetensors files are read"),
        (lambda: repository() | {"manifest.json": b"{"}, "cannot be read"),
        (lambda: {"x.bin": b"x"}, "could not be had (RemoteEntryNotFoundError)"),
    ],
)
def test_what_is_wrong_in_a_repository_is_one_sentence(tmp_path, files, says):
    with running(Hub(files())) as address:
        assert says in " ".join(pull(address, tmp_path))


def test_a_pickle_is_refused_unread(tmp_path):
    hub = Hub(changed(repository(), file="model.pkl") | {"model.pkl": b"\x80\x04"})
    with running(hub) as address:
        pull(address, tmp_path)
    assert not any("model.pkl" in line for line in hub.asked)


@pytest.mark.long
def test_a_silent_hub_is_given_up_after_the_deadline(tmp_path):
    with running(Hub(repository(), "silent")) as address:
        assert "no answer within 1 s" in " ".join(pull(address, tmp_path, deadline=1))


@pytest.mark.long
@pytest.mark.parametrize(
    "how", ["refused", "missing", "no file", "silent", "nobody", "offline", "no cache", "wrong sha", "no such name"]
)
def test_whatever_fails_the_page_is_ready_on_bundled_weights(tmp_path, how):
    files = changed(repository(), sha256="0" * 64) if how == "wrong sha" else repository()
    cache = Path("/dev/null/cache") if how == "no cache" else tmp_path
    with running(Hub(files, how)) as address:
        env = environment("http://127.0.0.1:9" if how == "nobody" else address, cache)
        env |= {"HF_HUB_OFFLINE": "1"} if how == "offline" else {}
        started = time.monotonic()
        with visitors.server("--repo", "../x" if how == "no such name" else "user/digits", env=env) as page:
            assert time.monotonic() - started < 10
            waits = how in ("silent", "nobody")  # the client tries again for a long while; the page does not wait for it
            origin = visitors.house(page)["weights"] if waits else origin_after_pull(page)
            assert origin.startswith("the weights that came with it")
            assert waits or origin.endswith(".)"), origin
            (visit,) = visitors.crowd(page, 1, 1)
            assert visit.done_s and not visit.refused


@pytest.fixture
def folder(tmp_path):
    """A copy of the weights whose manifest may be written to."""
    shutil.copy(ROOT / "README.md", tmp_path)
    return Path(shutil.copytree(WEIGHTS, tmp_path / "weights"))


def push(folder: Path, address: str, *arguments: str) -> subprocess.CompletedProcess:
    env = os.environ | environment(address, folder / "cache") | {"HF_TOKEN": "hf_test"}
    command = [sys.executable, "-m", "pixelcnn.hub", "push", "--repo", "user/digits", "--folder", str(folder), *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)


@pytest.mark.long
def test_a_push_is_dry_unless_asked_otherwise(folder):
    before, hub = (folder / "manifest.json").read_text(), Hub({})
    with running(hub) as address:
        run = push(folder, address)
    assert run.returncode == 0 and "Nothing was sent." in run.stdout and "README.md" in run.stdout
    assert hub.asked == [] and (folder / "manifest.json").read_text() == before and run.stderr == ""


@pytest.mark.long
def test_what_is_pushed_can_be_pulled_and_the_manifest_names_it(folder, tmp_path):
    hub = Hub({})
    with running(hub) as address:
        run = push(folder, address, "--yes")
        assert run.returncode == 0 and f"pushed to user/digits, commit {COMMIT}" in run.stdout, run.stderr
        hub.files = hub.pushed
        assert pull(address, tmp_path / "cache") == [COMMIT, *shown()]
    entries = weights.manifest(folder)["entries"].values()
    assert all(entry["repo"] == "user/digits" and entry["revision"] == COMMIT for entry in entries)
    assert all(hashlib.sha256(hub.pushed[entry["file"]]).hexdigest() == entry["sha256"] for entry in entries)
    front = yaml.safe_load((folder.parent / "README.md").read_text("utf-8").split("---\n")[1])
    (preload,) = front["preload_from_hub"]
    repo, files, commit = preload.split()
    assert front["models"] == [repo] == ["user/digits"] and commit == COMMIT
    assert sorted(files.split(",")) == [f"{name}.safetensors" for name in shown()]
    assert hub.pushed["samples.png"].startswith(b"\x89PNG") and b"model-index" in hub.pushed["README.md"]


@pytest.mark.long
def test_a_push_to_nobody_is_one_sentence(folder):
    run = push(folder, "http://127.0.0.1:9", "--yes")
    assert run.returncode != 0 and "user/digits could not be pushed" in run.stderr and "Traceback" not in run.stderr


@pytest.mark.long
def test_a_push_that_is_refused_is_one_sentence_and_changes_nothing(folder):
    before = (folder / "manifest.json").read_text()
    with running(Hub({}, "refused")) as address:
        run = push(folder, address, "--yes")
    assert run.returncode != 0 and "user/digits could not be pushed" in run.stderr and "Traceback" not in run.stderr
    assert (folder / "manifest.json").read_text() == before


def test_the_card_tells_the_numbers_of_the_manifest():
    listed = weights.manifest()
    _, front, text = card(listed, "user/digits").split("---\n", 2)
    facts = yaml.safe_load(front)
    assert facts["license"] == "cc-by-sa-3.0" and facts["datasets"] == ["ylecun/mnist"]
    told = [metric["value"] for result in facts["model-index"][0]["results"] for metric in result["metrics"]]
    for entry in listed["entries"].values():
        assert entry.get("nats", entry.get("bits_per_dim")) in told and entry["file"] in text
    assert "python app.py --repo user/digits" in text and "samples.png" in text
