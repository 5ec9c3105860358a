"""Pushing weights to a server on this machine, and the model card."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import DATA
from loopback_hub import COMMIT, Hub, running
from test_download import download, environment, page_entries
from weights_folder import create_folder

from pixelcnn import WeightsError
from pixelcnn.hub import WEIGHTS, read_manifest
from pixelcnn.hub.manifest import is_exhibit
from pixelcnn.hub.model_card import model_card
from pixelcnn.hub.publish import repo_contents, with_repo

ROOT = DATA.parent.parent


@pytest.fixture
def folder(tmp_path):
    """A copy of the weights, and of the README beside them, that a push may change."""
    shutil.copy(ROOT / "README.md", tmp_path)
    return Path(shutil.copytree(WEIGHTS, tmp_path / "weights"))


def push(folder: Path, address: str, *arguments: str) -> subprocess.CompletedProcess:
    env = os.environ | environment(address, folder / "cache") | {"HF_TOKEN": "hf_test"}
    command = [sys.executable, "-m", "pixelcnn.hub", "push", "--repo", "user/digits", "--folder", str(folder), *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=100)


@pytest.mark.long
def test_without_yes_nothing_is_pushed(folder):
    before, hub = (folder / "manifest.json").read_text(), Hub({})
    with running(hub) as address:
        run = push(folder, address)
    assert run.returncode == 0 and "Nothing was uploaded." in run.stdout and "README.md" in run.stdout
    assert hub.requests == [] and (folder / "manifest.json").read_text() == before and run.stderr == ""


@pytest.mark.long
def test_pushed_weights_can_be_downloaded_and_are_named_in_manifest_and_readme(folder, tmp_path):
    hub = Hub({})
    with running(hub) as address:
        run = push(folder, address, "--yes")
        assert run.returncode == 0 and f"Pushed to user/digits, commit {COMMIT}" in run.stdout, run.stderr
        hub.files = hub.pushed
        assert download(address, tmp_path / "cache") == {"revision": COMMIT, "entries": page_entries()}
    entries = read_manifest(folder)["entries"].values()
    assert all(entry["repo"] == "user/digits" and entry["revision"] == COMMIT for entry in entries)
    assert all(hashlib.sha256(hub.pushed[entry["file"]]).hexdigest() == entry["sha256"] for entry in entries)
    front = yaml.safe_load((folder.parent / "README.md").read_text("utf-8").split("---\n")[1])
    (preload,) = front["preload_from_hub"]
    repo, files, commit = preload.split()
    assert front["models"] == [repo] == ["user/digits"] and commit == COMMIT
    assert sorted(files.split(",")) == [f"{name}.safetensors" for name in page_entries()]
    assert hub.pushed["samples.png"].startswith(b"\x89PNG") and b"model-index" in hub.pushed["README.md"]


@pytest.mark.long
def test_a_push_without_a_server_is_an_error(folder):
    run = push(folder, "http://127.0.0.1:9", "--yes")
    assert run.returncode != 0 and "could not be pushed to user/digits" in run.stderr and "Traceback" not in run.stderr


@pytest.mark.long
@pytest.mark.parametrize(("mode", "says"), [("unauthorized", "(status 401). Log in"), ("failing", "could not be pushed")])
def test_a_rejected_push_is_an_error_and_changes_nothing(folder, mode, says):
    before = (folder / "manifest.json").read_text()
    with running(Hub({}, mode)) as address:
        run = push(folder, address, "--yes")
    assert run.returncode != 0 and says in run.stderr and len(run.stderr.splitlines()) == 1
    assert (folder / "manifest.json").read_text() == before


def test_an_entry_without_the_fields_of_the_model_card_is_not_pushed(tmp_path):
    with pytest.raises(WeightsError) as caught:
        repo_contents("user/digits", create_folder(tmp_path))
    assert caught.value.code == "entry_incomplete"
    assert caught.value.params == {"entry": "tiny", "fields": "dataset, licence, split"}


def test_a_damaged_file_is_not_pushed(folder):
    (folder / "freeform.safetensors").write_bytes(b"")
    with pytest.raises(WeightsError) as caught:
        repo_contents("user/digits", folder)
    assert caught.value.code == "weights_damaged"


def test_front_matter_gets_the_repository_once():
    readme = "---\ntitle: x\nmodels:\n  - old/name\n---\ntext\n"
    expected = "---\ntitle: x\nmodels:\n  - user/digits\npreload_from_hub:\n  - user/digits a b\n---\ntext\n"
    once = with_repo(readme, "user/digits", "user/digits a b")
    assert once == expected == with_repo(once, "user/digits", "user/digits a b")
    assert with_repo("no front matter", "user/digits", "") == "no front matter"


def test_the_model_card_has_the_numbers_of_the_manifest():
    manifest = read_manifest()
    _, front, text = model_card(manifest, "user/digits").split("---\n", 2)
    metadata = yaml.safe_load(front)
    assert metadata["license"] == "cc-by-sa-3.0" and metadata["datasets"] == ["ylecun/mnist"]
    metrics = [metric["value"] for result in metadata["model-index"][0]["results"] for metric in result["metrics"]]
    for entry in manifest["entries"].values():
        assert entry["file"] in text
        assert is_exhibit(entry) or entry.get("nats", entry.get("bits_per_dim")) in metrics
    assert "| `dcgan.safetensors` | DCGAN, arXiv:1511.06434, completes by search; no likelihood |  |  |  |" in text
    assert "python app.py --repo user/digits" in text and "samples.png" in text
