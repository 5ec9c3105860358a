"""Training runs on the sample of MNIST: they learn, resume exactly, and write weights that can be loaded."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import torch
from gradio_client import Client
from loopback_hub import Hub, running
from PIL import Image
from safetensors.torch import load_file
from training_command import FREEFORM, arguments, command, error_of, metrics

import train
from benchmarks import clients
from pixelcnn import load
from pixelcnn.data import load_digits
from pixelcnn.sampling.class_posterior import class_posterior_by_prefix
from pixelcnn.training.batches import batch_at
from pixelcnn.training.loss import TrainingLoss
from pixelcnn.training.schedule import learning_rate
from pixelcnn.training.trainer import Trainer

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_killed_run_resumes_and_ends_with_the_same_weights(data, tmp_path, capsys, optimizer):
    whole, killed = tmp_path / "whole.safetensors", tmp_path / "killed.safetensors"
    train.main(arguments(data, whole, "--optimizer", optimizer))
    bar = capsys.readouterr().err
    assert "images/s" in bar and "nats" in bar

    line = command(data, killed, "--optimizer", optimizer)
    process = subprocess.Popen(line, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    checkpoint = killed.with_suffix("") / "checkpoint.safetensors"
    while not checkpoint.exists() and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not killed.exists(), "the run ended before it was killed"
    (checkpoint.parent / "checkpoint.safetensors.1.part").write_bytes(b"half a checkpoint")
    train.main(arguments(data, killed, "--optimizer", optimizer))

    one, other = load_file(whole), load_file(killed)
    assert all((one[name] == other[name]).all() for name in one)
    curve = metrics(whole)
    assert [point["step"] for point in curve] == [8, 16, 24, 32, 40] and curve[-1]["valid_nats"] < curve[0]["valid_nats"]
    assert [(point["step"], point["valid_nats"]) for point in metrics(killed)] == [
        (point["step"], point["valid_nats"]) for point in curve
    ]
    assert not list(checkpoint.parent.glob("*.part")), "temporary files of the killed run are deleted"
    assert (whole.with_suffix("") / "samples.png").stat().st_size > 1000
    assert load(whole).config.channels == 4


@pytest.fixture
def alone(data, tmp_path):
    """The metrics of one process that takes each batch as a whole."""
    out = tmp_path / "alone.safetensors"
    train.main(arguments(data, out))
    assert (out.with_suffix("") / "curve.png").stat().st_size > 5000
    return metrics(out)


def close(curve: list[dict], other: list[dict]) -> bool:
    pairs = list(zip(curve, other, strict=True))
    return all(abs(one[name] - two[name]) < 0.01 * one[name] for one, two in pairs for name in ("train_nats", "valid_nats"))


def run_two_processes(line: list[str]) -> None:
    """A command line in two processes, with gloo."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone", "--"]
    env = os.environ | {"OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1"}
    run = subprocess.run([*torchrun, *line[1:]], cwd=ROOT, env=env, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]


@pytest.mark.long
def test_two_processes_learn_the_same_as_one(data, tmp_path, alone):
    out = tmp_path / "two.safetensors"
    run_two_processes(command(data, out))
    assert close(alone, metrics(out)), (alone, metrics(out))
    assert load(out).config.channels == 4


@pytest.mark.long
def test_two_processes_normalize_over_the_whole_batch(data, tmp_path):
    """Muon amplifies rounding, so the weights of few steps with AdamW are compared."""
    options = ["--config", "channels=4,blocks=2,head=4,batch_norm=1", "--steps", "6", "--batch", "8", "--lr", "1e-4"]
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    train.main(arguments(data, one, *options))
    run_two_processes(command(data, two, *options))
    first, second = (load_file(path.with_suffix("") / "checkpoint.safetensors") for path in (one, two))
    assert first.keys() == second.keys()
    for name in first:
        if name.startswith("model."):
            torch.testing.assert_close(first[name], second[name], atol=1e-4, rtol=1e-3, msg=name)


