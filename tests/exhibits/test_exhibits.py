"""Exhibits: frames, captions, seeds, files, and short training runs."""

import json
import time
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import tiny_model
from safetensors.torch import load_file, save_file

from pixelcnn import InputError, WeightsError, load
from pixelcnn.analysis.digit_classifier import classify, load_digit_classifier
from pixelcnn.data import load_digits
from pixelcnn.exhibits import EXHIBITS, build, load_exhibit, set_reader, train
from pixelcnn.exhibits.pix2pix import random_tops, unknown_error
from pixelcnn.hub import save_weights
from pixelcnn.hub.check import METADATA_KEY
from pixelcnn.models import MODELS, config_of

TINY = {
    "dcgan": {"latent": 6, "channels": 4, "search_steps": 12, "frame_every": 5},
    "pix2pix": {"channels": 4, "bottleneck": 5},
}
MAX_BYTES = 10 * 10**6


@pytest.fixture(params=list(EXHIBITS))
def exhibit(request):
    """A real exhibit with random weights, larger than at the start of training, so that noise matters."""
    torch.manual_seed(3)
    exhibit = build(request.param, **TINY[request.param]).eval()
    for parameter in exhibit.parameters():
        if parameter.dim() > 1:
            parameter.data.normal_(std=0.5)
    return exhibit


def top(rows: int = 14) -> np.ndarray:
    return np.repeat(np.arange(28) < rows, 28).reshape(28, 28).astype(int)


def drawing() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (28, 28))


def arguments(name: str, data: Path, out: Path, *more: str) -> list[str]:
    config = ",".join(f"{field}={value}" for field, value in TINY[name].items())
    files = ["--data", str(data), "--dataset", "mnist-gray", "--out", str(out), "--run", str(out.with_suffix(""))]
    return [name, *files, "--config", config, "--batch", "8", "--steps", "12", "--checkpoint-every", "4", *more]


def metrics(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out.with_suffix("") / "metrics.jsonl").read_text().splitlines()]


def test_known_pixels_stay_and_the_last_frame_is_the_last_step(exhibit):
    known, ink = top(), drawing()
    frames = list(exhibit.frames(ink, known, samples=3, seed=1))
    assert len(frames) > 1 and frames[-1].step == frames[-1].steps
    assert [frame.step for frame in frames] == sorted({frame.step for frame in frames})
    for frame in frames:
        assert frame.images.shape == (3, 28, 28) and frame.images.dtype == np.uint8 and len(frame.captions) == 3
        assert (frame.images[:, known == 1] == ink[known == 1]).all()
    assert (frames[0].images != frames[-1].images).any()


def test_the_time_of_a_frame_is_without_that_between_frames(exhibit):
    frames, started = exhibit.frames(drawing(), top(), 1, 0), time.perf_counter()
    next(frames)
    time.sleep(0.1)
    *_, last = frames
    assert 0 < last.seconds < time.perf_counter() - started - 0.1


def test_a_sample_depends_on_the_seed_and_its_number_only(exhibit):
    *_, many = exhibit.frames(drawing(), top(), 3, 5)
    *_, one = exhibit.frames(drawing(), top(), 1, 5)
    *_, other = exhibit.frames(drawing(), top(), 1, 6)
    assert np.abs(one.images[0].astype(int) - many.images[0]).max() <= 1  # a rounded rounding error
    assert (one.images != other.images).any()


def test_values_under_unknown_pixels_are_ignored(exhibit):
    known, ink = top(), drawing()
    *_, one = exhibit.frames(ink, known)
    *_, other = exhibit.frames(np.where(known, ink, 255 - ink), known)
    assert (one.images == other.images).all()


def test_captions_name_the_digit_that_the_classifier_reads(exhibit):
    assert {str(caption)[-2] for caption in list(exhibit.frames())[-1].captions} == {"?"}, "without a classifier"
    set_reader(exhibit)
    *_, last = exhibit.frames(drawing(), top(), 4, 0)
    digits = classify(load_digit_classifier(), last.images >= 128)
    assert [caption.params["digit"] for caption in last.captions] == [str(digit) for digit in digits]


