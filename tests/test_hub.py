import json
import shutil
import time

import pytest
import torch
from conftest import TINY, tiny_model

from pixelcnn import BadInput, WeightsError, hub, load
from pixelcnn.models import MODELS, build
from pixelcnn.shelf import Shelf


@pytest.fixture
def folder(tmp_path):
    """A weights folder with one tiny entry."""
    path = tmp_path / "tiny.safetensors"
    hub.save_weights(tiny_model("pixelcnn", 5, 6).float(), path, dataset="mnist-threshold")
    entry = {
        "model": "pixelcnn",
        "file": path.name,
        "sha256": hub.sha256(path),
        "page": True,
        "repo": None,
        "revision": None,
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"default": "tiny", "entries": {"tiny": entry}}))
    return tmp_path


def with_entry(folder, **changes) -> None:
    listed = hub.manifest(folder)
    listed["entries"]["tiny"] |= changes
    (folder / "manifest.json").write_text(json.dumps(listed))


def test_a_file_rebuilds_its_own_model(folder, name):
    model = tiny_model(name, 4, 4).float()
    hub.save_weights(model, folder / "a.safetensors", dataset="mnist-threshold")
    same = load(folder / "a.safetensors")
    x = torch.ones(1, 4, 4, dtype=torch.long)
    assert (same(x) == model(x)).all() and same.entry == "a" and not same.training


def test_every_entry_of_the_manifest_is_whole_and_loads():
    listed = hub.manifest()
    assert listed["default"] in listed["entries"]
    for name, entry in listed["entries"].items():
        path = hub.WEIGHTS / entry["file"]
        assert path.stem == name and entry["model"] in MODELS and isinstance(entry["page"], bool)
        assert entry["bytes"] == path.stat().st_size <= 10_000_000
        assert load(name).name == entry["model"]
        assert (entry["repo"] is None) == (entry["revision"] is None)
        assert {"dataset", "split", "licence", "commit"} < set(entry) and ("nats" in entry) != ("bits_per_dim" in entry)
    assert {path.stem for path in hub.WEIGHTS.glob("*.safetensors")} == set(listed["entries"])


def test_unknown_names_list_the_known_ones(folder):
    for wrong in ("nothing", "../tiny", "tiny.json", "/etc/passwd"):
        with pytest.raises(WeightsError, match="choose one of tiny"):
            load(wrong, folder)


