"""The registry: which models a server offers, from which weights, and what it says about them."""

import gc
import shutil
import weakref

import pytest
import torch
from conftest import TINY, tiny_model
from weights_folder import add_entry, change_entry, create_folder, remove_facts, write_manifest

from pixelcnn import InputError, WeightsError
from pixelcnn.errors import Message
from pixelcnn.exhibits import build as build_exhibit
from pixelcnn.hub import facts_of, load_file, read_manifest, save_weights, sha256
from pixelcnn.hub.download import DownloadedRepo
from pixelcnn.hub.sources import WeightsSource, hub_repo, single_file
from pixelcnn.models import build
from pixelcnn.serving.registry import ModelRegistry


@pytest.fixture
def folder(tmp_path):
    return create_folder(tmp_path)


def small_pixelcnn(path, width: int = 6, channels: int = 3):
    """Save a pixelcnn for pictures of 5 rows."""
    torch.manual_seed(width)
    save_weights(build("pixelcnn", height=5, width=width, channels=channels, blocks=1), path, dataset="x")
    return path


def listed(path) -> dict:
    """The entry of a file."""
    return {"model": "pixelcnn", "file": path.name, "sha256": sha256(path), "page": True, "repo": None, "revision": None}


def downloaded(path, monkeypatch, **fields: object) -> WeightsSource:
    """What `hub_repo` returns for a repository with this file as its only entry."""
    manifest = {"default": path.stem, "entries": {path.stem: listed(path) | fields}}
    repo = DownloadedRepo("user/name", "b" * 40, manifest, {path.stem: path}, {})
    monkeypatch.setattr("pixelcnn.hub.sources.download_repo", lambda name: repo)
    return hub_repo("user/name")


def test_a_model_is_loaded_once(folder):
    registry = ModelRegistry(device="cpu", folder=folder)
    assert registry.names() == ["tiny"] and registry.model() is registry.model("tiny")
    assert registry.model().config.channels == TINY["pixelcnn"]["channels"]


@pytest.mark.parametrize("name", ["other", ["tiny"], {"a": 1}, 5, "x" * 3000])
def test_an_unknown_entry_or_another_type_is_an_input_error(folder, name):
    registry = ModelRegistry(device="cpu", folder=folder)
    with pytest.raises(InputError) as caught:
        registry.model(name)
    assert caught.value.code == "unknown_entry" and caught.value.params["entries"] == "tiny"
    assert len(str(caught.value)) < 150


def test_an_unknown_default_is_an_error(folder):
    with pytest.raises(WeightsError) as caught:
        ModelRegistry("other", device="cpu", folder=folder)
    assert caught.value.code == "unknown_entry"


def test_the_status_names_the_source_of_the_weights(folder, tmp_path):
    assert ModelRegistry(device="cpu", folder=folder).weights_status == Message("weights_bundled", "the bundled weights")
    mine = small_pixelcnn(tmp_path / "mine.safetensors")
    status = ModelRegistry(mine, device="cpu", folder=folder).weights_status
    assert status == Message("weights_file", "the weights of {file}", {"file": "mine.safetensors"})


def test_weights_of_a_repository_replace_the_bundled_ones(folder, tmp_path, monkeypatch):
    registry = ModelRegistry(device="cpu", folder=folder)
    before = registry.model()
    registry.replace_weights(downloaded(small_pixelcnn(tmp_path / "other.safetensors", channels=4), monkeypatch))
    assert registry.default == "other" and registry.model().config.channels == 4
    assert registry.names() == ["other", "tiny"] and registry.model("tiny").config == before.config
    assert registry.weights_status.code == "weights_repo"
    assert registry.weights_status.params == {"repo": "user/name", "revision": "bbbbbbb"}


def test_weights_that_do_not_fit_the_open_page_change_nothing(folder, tmp_path, monkeypatch):
    registry = ModelRegistry(device="cpu", folder=folder)
    before = registry.model()
    with pytest.raises(WeightsError) as caught:
        registry.replace_weights(downloaded(small_pixelcnn(tmp_path / "wide.safetensors", width=8), monkeypatch))
    assert caught.value.code == "weights_do_not_fit_page"
    assert caught.value.params == {"entry": "wide", "height": 5, "width": 8, "levels": 2}
    assert registry.model() is before and registry.weights_status.code == "weights_bundled"