@pytest.mark.long
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_parameters_without_a_gradient_are_not_changed_in_one_process_or_two(data, tmp_path, optimizer):
    """Few batches have hints, and only their encoder is trained; weight decay is high, so that it would show."""
    short = [
        "--config",
        "channels=4,blocks=2,attend_every=2,dim=2,given=3,head=4",
        "--only",
        "given",
        "--hint-prob",
        "0.05",
    ]
    short += ["--steps", "30", "--batch", "4", "--weight-decay", "100", "--lr", "1e-3", "--optimizer", optimizer]
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    train.main(arguments(data, one, *short, model="freeform"))
    run_two_processes(command(data, two, *short, model="freeform"))
    first, second = (load_file(path.with_suffix("") / "checkpoint.safetensors") for path in (one, two))
    steps = {name: value.item() for name, value in first.items() if name.startswith("adam.step.")}
    assert first.keys() == second.keys()
    assert all(0 < count < 30 for count in steps.values()), "some batches have hints and some have none"
    assert steps == {name: second[name].item() for name in steps}
    for name in first:
        if name.startswith("model."):
            torch.testing.assert_close(first[name], second[name], atol=2e-3, rtol=0)


def test_a_run_without_hints_trains_and_resumes(data, tmp_path):
    """The encoder of freeform's hints then has no gradient and no optimizer state."""
    out = tmp_path / "free.safetensors"
    config = "channels=4,blocks=1,head=4,given=3"
    for steps in ("8", "16"):
        train.main(arguments(data, out, "--hint-prob", "0", "--config", config, "--steps", steps, model="freeform"))
    assert metrics(out)[-1]["step"] == 16
    encoder = tmp_path / "encoder.safetensors"
    train.main(arguments(data, encoder, "--hint-prob", "0", "--config", config, "--only", "given.convs", model="freeform"))
    assert metrics(encoder)[-1]["step"] == 40


def test_label_prob_is_the_fraction_of_pictures_with_a_label(data, tmp_path):
    digits = load_digits("mnist-threshold", data, "train")
    fractions = []
    for prob in ("0", "0.25", "1"):
        options = train.parse(arguments(data, tmp_path / "a.safetensors", "--label-prob", prob, model="gated_pixelcnn"))
        labels = [batch_at(step, digits, options).labels for step in range(40)]
        fractions.append((torch.cat(labels) >= 0).double().mean().item())
    assert fractions[0] == 0 and 0.15 < fractions[1] < 0.35 and fractions[2] == 1, fractions


def test_a_batch_in_pieces_gives_the_same_gradients(data, tmp_path, alone):
    out = tmp_path / "pieces.safetensors"
    train.main(arguments(data, out, "--accumulate", "4"))
    assert close(alone, metrics(out)), (alone, metrics(out))