@pytest.mark.parametrize("damage", ["missing", "half", "changed", "empty"])
def test_damaged_bundled_weights_are_one_sentence(folder, damage):
    path = folder / "tiny.safetensors"
    whole = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes({"half": whole[: len(whole) // 2], "changed": whole[:-4] + b"\1\2\3\4", "empty": b""}[damage])
    with pytest.raises(WeightsError, match=r"is (missing|damaged).*check it out again\.$"):
        load("tiny", folder)


def test_files_that_are_no_weights_are_one_sentence(folder, tmp_path):
    whole = (folder / "tiny.safetensors").read_bytes()
    for content in (b"", b"\x80\x04.", whole[:200], b"{}" * 100):
        (tmp_path / "bad.safetensors").write_bytes(content)
        with pytest.raises(WeightsError, match="not a whole file of pixelcnn weights"):
            load(tmp_path / "bad.safetensors")
    with pytest.raises(WeightsError, match="There are no weights at"):
        load(tmp_path / "none.safetensors")


def test_loading_is_strict(tmp_path):
    model = tiny_model("pixelcnn", 4, 4)
    model.blocks = model.blocks[:1]  # the config still says two
    hub.save_weights(model, tmp_path / "short.safetensors", dataset="x")
    with pytest.raises(WeightsError, match="does not fit the model"):
        load(tmp_path / "short.safetensors")


def test_without_a_bundled_file_the_cache_of_the_pinned_revision_serves(folder, tmp_path, monkeypatch):
    elsewhere = tmp_path / "cached"
    shutil.move(folder / "tiny.safetensors", elsewhere)
    with_entry(folder, repo="user/name", revision="0" * 40)
    asked = []

    def cached(**what):
        asked.append(what)
        return str(elsewhere)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", cached)
    assert load("tiny", folder).name == "pixelcnn"
    assert asked == [
        {"repo_id": "user/name", "filename": "tiny.safetensors", "revision": "0" * 40, "local_files_only": True}
    ]
    elsewhere.write_bytes(b"other")
    with pytest.raises(WeightsError, match="is not the file of the manifest"):
        load("tiny", folder)


def test_a_silent_hub_is_given_up_after_the_deadline(folder, monkeypatch):
    from huggingface_hub.errors import LocalEntryNotFoundError

    (folder / "tiny.safetensors").unlink()
    with_entry(folder, repo="user/name", revision="0" * 40)

    def silent(local_files_only=False, **what):
        if local_files_only:
            raise LocalEntryNotFoundError("not cached")
        time.sleep(5)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", silent)
    monkeypatch.setattr(hub, "HUB_DEADLINE_S", 0.1)
    started = time.monotonic()
    with pytest.raises(WeightsError, match="no answer within"):
        load("tiny", folder)
    assert time.monotonic() - started < 3


def test_a_shelf_loads_what_is_asked_for_once(folder):
    shelf = Shelf(device="cpu", folder=folder)
    assert shelf.names() == ["tiny"] and shelf.model() is shelf.model("tiny")
    assert shelf.model().config.channels == TINY["pixelcnn"]["channels"]
    for wrong in ("other", ["tiny"], {"a": 1}, 5, "x" * 3000):
        with pytest.raises(WeightsError, match="choose one of tiny") as caught:
            shelf.model(wrong)
        assert len(str(caught.value)) < 150


def test_pulled_weights_take_the_place_of_the_bundled_ones_if_they_fit_the_page(folder, tmp_path):
    shelf = Shelf(device="cpu", folder=folder)
    before = shelf.model()
    for size, channels in ((8, 3), (6, 4)):
        path = tmp_path / f"other{size}.safetensors"
        torch.manual_seed(size)
        hub.save_weights(build("pixelcnn", height=5, width=size, channels=channels, blocks=1), path, dataset="x")
        entry = {"model": "pixelcnn", "file": path.name, "sha256": hub.sha256(path), "page": True}
        pulled = hub.Pulled("user/name", "b" * 40, {"default": path.stem, "entries": {path.stem: entry}}, {path.stem: path})
        if size == 8:
            with pytest.raises(WeightsError, match="other8 of user/name draws 5 x 8 in 2 levels; start with its file"):
                shelf.adopt(pulled)
            assert shelf.model() is before and shelf.origin == "the weights that came with it"
        else:
            shelf.adopt(pulled)
            assert shelf.model().config.channels == 4 and shelf.origin == "the weights of user/name at bbbbbbb"
            assert shelf.names() == ["other6", "tiny"] and shelf.model("tiny").config == before.config


def test_only_models_of_the_pages_size_can_be_chosen(folder, tmp_path):
    mine = tmp_path / "mine.safetensors"
    for path, width in ((mine, 8), (folder / "wide.safetensors", 8)):
        hub.save_weights(build("pixelcnn", height=5, width=width, channels=3, blocks=1), path, dataset="x")
    listed = hub.manifest(folder)
    listed["entries"]["wide"] = listed["entries"]["tiny"] | {"file": "wide.safetensors"}
    (folder / "manifest.json").write_text(json.dumps(listed))
    assert Shelf(device="cpu", folder=folder).names() == ["tiny"]
    shelf = Shelf(mine, device="cpu", folder=folder)
    assert shelf.names() == ["mine", "wide"] == list(shelf.facts()["models"])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_what_is_still_at_the_hub_can_be_chosen_from_before_it_is_here(folder):
    listed = hub.manifest(folder)
    listed["entries"]["far"] = listed["entries"]["tiny"] | {
        "model": "freeform",
        "file": "far.safetensors",
        "repo": "user/name",
    }
    (folder / "manifest.json").write_text(json.dumps(listed))
    facts = Shelf(device="cpu", folder=folder).facts()["models"]
    assert facts["far"]["model"] == "freeform" and facts["far"]["classes"] == 10 and facts["far"]["any_mask"]
    with_entry(folder, file="gone.safetensors")
    shelf = Shelf(folder / "tiny.safetensors", device="cpu", folder=folder)
    assert shelf.facts()["models"]["tiny"]["sha"] == "", "a file that has an entry's name is still not the entry"


def test_asking_for_a_missing_device_says_what_to_do(folder):
    with pytest.raises(BadInput, match="give --device cpu or auto"):
        Shelf(device="cuda", folder=folder)


@pytest.mark.parametrize(
    "content", ["{", "{}", "[]", "3", '{"default": "a", "entries": {"a": {}}}', '{"default": "a", "entries": {}}']
)
def test_a_manifest_that_cannot_be_read(tmp_path, content):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(WeightsError, match="check it out again"):
        load("tiny", tmp_path)
