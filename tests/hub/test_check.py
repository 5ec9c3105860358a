"""The check of a weights file: everything that does not fit is refused, named, and nothing is built from it."""

import json
import os
import subprocess
import sys
from dataclasses import fields

import pytest
import torch
from conftest import DATA, tiny_model
from safetensors.torch import save_file

from pixelcnn import WeightsError, load
from pixelcnn.exhibits import EXHIBITS
from pixelcnn.hub import WEIGHTS, read_manifest, save_weights
from pixelcnn.hub.check import METADATA_KEY, read_weights
from pixelcnn.hub.files import facts_of_file, load_file
from pixelcnn.hub.manifest import is_exhibit
from pixelcnn.models import MODELS, config_of

ROOT = DATA.parent.parent


def write(path, tensors: dict | None = None, name: object = None, config: object = None, **change: object):
    """A file of a tiny pixelcnn, with other tensors, another name, or another config or fields of it."""
    model = tiny_model("pixelcnn", 4, 4).float()
    found = model.state_dict() if tensors is None else tensors
    config = config_of(model) | change if config is None else config
    metadata = {"model": "pixelcnn" if name is None else name, "config": config}
    save_file(found, path, {METADATA_KEY: json.dumps(metadata)})
    return path


def tensors_of(name: str = "pixelcnn") -> dict:
    return tiny_model(name, 4, 4).float().state_dict()


def refused(path, monkeypatch) -> WeightsError:
    """The error for a file, which is refused before a model with memory is built, by every way to use it."""
    built = []

    monkeypatch.setattr("pixelcnn.hub.files.build_again", built.append)
    errors = []
    for read in (load, facts_of_file, lambda path: load_file(path, fold_batch_norm=False)):
        with pytest.raises(WeightsError) as caught:
            read(path)
        errors.append(caught.value)
    assert not built and len({str(error) for error in errors}) == 1
    assert errors[0].params["path"] == str(path)
    return errors[0]


@pytest.mark.parametrize("content", ["empty", "pickle", "cut", "braces", "folder"])
def test_files_that_are_not_safetensors(tmp_path, monkeypatch, content):
    path = tmp_path / "bad.safetensors"
    contents = {"empty": b"", "pickle": b"\x80\x04.", "cut": write(path).read_bytes()[:200], "braces": b"{}" * 100}
    path.unlink()
    if content == "folder":
        path.mkdir()
    else:
        path.write_bytes(contents[content])
    assert refused(path, monkeypatch).code == ("weights_not_found" if content == "folder" else "weights_unreadable")


def test_a_pipe_is_not_waited_for(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.safetensors")
    assert refused(tmp_path / "pipe.safetensors", monkeypatch).code == "weights_not_found"


def test_a_file_of_another_user_is_an_error_that_says_so(tmp_path, monkeypatch):
    """A process of root may read everything, so the refusal of the operating system is simulated."""

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pixelcnn.hub.check.safe_open", refuse)
    error = refused(write(tmp_path / "a.safetensors"), monkeypatch)
    assert error.code == "weights_not_permitted" and "may not be read" in str(error)


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        "",
        "{",
        "3",
        "[" * 100_000,
        '{"model": "pixelcnn"}',
        '{"config": {}}',
        '{"model": ["pixelcnn"], "config": {}}',
        '{"model": "pixelcnn", "config": [1]}',
    ],
)
def test_metadata_that_names_no_model(tmp_path, monkeypatch, metadata):
    path = tmp_path / "bad.safetensors"
    save_file({"a": torch.zeros(1)}, path, None if metadata is None else {METADATA_KEY: metadata})
    assert refused(path, monkeypatch).code == "weights_no_model"


def test_an_unknown_model_or_field_is_named(tmp_path, monkeypatch):
    error = refused(write(tmp_path / "a.safetensors", name="transformer"), monkeypatch)
    assert error.code == "weights_unknown_model" and error.params["model"] == "'transformer'"
    error = refused(write(tmp_path / "a.safetensors", colors=3), monkeypatch)
    assert error.code == "weights_unknown_field" and error.params["field"] == "'colors'"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("channels", "48"),
        ("channels", "9" * 3000),
        ("channels", 0),
        ("channels", -1),
        ("channels", 4.0),
        ("channels", 1.5),
        ("channels", float("nan")),
        ("channels", None),
        ("channels", [4]),
        ("batch_norm", True),
        ("kernel", 4),
        ("kernel", 9),
        ("channels", 10**6),
        ("channels", 10**40),
        ("blocks", 10**5),
        ("height", 10**4),
    ],
)
def test_values_of_the_config_are_whole_numbers_in_bounds(tmp_path, monkeypatch, field, value):
    error = refused(write(tmp_path / "a.safetensors", **{field: value}), monkeypatch)
    assert error.code == "weights_config_field" and error.params["field"] == field
    assert len(str(error)) < 300