def png(number: int) -> bytes:
    """A stroke, further to the right for higher numbers."""
    pixels, file = np.full((90, 70), 250, np.uint8), io.BytesIO()
    pixels[20:60, 10 + 3 * number : 20 + 3 * number] = 5
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.mark.long
@pytest.mark.parametrize("side", [16, 64])
def test_a_model_of_any_pictures_and_size_works_on_the_page(tmp_path, side, caplog):
    """A folder of pictures, a model of another size, and the page and the endpoints with its weights."""
    folder = tmp_path / "doodles"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number}.png").write_bytes(png(number))
    (folder / "broken.png").write_bytes(b"no picture")
    out = tmp_path / "mine.safetensors"
    config = f"channels=4,blocks=1,head=4,height={side},width={side}"
    train.main(arguments(folder, out, "--steps", "2", "--batch", "4", "--config", config))
    assert "skipped" in caplog.text and "broken.png" in caplog.text
    with clients.server("--weights", str(out)) as page:
        client = Client(page, verbose=False)
        half = [[int(row < side // 2)] * side for row in range(side)]
        answer = client.predict(drawing=[[0] * side] * side, known=half, samples=2, api_name="/complete")
        assert np.shape(answer["images"]) == (2, side, side) and answer["model"] == "mine"
        assert len(answer["order"]) == side * side // 2


@pytest.mark.long
def test_init_starts_from_the_weights_of_another_run(data, tmp_path):
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    train.main(arguments(data, first, "--lr", "2e-2"))
    wider = ["--config", "channels=6,blocks=1,head=4"]
    for more in ([], wider):
        train.main(arguments(data, second, "--steps", "8", "--init", str(first), *more))
        assert metrics(second)[0]["valid_nats"] < metrics(first)[-1]["valid_nats"] + 5 < metrics(first)[0]["valid_nats"]
        second = tmp_path / "wider.safetensors"


@pytest.mark.long
def test_dropout_may_differ_from_that_of_the_initial_weights(data, tmp_path):
    small = "channels=4,blocks=1,scales=1,mixtures=2,dropout_percent="
    nats = []
    for name, more in (("a", []), ("b", ["--init", str(tmp_path / "a.safetensors"), "--lr", "1e-30"])):
        out = tmp_path / f"{name}.safetensors"
        more += ["--dataset", "mnist-gray", "--config", small + ("30" if name == "a" else "0"), "--steps", "8"]
        train.main(arguments(data, out, *more, model="pixelcnn_pp"))
        nats.append(metrics(out)[-1]["valid_nats"])
    assert nats[0] == nats[1] and load(out).config.dropout_percent == 0


@pytest.mark.parametrize("steps", [[], ["--steps", "1000000"]])
def test_a_run_ends_after_the_minutes(data, tmp_path, steps, capsys):
    """The learning rate falls with the remaining time, the bar shows the time, and the weights are written."""
    out = tmp_path / "a.safetensors"
    line = arguments(data, out, "--checkpoint-every", "1000000", "--minutes", "0.05")
    del line[line.index("--steps") : line.index("--steps") + 2]
    train.main([*line, *steps])
    (last,) = metrics(out)
    assert last["lr"] == 0 and last["seconds"] >= 3 and load(out).name == "pixelcnn"
    bar = capsys.readouterr().err
    assert " of 0.05 min" in bar and "1000000000" not in bar and ("/1000000 " in bar) == bool(steps)


def test_the_learning_rate_falls_with_steps_and_minutes(data, tmp_path):
    more = ["--steps", "1000", "--minutes", "10", "--lr-decay-frac", "0.5", "--lr", "1"]
    options = train.parse(arguments(data, tmp_path / "a.safetensors", *more))
    rates = [learning_rate(step, options, minutes) for step, minutes in ((200, 0), (200, 7.5), (900, 0), (900, 11))]
    assert rates == pytest.approx([1, 0.5, 0.2, 0])


@pytest.mark.long
def test_pictures_of_a_hub_data_set(tmp_path):
    """Over HTTP from a Hub on this machine; without a connection from the cache."""
    images = [{"bytes": png(number), "path": f"{number}.png"} for number in range(12)]
    images[3] = {"bytes": b"no picture", "path": "broken.png"}
    pyarrow.parquet.write_table(pyarrow.table({"image": images, "label": list(range(12))}), tmp_path / "train-0.parquet")
    hub, out = Hub({"data/train-0.parquet": (tmp_path / "train-0.parquet").read_bytes()}), tmp_path / "mine.safetensors"
    first = command("user/digits", out, "--steps", "2", "--batch", "4")
    with running(hub) as address:
        env = os.environ | {"HF_ENDPOINT": address, "HF_HUB_CACHE": str(tmp_path / "cache"), "HF_HUB_OFFLINE": ""}
        run = subprocess.run(first, cwd=ROOT, env=env, capture_output=True, text=True)
    assert run.returncode == 0 and run.stderr.count("train-0.parquet, row 3: it is not a picture") == 1, run.stderr[-2000:]
    assert load(out).config.height == 28
    again = command("user/digits", tmp_path / "again.safetensors", "--steps", "2", "--batch", "4")
    run = subprocess.run(again, cwd=ROOT, env=env | {"HF_HUB_OFFLINE": "1"}, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    missing = command("user/nothing", tmp_path / "nothing.safetensors")
    run = subprocess.run(missing, cwd=ROOT, env=env | {"HF_HUB_OFFLINE": "1"}, capture_output=True, text=True)
    assert run.returncode == 1 and "user/nothing cannot be downloaded" in run.stderr and "Traceback" not in run.stderr


def test_class_loss_is_the_negative_log_of_the_class_posterior(data, tmp_path):
    """Added to the loss: -ln `class_posterior_by_prefix` of the right class, the mean over the numbers of known pixels."""
    small = [*FREEFORM, "--class-loss-weight", "2", "--batch", "32", "--steps", "3"]
    trainer = Trainer(train.parse(arguments(data, tmp_path / "a.safetensors", *small, model="freeform")))
    x = torch.randint(2, (3, 28, 28), generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([7, 2, 2])
    posterior = class_posterior_by_prefix(trainer.model, x[:2])[torch.arange(2), 1:, labels[:2]]  # 1/16 of 32 pictures
    expected = 2 * 3 / 32 * -posterior.log().mean()  # the weight, and this piece's part of the batch
    total, nats = trainer.loss(x, labels, None)
    assert (total - nats).item() == pytest.approx(expected.item(), rel=0.01)
    hints = torch.zeros(3, 28, 28, dtype=torch.bool)
    hints[0, 20] = True  # the first picture has hints, so the others take part
    others = class_posterior_by_prefix(trainer.model, x[1:])[torch.arange(2), 1:, labels[1:]]
    total, nats = trainer.loss(x, labels, hints)
    assert (total - nats).item() == pytest.approx(2 * 3 / 32 * -others.log().mean().item(), rel=0.01)
    hints[1:, 20] = True  # every picture has hints, so there is no class loss
    total, nats = trainer.loss(x, labels, hints)
    assert total == nats
    without = Trainer(
        train.parse(arguments(data, tmp_path / "a.safetensors", *FREEFORM, "--batch", "32", model="freeform"))
    )
    first, second = (class_gradient(trainer.loss, x, labels) for trainer in (without, trainer))
    assert not torch.allclose(first, second)
    train.main(arguments(data, tmp_path / "b.safetensors", *small, model="freeform"))


def class_gradient(loss: TrainingLoss, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The gradient of the class bias of the first block."""
    loss.model.zero_grad()
    loss(x, labels, None)[0].backward()
    return loss.model.blocks[0].digit.weight.grad


@pytest.mark.long
def test_only_trains_the_named_parameters(data, tmp_path):
    """The bias of no class, which is last, does not change if every picture has a class."""
    small = [*FREEFORM, "--steps", "3"]
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    train.main(arguments(data, first, *small, model="freeform"))
    more = ["--only", "digit", "--label-prob", "1", "--class-loss-weight", "1", "--class-loss-frac", "0.5"]
    train.main(arguments(data, second, *small, *more, "--weight-decay", "0", "--init", str(first), model="freeform"))
    before, after = load_file(first), load_file(second)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"blocks.0.digit.weight", "blocks.1.digit.weight"}
    for name in changed:
        assert torch.equal(before[name][-1], after[name][-1])
    third = tmp_path / "third.safetensors"
    train.main(arguments(data, third, *small, "--only", "head.5,attention", "--init", str(first), model="freeform"))
    after = load_file(third)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert {name.split(".")[0] for name in changed} == {"attention", "head"} and "head.1.weight" not in changed


@pytest.mark.long
def test_weight_decay_shrinks_weights_and_not_biases(data, tmp_path):
    """With a decay of 20, twenty steps of the warm-up are enough to see it."""
    for name, decay in (("free", "0"), ("decayed", "20")):
        out = tmp_path / f"{name}.safetensors"
        train.main(arguments(data, out, "--steps", "20", "--lr", "1e-2", "--weight-decay", decay))
    free, decayed = (load_file(tmp_path / name / "checkpoint.safetensors") for name in ("free", "decayed"))
    size = {name: (decayed[name].norm() / free[name].norm()).item() for name in free if name.startswith("model.")}
    assert size["model.blocks.0.conv.weight"] < 0.9 < size["model.blocks.0.conv.bias"]


def test_a_checkpoint_of_another_run_is_refused(data, tmp_path, capsys):
    out = tmp_path / "a.safetensors"
    train.main(arguments(data, out))
    assert "has seed 0, not 3" in error_of(arguments(data, out, "--seed", "3"), capsys)[1]
    assert "has optimizer adamw, not muon" in error_of(arguments(data, out, "--optimizer", "muon"), capsys)[1]
    (out.with_suffix("") / "checkpoint.safetensors").write_bytes(b"half")
    assert "not a complete checkpoint" in error_of(arguments(data, out), capsys)[1]


def test_a_checkpoint_of_other_pictures_is_refused(tmp_path, capsys):
    """Of as many other pictures, and of more pictures."""
    out = tmp_path / "a.safetensors"
    for folder, numbers in (("some", range(12)), ("others", range(1, 13)), ("more", range(18))):
        (tmp_path / folder).mkdir()
        for number in numbers:
            (tmp_path / folder / f"{number:02}.png").write_bytes(png(number))
    short = ["--steps", "2", "--batch", "4"]
    train.main(arguments(tmp_path / "some", out, *short))
    train.main(arguments(tmp_path / "some", out, *short, "--steps", "4"))
    for folder in ("others", "more"):
        status, message = error_of(arguments(tmp_path / folder, out, *short, "--steps", "6"), capsys)
        assert status == 1 and "was trained on 10 other pictures; give the same --data again" in message