def test_use_repo_reports_progress_and_result(folder, tmp_path, monkeypatch):
    registry = ModelRegistry(device="cpu", folder=folder)
    source = downloaded(small_pixelcnn(tmp_path / "other.safetensors"), monkeypatch)
    states = []

    def download(name):
        states.append(registry.weights_status)
        return source

    monkeypatch.setattr("pixelcnn.serving.registry.hub_repo", download)
    registry.use_repo("user/name").join()
    assert [(status.code, status.params) for status in states] == [("weights_repo_pending", {"repo": "user/name"})]
    assert registry.weights_status.code == "weights_repo" and registry.default == "other"


@pytest.mark.parametrize(
    ("error", "code"),
    [(WeightsError("download_timeout", "Late."), "download_timeout"), (OSError("disk"), "weights_repo_error")],
)
def test_use_repo_keeps_the_weights_if_the_download_fails(folder, monkeypatch, error, code):
    def download(name):
        raise error

    registry = ModelRegistry(device="cpu", folder=folder)
    monkeypatch.setattr("pixelcnn.serving.registry.hub_repo", download)
    registry.use_repo("user/name").join()
    assert registry.weights_status.code == "weights_repo_failed"
    assert registry.weights_status.params == {"repo": "user/name"} and registry.default == "tiny"
    assert [problem.code for problem in registry.problems()] == [code]


def test_facts_of_a_repository_come_from_its_files(folder, tmp_path, monkeypatch):
    """Older pushes state none, and those that are stated may be wrong."""
    path = small_pixelcnn(tmp_path / "other.safetensors")
    for fields in ({}, {"levels": 256, "height": "x"}):
        registry = ModelRegistry(device="cpu", folder=folder)
        registry.replace_weights(downloaded(path, monkeypatch, **fields))
        assert registry.facts()["models"]["other"] == {
            "model": "pixelcnn",
            "levels": 2,
            "classes": 0,
            "any_mask": False,
            "nats": None,
            "sha": sha256(path)[:8],
        }


def test_replaced_models_are_freed(folder, tmp_path, monkeypatch):
    registry = ModelRegistry(device="cpu", folder=folder)
    before = weakref.ref(registry.model())
    registry.replace_weights(downloaded(small_pixelcnn(tmp_path / "other.safetensors"), monkeypatch))
    gc.collect()
    assert before() is None


def test_only_models_of_the_default_size_are_offered(folder, tmp_path):
    mine = small_pixelcnn(tmp_path / "mine.safetensors", width=8)
    small_pixelcnn(folder / "wide.safetensors", width=8)
    add_entry(folder, "wide", file="wide.safetensors", sha256=sha256(folder / "wide.safetensors"), width=8)
    assert ModelRegistry(device="cpu", folder=folder).names() == ["tiny"]
    registry = ModelRegistry(mine, device="cpu", folder=folder)
    assert registry.names() == ["mine", "wide"] == list(registry.facts()["models"])


def test_entries_that_are_not_for_the_page_are_not_offered_but_load(folder):
    add_entry(folder, "hidden", page=False)
    registry = ModelRegistry(device="cpu", folder=folder)
    assert registry.names() == ["tiny"] and registry.model("hidden").name == "pixelcnn"


def test_a_file_is_not_the_entry_of_the_same_name(folder):
    change_entry(folder, file="gone.safetensors")
    registry = ModelRegistry(folder / "tiny.safetensors", device="cpu", folder=folder)
    assert registry.facts()["models"]["tiny"]["sha"] == "" and registry.names() == ["tiny"]


def test_an_entry_is_offered_before_its_file_is_downloaded(folder):
    facts = facts_of(tiny_model("freeform", 5, 6))
    add_entry(folder, "remote", model="freeform", file="remote.safetensors", repo="user/name", **facts)
    offered = ModelRegistry(device="cpu", folder=folder).facts()["models"]
    assert offered["remote"]["model"] == "freeform" and offered["remote"]["classes"] == 10
    assert offered["remote"]["any_mask"]


def test_facts_that_the_manifest_does_not_state_come_from_the_file(folder):
    stated = ModelRegistry(device="cpu", folder=folder).facts()
    add_entry(folder, "copy")
    remove_facts(folder, "tiny")
    remove_facts(folder, "copy")
    facts = ModelRegistry(device="cpu", folder=folder).facts()
    assert facts["models"]["tiny"] == facts["models"]["copy"] == stated["models"]["tiny"]


