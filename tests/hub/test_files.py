"""Weights files and the manifest: writing, loading, and an error for everything that cannot be loaded."""

import shutil
import subprocess
import sys
import threading
import time

import pytest
import torch
from conftest import DATA, tiny_model
from weights_folder import add_entry, change_entry, create_folder, remove_facts, write_manifest

from pixelcnn import WeightsError, load
from pixelcnn.exhibits import EXHIBITS, load_exhibit
from pixelcnn.hub import WEIGHTS, download, facts_of, read_manifest, save_weights
from pixelcnn.hub.files import facts_of_file, load_file
from pixelcnn.hub.manifest import is_exhibit, stated_facts
from pixelcnn.hub.publish import write_facts
from pixelcnn.models import MODELS

ROOT = DATA.parent.parent


@pytest.fixture
def folder(tmp_path):
    return create_folder(tmp_path)


def test_a_file_rebuilds_its_own_model(folder, name):
    model = tiny_model(name, 4, 4).float()
    save_weights(model, folder / "a.safetensors", dataset="mnist-threshold")
    unfolded = load_file(folder / "a.safetensors", fold_batch_norm=False)
    x = torch.ones(1, 4, 4, dtype=torch.long)
    assert (unfolded(x) == model(x)).all() and unfolded.config == model.config
    loaded = load(folder / "a.safetensors")
    model.fold_batch_norm_()
    assert (loaded(x) == model(x)).all() and loaded.entry == "a" and not loaded.training


def test_saving_leaves_no_temporary_file(folder):
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "tiny.safetensors"]


def test_every_entry_of_the_manifest_is_complete_and_loads():
    manifest = read_manifest()
    assert manifest["default"] in manifest["entries"]
    for name, entry in manifest["entries"].items():
        path = WEIGHTS / entry["file"]
        kinds, read = (EXHIBITS, load_exhibit) if is_exhibit(entry) else (MODELS, load)
        assert path.stem == name and entry["model"] in kinds and isinstance(entry["page"], bool)
        assert entry["bytes"] == path.stat().st_size <= 10_000_000
        assert read(name).name == entry["model"]
        assert (entry["repo"] is None) == (entry["revision"] is None)
        assert {"dataset", "split", "licence", "commit"} < set(entry)
        assert ("nats" in entry) + ("bits_per_dim" in entry) + is_exhibit(entry) == 1
    assert {path.stem for path in WEIGHTS.glob("*.safetensors")} == set(manifest["entries"])


def test_facts_in_the_manifest_are_those_of_the_files():
    for name, entry in read_manifest()["entries"].items():
        if is_exhibit(entry):
            config = load_exhibit(name).config
            assert (entry["height"], entry["width"]) == (config.height, config.width)
        else:
            assert stated_facts(entry) == facts_of(load(name)) == facts_of_file(WEIGHTS / entry["file"]), name


def test_facts_of_a_file_need_no_parameters(folder, name):
    model = tiny_model(name, 4, 4).float()
    save_weights(model, folder / "a.safetensors", dataset="x")
    assert facts_of_file(folder / "a.safetensors") == facts_of(model)


def test_facts_are_written_to_the_manifest(folder):
    remove_facts(folder, "tiny")
    assert stated_facts(read_manifest(folder)["entries"]["tiny"]) is None
    write_facts(folder)
    expected = {"levels": 2, "classes": 0, "height": 5, "width": 6, "any_mask": False}
    assert stated_facts(read_manifest(folder)["entries"]["tiny"]) == expected


@pytest.mark.parametrize("name", ["nothing", "../tiny", "tiny.json", "/etc/passwd"])
def test_an_unknown_entry_is_an_error_that_lists_the_entries(folder, name):
    with pytest.raises(WeightsError) as caught:
        load(name, folder)
    assert caught.value.code == "unknown_entry" and caught.value.params == {"given": repr(name), "entries": "tiny"}


