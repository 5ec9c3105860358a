"""Runs that fail: numbers that are not finite, full disks, damaged files; what was written before stays."""

import json
import resource
import stat

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from training_command import arguments, error_of, metrics

import train
from pixelcnn import load
from pixelcnn.atomic import delete_temporaries, write_atomically
from pixelcnn.training.loss import TrainingLoss
from pixelcnn.training.trainer import Trainer

SHORT = ["--steps", "16"]


def break_at(monkeypatch, step: int, what: str) -> None:
    """Make the loss, a gradient or a weight infinite in one training step, counted from 1."""
    train_step, call = Trainer.train_step, TrainingLoss.__call__

    def broken_loss(loss, *inputs):
        value, nats = call(loss, *inputs)
        return (value * torch.nan, nats * torch.nan) if what == "loss" else (value * torch.inf, nats)

    def broken_step(trainer, batch):
        is_broken = trainer.step + 1 == step
        with pytest.MonkeyPatch.context() as patch:
            if is_broken and what != "weight":
                patch.setattr(TrainingLoss, "__call__", broken_loss)
            nats = train_step(trainer, batch)
        if is_broken and what == "weight":
            trainer.trained[0].data.view(-1)[0] = torch.inf
        return nats

    monkeypatch.setattr(Trainer, "train_step", broken_step)


@pytest.mark.parametrize(
    ("what", "step", "message"),
    [
        ("loss", 13, "the loss of step 13 is not finite"),
        ("gradient", 13, "the gradient of step 13 is not finite"),
        ("weight", 16, "the tensor model.first.weight of step 16 is not finite"),
    ],
)
def test_numbers_that_are_not_finite_stop_the_run_and_keep_its_files(
    data, tmp_path, capsys, monkeypatch, what, step, message
):
    out = tmp_path / "a.safetensors"
    train.main(arguments(data, out, "--steps", "8"))
    checkpoint = out.with_suffix("") / "checkpoint.safetensors"
    before = [path.read_bytes() for path in (out, checkpoint)]
    with monkeypatch.context() as patch:
        break_at(patch, step, what)
        status, printed = error_of(arguments(data, out, *SHORT), capsys)
    assert status == 1 and message in printed and "lower --lr than 0.002" in printed
    assert [path.read_bytes() for path in (out, checkpoint)] == before
    assert [point["step"] for point in metrics(out)] == [8]
    train.main(arguments(data, out, *SHORT))
    assert [point["step"] for point in metrics(out)] == [8, 16]


def test_a_learning_rate_that_is_much_too_high_writes_nothing_that_is_not_finite(data, tmp_path, capsys):
    out = tmp_path / "a.safetensors"
    status, printed = error_of(arguments(data, out, "--lr", "1e30"), capsys)
    assert status == 1 and "is not finite" in printed and not out.exists()
    for path in out.with_suffix("").glob("checkpoint*"):
        assert all(tensor.isfinite().all() for tensor in load_file(path).values())
    if (out.with_suffix("") / "metrics.jsonl").exists():
        assert all(np.isfinite(list(point.values())).all() for point in metrics(out))


def test_blank_pictures_train_pixelcnn_pp_with_finite_gradients(tmp_path):
    """Log-scales of mixture components that do not matter then grow to 100, where a bin has no width in float32."""
    folder, out = tmp_path / "blank", tmp_path / "a.safetensors"
    folder.mkdir()
    (folder / "train-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03\0\0\0\x0c\0\0\0\x08\0\0\0\x08" + bytes(12 * 64))
    (folder / "train-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01\0\0\0\x0c" + bytes(12))
    config = "channels=8,blocks=1,scales=1,mixtures=5,dropout_percent=0,height=8,width=8"
    short = ["--steps", "120", "--lr-decay-frac", "0", "--shift", "0", "--checkpoint-every", "120", "--config", config]
    train.main(arguments(folder, out, *short, model="pixelcnn_pp"))
    assert metrics(out)[-1]["valid_nats"] < 1 and load(out).name == "pixelcnn_pp"


def test_a_full_disk_is_one_sentence_and_keeps_the_checkpoint(data, tmp_path, capsys, monkeypatch):
    """A limit on the size of files stands for the disk; metrics are small enough to be written, the checkpoint is not."""
    out = tmp_path / "a.safetensors"
    train.main(arguments(data, out, "--steps", "8"))
    checkpoint = out.with_suffix("") / "checkpoint.safetensors"
    before = checkpoint.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, hard))
    try:
        status, printed = error_of(arguments(data, out, *SHORT), capsys)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert status == 1 and "checkpoint.safetensors cannot be written" in printed and "Free disk space" in printed
    assert checkpoint.read_bytes() == before and not list(checkpoint.parent.glob("*.part"))
    assert [point["step"] for point in metrics(out)] == [8, 16], "metrics are written before the checkpoint"
    train.main(arguments(data, out, *SHORT))
    assert [point["step"] for point in metrics(out)] == [8, 16], "the line after the checkpoint is replaced"


def test_a_damaged_line_of_the_metrics_is_skipped_with_a_warning(data, tmp_path, caplog):
    out = tmp_path / "a.safetensors"
    train.main(arguments(data, out, *SHORT))
    path = out.with_suffix("") / "metrics.jsonl"
    path.write_text(path.read_text() + '{"step": 24, "train_na')
    train.main(arguments(data, out, "--steps", "24"))
    assert "skipped line 3" in caplog.text
    assert [point["step"] for point in metrics(out)] == [8, 16, 24]


def test_missing_metrics_are_no_error_on_resume(data, tmp_path):
    out = tmp_path / "a.safetensors"
    train.main(arguments(data, out, *SHORT))
    path = out.with_suffix("") / "metrics.jsonl"
    path.unlink()
    out.unlink()
    train.main(arguments(data, out, *SHORT))  # nothing is left to do, so there are no metrics
    assert out.exists() and not path.exists()
    train.main(arguments(data, out, "--steps", "24"))
    assert [point["step"] for point in metrics(out)] == [24]


def test_files_have_the_mode_of_the_umask_and_stale_temporary_files_are_deleted_at_the_start(data, tmp_path):
    out = tmp_path / "a.safetensors"
    folder = out.with_suffix("")
    folder.mkdir()
    (tmp_path / "other.safetensors.1.part").write_bytes(b"of another run")
    for stale in (folder / "checkpoint.safetensors.1.part", folder / "checkpoint.part", tmp_path / "a.safetensors.1.part"):
        stale.write_bytes(b"half")
    train.main(arguments(data, out, *SHORT))
    assert [path.name for path in tmp_path.rglob("*.part")] == ["other.safetensors.1.part"]
    (tmp_path / "plain").touch()
    expected = stat.S_IMODE((tmp_path / "plain").stat().st_mode)
    for path in (out, *folder.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == expected, path


def test_an_atomic_write_that_fails_keeps_the_old_content(tmp_path):
    path = tmp_path / "file.json"
    write_atomically(path, lambda temporary: temporary.write_text(json.dumps([1])))

    def fail(temporary):
        temporary.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, fail)
    assert json.loads(path.read_text()) == [1] and [found.name for found in tmp_path.iterdir()] == ["file.json"]
    (tmp_path / "file.json.7.part").touch()
    (tmp_path / "another.7.part").touch()
    delete_temporaries(tmp_path, "file.json")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["another.7.part", "file.json"]
    delete_temporaries(tmp_path)
    assert [found.name for found in tmp_path.iterdir()] == ["file.json"]