@pytest.mark.parametrize("content", [None, b"", b"\x80\x04."])
def test_an_entry_that_cannot_be_used_does_not_hide_the_others(folder, caplog, content):
    add_entry(folder, "broken", file="broken.safetensors")
    remove_facts(folder, "broken")
    if content is not None:
        (folder / "broken.safetensors").write_bytes(content)
    registry = ModelRegistry(device="cpu", folder=folder)
    assert registry.names() == ["tiny"] == list(registry.facts()["models"])
    assert "The entry broken is not offered" in caplog.text
    assert [str(error) in caplog.text for error in registry.problems()] == [True]
    with pytest.raises(WeightsError) as caught:
        registry.model("broken")
    assert caught.value.code == ("weights_missing" if content is None else "weights_damaged")


@pytest.mark.parametrize(
    "entry", [{"file": ""}, {"file": 7}, {"sha256": 7}, {"page": None}, 7, [], {"entry": "not weights"}]
)
def test_an_entry_with_wrong_fields_does_not_hide_the_others(folder, entry):
    manifest = read_manifest(folder)
    whole = isinstance(entry, dict) and "entry" not in entry
    manifest["entries"]["broken"] = manifest["entries"]["tiny"] | entry if whole else entry
    write_manifest(folder, manifest)
    registry = ModelRegistry(device="cpu", folder=folder)
    assert list(registry.facts()["models"]) == ["tiny"] and registry.model().name == "pixelcnn"
    assert [error.code for error in registry.problems()] == ["manifest_entry"]


def test_weights_that_are_not_finite_are_not_offered(folder):
    """Their sha256 is that of the manifest."""
    path = small_pixelcnn(folder / "broken.safetensors")
    model = load_file(path)
    model.first.bias.data[0] = torch.nan
    save_weights(model, path, dataset="x")
    add_entry(folder, "broken", file=path.name, sha256=sha256(path))
    registry = ModelRegistry(device="cpu", folder=folder)
    assert registry.names() == ["tiny"]
    assert [(error.code, error.params["key"]) for error in registry.problems()] == [("weights_not_finite", "first.bias")]
    with pytest.raises(WeightsError) as caught:
        registry.model("broken")
    assert caught.value.code == "weights_not_finite"


def test_if_the_default_cannot_be_used_another_entry_is_the_default(folder):
    path = small_pixelcnn(folder / "other.safetensors")
    add_entry(folder, "other", file=path.name, sha256=sha256(path))
    (folder / "tiny.safetensors").write_bytes(b"")
    registry = ModelRegistry(device="cpu", folder=folder)
    assert registry.default == "other" and [error.code for error in registry.problems()] == ["weights_damaged"]
    with pytest.raises(WeightsError) as caught:
        ModelRegistry("tiny", device="cpu", folder=folder)
    assert caught.value.code == "weights_damaged", "a default given by name is not replaced"


def test_if_no_entry_can_be_used_the_error_is_that_of_the_default(folder):
    (folder / "tiny.safetensors").write_bytes(b"")
    with pytest.raises(WeightsError) as caught:
        ModelRegistry(device="cpu", folder=folder)
    assert caught.value.code == "weights_damaged"


def test_an_unusable_entry_of_a_repository_leaves_the_bundled_one(folder, tmp_path, monkeypatch):
    """Of two downloaded files one is not weights; the bundled entry of its name stays."""
    cache = tmp_path / "cache"
    cache.mkdir()
    good, bad = small_pixelcnn(cache / "other.safetensors"), cache / "tiny.safetensors"
    bad.write_bytes(b"no weights")
    entries = {path.stem: listed(path) for path in (good, bad)}
    manifest = {"default": "other", "entries": entries}
    left_out = {"third": WeightsError("manifest_entry", "Wrong.")}
    repo = DownloadedRepo("user/name", "b" * 40, manifest, {"other": good, "tiny": bad}, left_out)
    monkeypatch.setattr("pixelcnn.hub.sources.download_repo", lambda name: repo)
    registry = ModelRegistry(device="cpu", folder=folder)
    before = registry.model("tiny").config
    registry.replace_weights(hub_repo("user/name"))
    assert registry.names() == ["other", "tiny"] == list(registry.facts()["models"])
    assert registry.model("tiny").config == before
    assert {error.code for error in registry.problems()} == {"manifest_entry", "weights_unreadable"}
    good.write_bytes(b"no weights")
    with pytest.raises(WeightsError) as caught:
        hub_repo("user/name")
    assert caught.value.code == "weights_unreadable", "without its default a repository is not used"