def test_requests_that_cannot_be_carried_out_are_refused(exhibit):
    for given, code in (
        ({"drawing": [[0]]}, "wrong_shape"),
        ({"known": np.ones((28, 28))}, "nothing_unknown"),
        ({"samples": 65}, "not_a_whole_number"),
        ({"seed": -1}, "not_a_whole_number"),
    ):
        with pytest.raises(InputError) as caught:
            next(exhibit.frames(**given))
        assert caught.value.code == code


def test_weights_rebuild_the_exhibit(exhibit, tmp_path):
    path = tmp_path / f"{exhibit.name}.safetensors"
    save_weights(exhibit, path, dataset="mnist-gray")
    loaded = load_exhibit(path)
    assert loaded.config == exhibit.config and loaded.read_digits is not None
    (*_, one), (*_, other) = (part.frames(drawing(), top(), 2, 3) for part in (exhibit, loaded))
    assert (one.images == other.images).all()


def test_files_are_checked_like_those_of_models(exhibit, tmp_path):
    path = tmp_path / "a.safetensors"

    def code_of(read) -> str:
        with pytest.raises(WeightsError) as caught:
            read(path)
        return caught.value.code

    save_weights(tiny_model("pixelcnn").float(), path, dataset="x")
    assert code_of(load_exhibit) == "weights_unknown_model"
    save_weights(exhibit, path, dataset="mnist-gray")
    assert code_of(load) == "weights_unknown_model"
    tensors = load_file(path)
    for config, code in (
        ({"height": 30}, "weights_config_field"),
        ({"channels": 10**6}, "weights_config_field"),
        ({"colors": 3}, "weights_unknown_field"),
        ({option.name: exhibit.config.RANGES[option.name][-1] for option in fields(exhibit.config)}, "weights_tensor"),
    ):
        metadata = {"model": exhibit.name, "config": config_of(exhibit) | config}
        save_file(tensors, path, {METADATA_KEY: json.dumps(metadata)})
        assert code_of(load_exhibit) == code
    next(exhibit.parameters()).data.fill_(torch.nan)
    save_weights(exhibit, path, dataset="mnist-gray")
    assert code_of(load_exhibit) == "weights_not_finite"
    path.write_bytes(path.read_bytes()[:-10])
    assert code_of(load_exhibit) == "weights_unreadable"


def test_files_have_at_most_ten_megabytes():
    assert not set(EXHIBITS) & set(MODELS)
    for name in EXHIBITS:
        assert sum(4 * value.numel() for value in build(name).state_dict().values()) < MAX_BYTES


@pytest.mark.parametrize("name", list(EXHIBITS))
def test_sizes_and_names_that_cannot_be_built_are_refused(name):
    with pytest.raises(ValueError, match="Give a whole number: 4, 8"):
        build(name, height=30)
    with pytest.raises(ValueError, match="no exhibit 'nothing'"):
        build("nothing")


@pytest.mark.parametrize(("change", "field"), [({"first_cut": 21}, "last_cut"), ({"last_cut": 28}, "last_cut")])
def test_the_cuts_of_pix2pix_are_rows_of_the_picture(change, field):
    with pytest.raises(ValueError, match=f"{field} of the model is"):
        build("pix2pix", **change)


def test_the_search_of_dcgan_lowers_the_contextual_error_of_every_start():
    """The drawing is a picture that the generator can draw."""
    torch.manual_seed(0)
    exhibit = build("dcgan", latent=6, channels=4, search_steps=60, frame_every=20).eval()
    torch.nn.init.normal_(exhibit.generator[0].weight)
    torch.nn.init.normal_(exhibit.generator[-2].weight)
    with torch.no_grad():
        target = 255 * exhibit.generator(torch.rand(1, 6) - 0.5)[0, 0].numpy()
    first, *_, last = exhibit.frames(target, top(20), 4, 2)
    for before, after in zip(first.captions, last.captions, strict=True):
        assert after.params["error"] < 0.9 * before.params["error"]