def test_sizes_that_cannot_be_halved_are_refused(tmp_path, monkeypatch):
    error = refused(write(tmp_path / "a.safetensors", name="pixelcnn_pp", config={"height": 30}), monkeypatch)
    assert error.params | {"path": ""} == {"path": "", "field": "height", "given": "30", "expected": "4, 8 ... 256"}


@pytest.mark.parametrize("name", list(MODELS))
def test_the_largest_config_is_refused_by_its_tensors(tmp_path, monkeypatch, name):
    """It would take gigabytes, but is never built with memory."""
    config_type = MODELS[name][1]
    config = {option.name: config_type.RANGES[option.name][-1] for option in fields(config_type)}
    path = write(tmp_path / "a.safetensors", tensors={"first.weight": torch.zeros(1)}, name=name, config=config)
    assert refused(path, monkeypatch).code in ("weights_key_missing", "weights_tensor")


def test_a_wrapper_around_the_model_is_named(tmp_path, monkeypatch):
    tensors = {f"module.{key}": value for key, value in tensors_of().items()}
    error = refused(write(tmp_path / "a.safetensors", tensors), monkeypatch)
    assert error.code == "weights_key_prefix" and error.params["prefix"] == "module."
    assert error.params["key"] == "module.first.weight"


def test_the_first_wrong_tensor_is_named(tmp_path, monkeypatch):
    path, key = tmp_path / "a.safetensors", "blocks.0.conv.weight"
    for change, code, name in [
        (lambda tensors: tensors.pop(key), "weights_key_missing", key),
        (lambda tensors: tensors.update(extra=torch.zeros(2)), "weights_key_unexpected", "extra"),
        (lambda tensors: tensors.update({key: torch.zeros(2, 3)}), "weights_tensor", key),
        (lambda tensors: tensors.update({key: tensors[key].long()}), "weights_tensor", key),
        (lambda tensors: tensors[key].view(-1)[3:4].fill_(torch.nan), "weights_not_finite", key),
        (lambda tensors: tensors[key].view(-1)[3:4].fill_(-torch.inf), "weights_not_finite", key),
        (lambda tensors: tensors.update({key: tensors[key].double() * 1e300}), "weights_not_finite", key),
    ]:
        tensors = tensors_of()
        change(tensors)
        error = refused(write(path, tensors), monkeypatch)
        assert error.code == code and error.params["key"] == name
        if code == "weights_tensor":
            assert error.params["expected"] == "F32 [13, 5, 5]" and error.params["model"] == "pixelcnn"


def test_weights_whose_batch_normalization_is_not_finite_are_refused(tmp_path):
    """A negative variance is finite in the file and NaN in the folded model."""
    tensors = tensors_of()
    tensors["blocks.0.conv.norm.running_var"].fill_(-1)
    with pytest.raises(WeightsError) as caught:
        load(write(tmp_path / "a.safetensors", tensors))
    assert caught.value.code == "weights_not_finite" and caught.value.params["key"].startswith("blocks.0.conv.")


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_tensors_of_other_precision_are_converted(tmp_path, dtype):
    tensors = {key: value.to(dtype) if value.is_floating_point() else value for key, value in tensors_of().items()}
    model = load(write(tmp_path / "a.safetensors", tensors))
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_loading_does_not_depend_on_default_dtype_and_device(tmp_path, name):
    save_weights(tiny_model(name, 4, 4).float(), tmp_path / "a.safetensors", dataset="x")
    expected = load(tmp_path / "a.safetensors").state_dict()
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    try:
        found = load(tmp_path / "a.safetensors").state_dict()
    finally:
        torch.set_default_device(None)
        torch.set_default_dtype(torch.float32)
    assert all(torch.equal(found[key], value) and found[key].dtype == value.dtype for key, value in expected.items())


def test_every_bundled_file_passes():
    for name, entry in read_manifest()["entries"].items():
        registry = EXHIBITS if is_exhibit(entry) else MODELS
        skeleton, tensors = read_weights(WEIGHTS / entry["file"], registry)
        assert skeleton.name == entry["model"] and next(skeleton.parameters()).device.type == "meta", name
        assert all(tensor.device.type == "cpu" for tensor in tensors.values())


def test_the_check_does_not_import_torchs_compiler():
    """Random numbers on the device "meta" would import it, which takes a second or more at every start."""
    code = (
        "import sys; from pixelcnn.hub import WEIGHTS; from pixelcnn.hub.check import read_weights\n"
        "from pixelcnn.exhibits import EXHIBITS; from pixelcnn.models import MODELS\n"
        "for path in WEIGHTS.glob('*.safetensors'): read_weights(path, EXHIBITS if path.stem in EXHIBITS else MODELS)\n"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