def test_an_offered_entry_with_a_missing_file_fails_when_it_is_chosen(folder):
    shutil.copy(folder / "tiny.safetensors", folder / "gone.safetensors")
    add_entry(folder, "gone", file="gone.safetensors")
    registry = ModelRegistry(device="cpu", folder=folder)
    assert registry.names() == ["tiny", "gone"]
    (folder / "gone.safetensors").unlink()
    with pytest.raises(WeightsError) as caught:
        registry.model("gone")
    assert caught.value.code == "weights_missing"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_missing_device_is_an_error(folder):
    with pytest.raises(InputError) as caught:
        ModelRegistry(device="cuda", folder=folder)
    assert caught.value.code == "cuda_not_available"


def test_the_registry_leaves_pytorchs_global_settings_alone(folder):
    before = torch.backends.cudnn.allow_tf32
    ModelRegistry(folder=folder)
    assert torch.backends.cudnn.allow_tf32 == before


def test_a_single_file_is_a_source(tmp_path):
    source = single_file(small_pixelcnn(tmp_path / "mine.safetensors"))
    assert source.default == "mine" and list(source.weights) == ["mine"] and source.weights["mine"].sha256 == ""


# --- exhibits


@pytest.fixture
def folder_with_exhibits(folder):
    """The entry "tiny" of 5 x 6 pixels would not fit: a model and an exhibit of 28 x 28, another one of 8 x 8."""
    save_weights(build("independent"), folder / "tiny.safetensors", dataset="x")
    change_entry(folder, model="independent", sha256=sha256(folder / "tiny.safetensors"), height=28, width=28)
    for name, size in (("dcgan", 28), ("small", 8)):
        exhibit = build_exhibit("dcgan", latent=3, channels=2, search_steps=2, height=size, width=size)
        save_weights(exhibit, folder / f"{name}.safetensors", dataset="x")
        entry = listed(folder / f"{name}.safetensors") | {
            "model": "dcgan",
            "kind": "exhibit",
            "height": size,
            "width": size,
        }
        add_entry(folder, name, **entry)
    return folder


def test_exhibits_of_the_pages_size_are_offered_beside_the_models(folder_with_exhibits):
    registry = ModelRegistry(device="cpu", folder=folder_with_exhibits)
    facts, entries = registry.facts(), read_manifest(folder_with_exhibits)["entries"]
    assert registry.names() == ["tiny"] == list(facts["models"]) and not registry.problems()
    assert facts["exhibits"] == {"dcgan": {"model": "dcgan", "sha": entries["dcgan"]["sha256"][:8]}}
    exhibit = registry.exhibit("dcgan")
    assert exhibit is registry.exhibit("dcgan") and exhibit.name == "dcgan" and not exhibit.training
    assert exhibit.read_digits is not None
    with pytest.raises(WeightsError, match="Choose one of tiny"):
        registry.model("dcgan")
    for given in ("small", "tiny", "", ["dcgan"], "../dcgan"):
        with pytest.raises(WeightsError, match="Choose one of dcgan"):
            registry.exhibit(given)


def test_a_server_without_exhibits_says_so(folder, folder_with_exhibits):
    registry = ModelRegistry(device="cpu", folder=folder_with_exhibits, with_exhibits=False)
    assert registry.facts()["exhibits"] == {}
    with pytest.raises(InputError) as caught:
        registry.exhibit("dcgan")
    assert caught.value.code == "no_exhibits"


def test_a_damaged_exhibit_is_left_out(folder_with_exhibits):
    (folder_with_exhibits / "dcgan.safetensors").write_bytes(b"x")
    registry = ModelRegistry(device="cpu", folder=folder_with_exhibits)
    assert registry.facts()["exhibits"] == {} and [error.code for error in registry.problems()] == ["weights_damaged"]


def test_exhibits_of_a_repository_join_those_of_the_server(folder_with_exhibits, monkeypatch, tmp_path):
    registry = ModelRegistry(device="cpu", folder=folder_with_exhibits)
    manifest = read_manifest(folder_with_exhibits)
    manifest["entries"]["other"] = manifest["entries"].pop("dcgan")
    files = {name: folder_with_exhibits / entry["file"] for name, entry in manifest["entries"].items()}
    repo = DownloadedRepo("user/name", "b" * 40, manifest, files, {})
    monkeypatch.setattr("pixelcnn.hub.sources.download_repo", lambda name: repo)
    registry.replace_weights(hub_repo("user/name"))
    assert list(registry.facts()["exhibits"]) == ["dcgan", "other"] and registry.exhibit("other").name == "dcgan"
