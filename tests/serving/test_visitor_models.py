"""Models of visitors: checked like all weights, known by their entry only, freed when they are not renewed."""

import gc
import json
import weakref

import pytest
import torch
from conftest import tiny_model
from safetensors.torch import save_file

from pixelcnn import InputError, UnavailableError, WeightsError
from pixelcnn.hub import save_weights
from pixelcnn.serving.registry import ModelRegistry
from pixelcnn.serving.visitor_models import LEASE_S, MAX_MODELS, VisitorModels

CPU = torch.device("cpu")


def weights(path, size: int = 28) -> bytes:
    """A safetensors file of a tiny model."""
    save_weights(tiny_model("pixelcnn", size, size).float(), path / "w.safetensors", dataset="mnist-threshold")
    return (path / "w.safetensors").read_bytes()


def test_a_model_is_found_by_its_entry_until_it_is_removed_and_is_freed_then(tmp_path):
    models = VisitorModels()
    entry, digest = models.add(weights(tmp_path), "my best.safetensors", (28, 28), CPU)
    assert entry.startswith("mybest-") and len(entry) == len("mybest-") + 12 and len(digest) == 64
    model = weakref.ref(models.get(entry))
    assert model().entry == entry
    models.remove([entry])
    gc.collect()
    assert models.get(entry) is None and model() is None


def test_a_lease_ends_unless_it_is_renewed(tmp_path):
    now, data = [0.0], weights(tmp_path)
    models = VisitorModels(clock=lambda: now[0])
    kept, left = (models.add(data, name, (28, 28), CPU)[0] for name in ("a", "b"))
    now[0] = 0.8 * LEASE_S
    assert models.renew([kept, "unknown"]) == [kept]
    now[0] = 1.6 * LEASE_S
    models.expire()
    assert models.get(kept) and models.get(left) is None


def test_there_are_at_most_so_many(tmp_path):
    models, data = VisitorModels(), weights(tmp_path)
    entries = [models.add(data, "x", (28, 28), CPU)[0] for _ in range(MAX_MODELS)]
    assert len(set(entries)) == MAX_MODELS
    with pytest.raises(UnavailableError, match=f"at most {MAX_MODELS} weights"):
        models.add(data, "x", (28, 28), CPU)
    models.remove(entries[:1])
    models.add(data, "x", (28, 28), CPU)


def test_the_full_check_of_weights_files_applies_and_names_the_visitors_file(tmp_path):
    models, data = VisitorModels(), weights(tmp_path)
    model = tiny_model("pixelcnn", 28, 28).float()
    tensors = {name: value.clone() for name, value in model.state_dict().items()}
    metadata = {"pixelcnn": json.dumps({"model": "pixelcnn", "config": {"channels": 10**9}})}
    save_file(tensors, tmp_path / "huge.safetensors", metadata)
    cases = [
        (data[:-9], "weights_unreadable"),
        (b"", "weights_unreadable"),
        ((tmp_path / "huge.safetensors").read_bytes(), "weights_config_field"),
        (weights(tmp_path, 14), "visitor_weights_size"),
    ]
    for bad, code in cases:
        with pytest.raises(WeightsError) as caught:
            models.add(bad, "../mine.safetensors", (28, 28), CPU)
        assert caught.value.code == code and caught.value.params["path"] == "../mine.safetensors"
        assert str(tmp_path) not in str(caught.value) and "/tmp" not in str(caught.value)


def test_the_registry_knows_a_visitors_model_but_does_not_list_it(tmp_path):
    registry = ModelRegistry(device="cpu")
    entry, facts = registry.add_visitor_model(weights(tmp_path), "mine.safetensors")
    assert registry.model(entry).entry == entry and facts["model"] == "pixelcnn" and facts["levels"] == 2
    assert entry not in registry.names() and entry not in registry.facts()["models"]
    registry.visitor_models.remove([entry])
    with pytest.raises(InputError, match="Choose one of"):
        registry.model(entry)