@pytest.mark.parametrize("damage", ["missing", "half", "changed", "empty"])
def test_damaged_bundled_weights(folder, damage):
    path = folder / "tiny.safetensors"
    content = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(
            {"half": content[: len(content) // 2], "changed": content[:-4] + b"\1\2\3\4", "empty": b""}[damage]
        )
    with pytest.raises(WeightsError) as caught:
        load("tiny", folder)
    assert caught.value.code == ("weights_missing" if damage == "missing" else "weights_damaged")
    assert caught.value.params == {"path": str(path)}


def test_a_path_without_a_file(folder):
    with pytest.raises(WeightsError) as caught:
        load(folder / "none.safetensors")
    assert caught.value.code == "weights_not_found"


def test_without_a_bundled_file_the_cached_file_of_the_pinned_revision_is_loaded(folder, tmp_path, monkeypatch):
    cached = tmp_path / "cached"
    shutil.move(folder / "tiny.safetensors", cached)
    change_entry(folder, repo="user/name", revision="0" * 40)
    calls = []

    def hf_hub_download(**arguments):
        calls.append(arguments)
        return str(cached)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", hf_hub_download)
    assert load("tiny", folder).name == "pixelcnn"
    assert calls == [
        {"repo_id": "user/name", "filename": "tiny.safetensors", "revision": "0" * 40, "local_files_only": True}
    ]


@pytest.mark.parametrize("repaired", [True, False])
def test_a_damaged_file_in_the_cache_is_downloaded_once_more(folder, tmp_path, monkeypatch, repaired):
    """Half a file with a matching length would otherwise stay the file of this commit for ever."""
    content, cached = (folder / "tiny.safetensors").read_bytes(), tmp_path / "cached"
    (folder / "tiny.safetensors").unlink()
    cached.write_bytes(content[: len(content) // 2])
    change_entry(folder, repo="user/name", revision="0" * 40)
    forced = []

    def hf_hub_download(local_files_only=False, force_download=False, **arguments):
        if force_download:
            forced.append(arguments)
            if repaired:
                cached.write_bytes(content)
        return str(cached)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", hf_hub_download)
    if repaired:
        assert load("tiny", folder).name == "pixelcnn"
        load("tiny", folder)
    else:
        with pytest.raises(WeightsError) as caught:
            load("tiny", folder)
        assert caught.value.code == "download_wrong_sha256"
        assert caught.value.params == {"file": "tiny.safetensors", "repo": "user/name"}
    assert forced == [{"repo_id": "user/name", "filename": "tiny.safetensors", "revision": "0" * 40}]


def test_a_download_ends_at_its_deadline(folder, monkeypatch):
    from huggingface_hub.errors import LocalEntryNotFoundError

    (folder / "tiny.safetensors").unlink()
    change_entry(folder, repo="user/name", revision="0" * 40)
    released = threading.Event()

    def never_responds(local_files_only=False, **arguments):
        if local_files_only:
            raise LocalEntryNotFoundError("not cached")
        released.wait(30)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", never_responds)
    monkeypatch.setattr(download, "FILE_DEADLINE_S", 0.1)
    started = time.monotonic()
    with pytest.raises(WeightsError) as caught:
        load("tiny", folder)
    released.set()
    assert time.monotonic() - started < 3
    assert caught.value.code == "download_timeout" and caught.value.params == {"repo": "user/name", "seconds": 0.1}


def test_run_with_timeout_returns_raises_or_gives_up():
    released = threading.Event()
    assert download.run_with_timeout(10, lambda: 3) == 3
    assert download.run_with_timeout(10, lambda: None) is None
    with pytest.raises(ZeroDivisionError):
        download.run_with_timeout(10, lambda: 1 / 0)
    with pytest.raises(TimeoutError):
        download.run_with_timeout(0.01, lambda: released.wait(30))
    released.set()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("{", "manifest_unreadable"),
        ("[]", "manifest_unreadable"),
        ("3", "manifest_unreadable"),
        ("{}", "manifest_unreadable"),
        ("[" * 100_000, "manifest_unreadable"),
        ('{"default": "a", "entries": ["a"]}', "manifest_incomplete"),
        ('{"default": ["a"], "entries": {"a": {}}}', "manifest_unreadable"),
        ('{"default": "a", "entries": {}}', "manifest_incomplete"),
    ],
)
def test_a_manifest_that_cannot_be_used(tmp_path, content, code):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(WeightsError) as caught:
        load("tiny", tmp_path)
    assert caught.value.code == code and caught.value.params["path"] == str(tmp_path / "manifest.json")


def test_entries_for_which_no_page_is_meant_load_too(folder):
    add_entry(folder, "hidden", page=False)
    assert load("hidden", folder).name == "pixelcnn"


def test_importing_the_library_does_not_import_the_hub_client():
    code = "import sys, pixelcnn, pixelcnn.serving.registry; sys.exit('huggingface_hub' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("file", ""),
        ("file", 7),
        ("file", "../tiny.safetensors"),
        ("file", "tiny.pkl"),
        ("sha256", None),
        ("sha256", "F" * 64),
        ("model", ["pixelcnn"]),
        ("page", "yes"),
        ("repo", 3),
        ("repo", "name"),
        ("revision", ""),
        ("height", "5"),
        ("levels", True),
        ("any_mask", 1),
    ],
)
def test_an_entry_with_a_wrong_field_is_named(folder, field, value):
    change_entry(folder, **{field: value})
    with pytest.raises(WeightsError) as caught:
        load("tiny", folder)
    assert caught.value.code == "manifest_entry"
    assert caught.value.params["entry"] == "tiny" and caught.value.params["field"] == field


@pytest.mark.parametrize("entry", [7, [], {"file": "tiny.safetensors"}])
def test_an_entry_that_lacks_fields_is_named(folder, entry):
    manifest = read_manifest(folder)
    manifest["entries"]["tiny"] = entry
    write_manifest(folder, manifest)
    with pytest.raises(WeightsError) as caught:
        load("tiny", folder)
    assert caught.value.code == "manifest_entry" and caught.value.params["field"] == "model"


@pytest.mark.parametrize("reader", ["load", "read_manifest"])
def test_a_file_of_another_user_is_an_error_that_says_so(folder, monkeypatch, reader):
    """A process of root may read everything, so the refusal of the operating system is simulated."""

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes" if reader == "load" else "pathlib.Path.read_text", refuse)
    with pytest.raises(WeightsError) as caught:
        load("tiny", folder) if reader == "load" else read_manifest(folder)
    assert caught.value.code == "weights_not_permitted" and "may not be read" in str(caught.value)