def test_tops_for_pix2pix_are_known_from_8_to_20_rows():
    torch.manual_seed(0)
    known = random_tops(torch.zeros(400, 1, 28, 28), build("pix2pix").config)
    rows = known[:, 0, :, 0].sum(1)
    assert rows.min() == 8 and rows.max() == 20 and (known == known[..., :1]).all()
    assert (known[:, 0, :, 0].cummin(1).values == known[:, 0, :, 0]).all()
    drawn, ink = torch.rand(2, 400, 1, 28, 28)
    expected = ((drawn - ink).abs() * (1 - known)).sum() / (1 - known).sum()
    assert unknown_error(torch.lerp(drawn, ink, known), ink, known).item() == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.parametrize("name", list(EXHIBITS))
def test_every_parameter_is_trained_and_by_one_optimizer(name):
    torch.manual_seed(0)
    exhibit = build(name, **TINY[name])
    training = EXHIBITS[name][2](exhibit)
    before = {key: parameter.detach().clone() for key, parameter in exhibit.named_parameters()}
    losses = training.step(torch.rand(6, 1, 28, 28))
    assert all(loss.isfinite() for loss in losses.values())
    for key, parameter in exhibit.named_parameters():
        assert not torch.equal(before[key], parameter), key
    groups = [group for part in training.optimizers.values() for group in part.param_groups]
    owners = [parameter for group in groups for parameter in group["params"]]
    assert len(owners) == len(set(owners)) == len(before)


@pytest.mark.parametrize("name", list(EXHIBITS))
def test_a_stopped_run_resumes_and_ends_with_the_same_weights(name, data, tmp_path):
    whole, stopped = tmp_path / "whole.safetensors", tmp_path / "stopped.safetensors"
    train.main(arguments(name, data, whole))
    train.main(arguments(name, data, stopped, "--steps", "8"))
    train.main(arguments(name, data, stopped))
    one, other = load_file(whole), load_file(stopped)
    assert one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)
    assert [point["step"] for point in metrics(stopped)] == [4, 8, 12]
    assert load_exhibit(whole).name == name
    assert (whole.with_suffix("") / "samples.png").stat().st_size > 1000


def test_a_run_with_numbers_that_are_not_finite_stops_and_keeps_its_checkpoint(data, tmp_path, monkeypatch):
    out = tmp_path / "a.safetensors"
    train.main(arguments("dcgan", data, out, "--steps", "4"))
    checkpoint, weights = out.with_suffix("") / "checkpoint.safetensors", out.read_bytes()
    before = checkpoint.read_bytes()
    monkeypatch.setattr("pixelcnn.exhibits.dcgan.F.softplus", lambda logits: logits * torch.nan)
    with pytest.raises(SystemExit, match="is not finite at step 8"):
        train.main(arguments("dcgan", data, out))
    assert checkpoint.read_bytes() == before and out.read_bytes() == weights


def test_runs_that_cannot_start_say_why(data, tmp_path, capsys):
    out = tmp_path / "a.safetensors"
    for more, message in (
        (["--config", "chanels=3"], "no option 'chanels'; it has height"),
        (["--config", "channels=0"], "channels of the model is 0. Give a whole number: 1 ... 4096"),
        (["--batch", "1000"], "give at most that"),
        (["--dataset", "pens", "--data", str(tmp_path)], "is missing"),
    ):
        with pytest.raises(SystemExit, match=message):
            train.main(arguments("dcgan", data, out, *more))
    train.main(arguments("dcgan", data, out, "--steps", "4"))
    with pytest.raises(SystemExit, match="has batch 8, not 9"):
        train.main(arguments("dcgan", data, out, "--batch", "9"))
    for more in (["--steps", "0"], ["--out", str(tmp_path / "a.bin")]):
        with pytest.raises(SystemExit):
            train.main(arguments("dcgan", data, out, *more))
    assert "give at least 1" in capsys.readouterr().err


def test_training_pictures_are_gray_and_the_same_for_the_same_step(data):
    digits = load_digits("mnist-gray", data, "train")
    options = train.parse(["dcgan", "--data", str(data), "--out", "a.safetensors", "--batch", "8"])
    one, again, other = (train.pictures_at(step, digits, options) for step in (3, 3, 4))
    assert torch.equal(one, again) and not torch.equal(one, other)
    assert one.shape == (8, 1, 28, 28) and one.min() >= 0 and one.max() <= 1 and one.unique().numel() > 10
