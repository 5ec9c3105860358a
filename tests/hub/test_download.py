"""Downloads over real HTTP from a server on this machine: pins, moving branches, interruptions, and every failure."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import DATA
from loopback_hub import COMMIT, Hub, running

from benchmarks import clients
from pixelcnn.hub import WEIGHTS, read_manifest

ROOT = DATA.parent.parent
PINNED = "a" * 40
# In a process of its own, because the Hub's client reads the server's address when it is imported.
DOWNLOAD = """
import json, sys
from pixelcnn import WeightsError
from pixelcnn.hub.download import download_repo
try:
    repo = download_repo(sys.argv[1], float(sys.argv[2]))
    left_out = {name: error.code for name, error in repo.left_out.items()}
    result = {"revision": repo.revision, "entries": sorted(repo.files)}
    print(json.dumps(result | ({"left_out": left_out} if left_out else {})))
except WeightsError as error:
    print(json.dumps({"code": error.code, "params": error.params}))
"""


def page_entries() -> list[str]:
    """The entries that a page offers, which a download fetches."""
    return sorted(name for name, entry in read_manifest()["entries"].items() if entry["page"])


def repo_files() -> dict[str, bytes]:
    """The content of a repository after a push."""
    manifest = read_manifest()
    files = {entry["file"]: (WEIGHTS / entry["file"]).read_bytes() for entry in manifest["entries"].values()}
    return files | {"manifest.json": json.dumps(manifest).encode()}


def with_default(files: dict[str, bytes], **fields: object) -> dict[str, bytes]:
    """The same repository with other fields of the default entry in its manifest."""
    manifest = json.loads(files["manifest.json"])
    manifest["entries"][manifest["default"]] |= fields
    return files | {"manifest.json": json.dumps(manifest).encode()}


def environment(address: str, cache: Path) -> dict[str, str]:
    return {"HF_ENDPOINT": address, "HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": "", "HF_HUB_DISABLE_XET": "1"}


def download(address: str, cache: Path, repo: str = "user/digits", deadline_s: float = 20, **variables: str) -> dict:
    """The result of `download_repo`: {"revision", "entries"} or {"code", "params"}."""
    env = os.environ | environment(address, cache) | variables
    command = [sys.executable, "-c", DOWNLOAD, repo, str(deadline_s)]
    run = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=100)
    assert "Traceback" not in run.stderr and len(run.stdout.splitlines()) == 1, run.stderr
    return json.loads(run.stdout)


def weights_status(page: str) -> dict:
    """The weights message of a page, once its download has ended."""
    for _ in range(600):
        status = clients.server_status(page)["weights_message"]
        if status["code"] != "weights_repo_pending":
            break
        time.sleep(0.05)
    return status


@pytest.mark.long
def test_the_page_changes_to_the_weights_of_a_repository(tmp_path):
    hub = Hub(repo_files())
    with running(hub) as address, clients.server("--repo", "user/digits", env=environment(address, tmp_path)) as page:
        status = weights_status(page)
        assert status["code"] == "weights_repo", status
        assert status["params"] == {"repo": "user/digits", "revision": COMMIT[:7]}
        (result,) = clients.simultaneous(page, 1, 1)
        assert result.done_s and not result.refused
    assert not any("static" in line for line in hub.requests), "only entries for the page are downloaded"


@pytest.mark.long
def test_a_pinned_revision_is_downloaded_once(tmp_path):
    hub, pinned = Hub(repo_files()), f"user/digits@{PINNED}"
    expected = {"revision": PINNED, "entries": page_entries()}
    with running(hub) as address:
        assert download(address, tmp_path, pinned) == expected
        requests = len(hub.requests)
        assert requests and all(PINNED in line for line in hub.requests), hub.requests
        assert download(address, tmp_path, pinned) == expected
        assert len(hub.requests) == requests
    assert download(address, tmp_path, pinned, HF_HUB_OFFLINE="1") == expected


@pytest.mark.long
def test_all_files_are_of_one_commit_although_the_branch_moves(tmp_path):
    with running(Hub(repo_files(), "moving")) as address:
        result = download(address, tmp_path)
    assert result["entries"] == page_entries() and len(result["revision"]) == 40
    snapshot = tmp_path / "models--user--digits" / "snapshots" / result["revision"]
    assert all((snapshot / f"{name}.safetensors").exists() for name in page_entries())


@pytest.mark.long
def test_an_interrupted_download_is_repeated(tmp_path):
    """The client resumes in parts of 10 MB. No file is larger, so it requests the whole file again."""
    hub = Hub(repo_files(), "interrupted")
    with running(hub) as address:
        assert download(address, tmp_path) == {"revision": COMMIT, "entries": page_entries()}
    assert sum(line.startswith("GET") and "/pixelcnn.safetensors" in line for line in hub.requests) == 2


@pytest.mark.long
@pytest.mark.parametrize(
    ("files", "code", "params"),
    [
        (lambda: with_default(repo_files(), sha256="0" * 64), "download_wrong_sha256", {"file": "freeform.safetensors"}),
        (lambda: with_default(repo_files(), file="model.pkl"), "manifest_entry", {"given": "'model.pkl'"}),
        (lambda: with_default(repo_files(), file="../../x.safetensors"), "manifest_entry", {"field": "file"}),
        (lambda: repo_files() | {"manifest.json": b"{"}, "manifest_unreadable", {}),
        (lambda: {"x.bin": b"x"}, "download_not_found", {"repo": "user/digits"}),
    ],
)
def test_an_invalid_repository_is_an_error(tmp_path, files, code, params):
    with running(Hub(files())) as address:
        error = download(address, tmp_path)
    assert error["code"] == code and params.items() <= error["params"].items()


@pytest.mark.parametrize("name", ["digits", "../x", "user/digits/more", "user digits", "https://hub/user/digits"])
def test_an_invalid_name_is_an_error(name):
    from pixelcnn import WeightsError
    from pixelcnn.hub.download import download_repo

    with pytest.raises(WeightsError) as caught:
        download_repo(name)
    assert caught.value.code == "invalid_repo" and caught.value.params == {"given": repr(name)}


@pytest.mark.long
@pytest.mark.parametrize(
    ("mode", "code", "params"),
    [
        ("unauthorized", "download_forbidden", {"status": 401}),
        ("forbidden", "download_forbidden", {"status": 403}),
        ("no repo", "download_not_found", {}),
        ("no file", "download_not_found", {}),
        ("failing", "download_failed", {"status": 500}),
    ],
)
def test_the_reason_of_a_failed_download_says_what_to_do(tmp_path, mode, code, params):
    with running(Hub(repo_files(), mode)) as address:
        error = download(address, tmp_path, deadline_s=60)
    assert error == {"code": code, "params": {"repo": "user/digits"} | params}


@pytest.mark.long
def test_a_cache_that_cannot_be_written_is_named(tmp_path):
    with running(Hub(repo_files())) as address:
        error = download(address, Path("/dev/null/cache"))
    assert error["code"] == "download_cache" and error["params"]["path"].startswith("/dev/null")
    assert error["params"]["reason"] == "Not a directory"


@pytest.mark.long
@pytest.mark.parametrize("offline", ["1", ""])
def test_without_a_network_the_reason_is_the_network(tmp_path, offline):
    error = download("http://127.0.0.1:9", tmp_path, deadline_s=60, HF_HUB_OFFLINE=offline)
    assert error == {"code": "download_no_network", "params": {"repo": "user/digits"}}


@pytest.mark.long
def test_an_entry_that_cannot_be_used_does_not_hide_the_others(tmp_path):
    manifest = read_manifest()
    manifest["entries"]["pixelcnn"]["sha256"] = "0" * 64
    manifest["entries"]["row_lstm"]["file"] = "row_lstm.pkl"
    manifest["entries"]["gated_pixelcnn"]["sha256"] = 7
    with running(Hub(repo_files() | {"manifest.json": json.dumps(manifest).encode()})) as address:
        result = download(address, tmp_path)
    assert result["left_out"] == {
        "pixelcnn": "download_wrong_sha256",
        "row_lstm": "manifest_entry",
        "gated_pixelcnn": "manifest_entry",
    }
    assert result["entries"] == [name for name in page_entries() if name not in result["left_out"]]


@pytest.mark.long
def test_a_damaged_cache_is_repaired(tmp_path):
    """Files that were cut in the cache, the manifest too, are downloaded once more; those that are whole are not."""
    pinned, expected = f"user/digits@{PINNED}", {"revision": PINNED, "entries": page_entries()}
    hub = Hub(repo_files())
    with running(hub) as address:
        assert download(address, tmp_path, pinned) == expected
        for name in ("manifest.json", "pixelcnn.safetensors"):
            (path,) = tmp_path.rglob(name)
            content = path.read_bytes()
            path.resolve().write_bytes(content[: len(content) // 2])
        hub.requests.clear()
        assert download(address, tmp_path, pinned) == expected
    assert sorted({line.split("/")[-1] for line in hub.requests}) == ["manifest.json", "pixelcnn.safetensors"]


def test_a_pickle_is_never_requested(tmp_path):
    hub = Hub(with_default(repo_files(), file="model.pkl") | {"model.pkl": b"\x80\x04"})
    with running(hub) as address:
        download(address, tmp_path)
    assert not any("model.pkl" in line for line in hub.requests)


@pytest.mark.long
def test_a_download_ends_at_its_deadline(tmp_path):
    with running(Hub(repo_files(), "silent")) as address:
        error = download(address, tmp_path, deadline_s=1)
    assert error == {"code": "download_timeout", "params": {"repo": "user/digits", "seconds": 1.0}}


@pytest.mark.long
@pytest.mark.parametrize(
    "failure",
    ["unauthorized", "no repo", "no file", "silent", "no server", "offline", "no cache", "wrong sha256", "invalid name"],
)
def test_the_page_starts_with_the_bundled_weights_if_the_download_fails(tmp_path, failure):
    files = with_default(repo_files(), sha256="0" * 64) if failure == "wrong sha256" else repo_files()
    cache = Path("/dev/null/cache") if failure == "no cache" else tmp_path
    mode = failure if failure in ("unauthorized", "no repo", "no file", "silent") else "normal"
    with running(Hub(files, mode)) as address:
        env = environment("http://127.0.0.1:9" if failure == "no server" else address, cache)
        env |= {"HF_HUB_OFFLINE": "1"} if failure == "offline" else {}
        started = time.monotonic()
        with clients.server("--repo", "../x" if failure == "invalid name" else "user/digits", env=env) as page:
            assert time.monotonic() - started < 10
            if failure in ("silent", "no server"):  # the client retries for a long time; the page does not wait for it
                code = clients.server_status(page)["weights_message"]["code"]
                assert code in ("weights_repo_pending", "weights_repo_failed")
            else:
                assert weights_status(page)["code"] == "weights_repo_failed"
            (result,) = clients.simultaneous(page, 1, 1)
            assert result.done_s and not result.refused
