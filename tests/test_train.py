"""Training on the sample: it learns, it goes on where it was killed, and what it writes can be loaded."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import torch
from gradio_client import Client
from loopback_hub import Hub, running
from PIL import Image
from safetensors.torch import load_file

import train
from benchmarks import visitors
from pixelcnn import load
from pixelcnn.posterior import course

ROOT = Path(__file__).parent.parent
SMALL = ["--steps", "40", "--batch", "8", "--every", "8", "--shift", "1", "--config", "channels=4,blocks=1,head=4"]


def line(data: Path | str, out: Path, *more: str, model: str = "pixelcnn") -> list[str]:
    """What is typed after `python train.py`."""
    where = ["--data", str(data), "--out", str(out), "--run", str(out.with_suffix(""))]
    return [model, *where, "--device", "cpu", "--threads", "1", *SMALL, *more]


def command(data: Path | str, out: Path, *more: str) -> list[str]:
    """The same in a process of its own, for what needs one: it is killed, or reads its environment when it starts."""
    return [sys.executable, "train.py", *line(data, out, *more)]


def metrics(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out.with_suffix("") / "metrics.jsonl").read_text().splitlines()]


def test_a_killed_run_goes_on_to_the_same_end(data, tmp_path, capsys):
    straight, broken = tmp_path / "straight.safetensors", tmp_path / "broken.safetensors"
    train.main(line(data, straight))
    bar = capsys.readouterr().err
    assert "images/s" in bar and "nats" in bar, "a progress bar with nats and images per second"

    run = subprocess.Popen(command(data, broken), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    checkpoint = broken.with_suffix("") / "checkpoint.safetensors"
    while not checkpoint.exists() and run.poll() is None:
        time.sleep(0.01)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    assert not broken.exists(), "killed before the end"
    (checkpoint.parent / "checkpoint.part").write_bytes(b"half a checkpoint")  # as a kill in mid-write leaves it
    train.main(line(data, broken))

    one, other = load_file(straight), load_file(broken)
    assert all((one[name] == other[name]).all() for name in one)
    curve = metrics(straight)
    assert [point["step"] for point in curve] == [8, 16, 24, 32, 40] and curve[-1]["valid_nats"] < curve[0]["valid_nats"]
    assert metrics(broken)[-1]["valid_nats"] == curve[-1]["valid_nats"]
    assert (straight.with_suffix("") / "samples.png").stat().st_size > 1000
    assert load(straight).config.channels == 4


@pytest.fixture
def alone(data, tmp_path):
    """The curve of one process, batch after batch."""
    out = tmp_path / "alone.safetensors"
    train.main(line(data, out))
    assert (out.with_suffix("") / "curve.png").stat().st_size > 5000
    return metrics(out)


def close(curve: list[dict], other: list[dict]) -> bool:
    pairs = list(zip(curve, other, strict=True))
    return all(abs(one[name] - two[name]) < 0.01 * one[name] for one, two in pairs for name in ("train_nats", "valid_nats"))


@pytest.mark.long
def test_two_processes_learn_what_one_learns(data, tmp_path, alone):
    """With gloo, on this machine; each takes half of every batch."""
    out = tmp_path / "two.safetensors"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone", "--"]
    env = os.environ | {"OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1"}
    run = subprocess.run([*torchrun, *command(data, out)[1:]], cwd=ROOT, env=env, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    assert close(alone, metrics(out)), (alone, metrics(out))
    assert load(out).config.channels == 4


def test_a_part_of_the_model_that_is_never_asked_does_not_stop_the_run(data, tmp_path):
    """With nothing told, freeform's encoder has no gradient; checkpoints and what goes on from them do without."""
    out = tmp_path / "free.safetensors"
    config = "channels=4,blocks=1,head=4,given=3"
    for steps in ("8", "16"):
        train.main(line(data, out, "--told", "0", "--config", config, "--steps", steps, model="freeform"))
    assert metrics(out)[-1]["step"] == 16
    encoder = tmp_path / "encoder.safetensors"
    train.main(line(data, encoder, "--told", "0", "--config", config, "--only", "given.convs", model="freeform"))
    assert metrics(encoder)[-1]["step"] == 40


def test_a_share_of_the_pictures_has_its_digit(data, tmp_path):
    digits = train.load_digits("mnist-threshold", data, "train", (28, 28))
    shares = []
    for share in ("0", "0.25", "1"):
        options = train.parse(line(data, tmp_path / "a.safetensors", "--labelled", share, model="gated_pixelcnn"))
        batches = [train.batch_at(step, digits, options)[1] for step in range(40)]
        shares.append((torch.cat(batches) >= 0).double().mean().item())
    assert shares[0] == 0 and 0.15 < shares[1] < 0.35 and shares[2] == 1, shares


def test_a_batch_in_pieces_is_the_batch(data, tmp_path, alone):
    out = tmp_path / "pieces.safetensors"
    train.main(line(data, out, "--accumulate", "4"))
    assert close(alone, metrics(out)), (alone, metrics(out))


def png(number: int) -> bytes:
    """A doodle: a stroke, each time a little further to the right."""
    pixels, file = np.full((90, 70), 250, np.uint8), io.BytesIO()
    pixels[20:60, 10 + 3 * number : 20 + 3 * number] = 5
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.mark.long
@pytest.mark.parametrize("side", [16, 64])
def test_from_pictures_of_any_kind_to_the_page_in_one_line(tmp_path, side, caplog):
    """A folder of doodles, a model of its own size, and the page and the endpoints that show it."""
    folder = tmp_path / "doodles"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number}.png").write_bytes(png(number))
    (folder / "broken.png").write_bytes(b"no picture")
    out = tmp_path / "mine.safetensors"
    config = f"channels=4,blocks=1,head=4,height={side},width={side}"
    train.main(line(folder, out, "--steps", "2", "--batch", "4", "--config", config))
    assert "skipped" in caplog.text and "broken.png" in caplog.text
    with visitors.server("--weights", str(out)) as page:
        client = Client(page, verbose=False)
        half = [[int(row < side // 2)] * side for row in range(side)]
        answer = client.predict(drawing=[[0] * side] * side, known=half, samples=2, api_name="/complete")
        assert np.shape(answer["images"]) == (2, side, side) and answer["model"] == "mine"
        assert len(answer["order"]) == side * side // 2


@pytest.mark.long
def test_training_goes_on_from_the_weights_of_another_run(data, tmp_path):
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    train.main(line(data, first, "--lr", "2e-2"))
    wider = ["--config", "channels=6,blocks=1,head=4"]
    for more in ([], wider):
        train.main(line(data, second, "--steps", "8", "--init", str(first), *more))
        assert metrics(second)[0]["valid_nats"] < metrics(first)[-1]["valid_nats"] + 5 < metrics(first)[0]["valid_nats"]
        second = tmp_path / "wider.safetensors"


@pytest.mark.long
def test_a_run_may_drop_more_or_less_than_the_one_it_begins_with(data, tmp_path):
    small = "channels=4,blocks=1,scales=1,mixtures=2,dropout_percent="
    nats = []
    for name, more in (("a", []), ("b", ["--init", str(tmp_path / "a.safetensors"), "--lr", "0"])):
        out = tmp_path / f"{name}.safetensors"
        more += ["--dataset", "mnist-gray", "--config", small + ("30" if name == "a" else "0"), "--steps", "8"]
        train.main(line(data, out, *more, model="pixelcnn_pp"))
        nats.append(metrics(out)[-1]["valid_nats"])
    assert nats[0] == nats[1] and load(out).config.dropout_percent == 0


@pytest.mark.long
def test_a_run_ends_by_the_clock(data, tmp_path):
    """Its rate comes down with the time that is left, and its weights are written as ever."""
    out = tmp_path / "a.safetensors"
    train.main(line(data, out, "--steps", "1000000", "--every", "1000000", "--minutes", "0.05"))
    (last,) = metrics(out)
    assert last["lr"] == 0 and last["seconds"] >= 3 and load(out).name == "pixelcnn"
    options = train.parse(line(data, out, "--steps", "1000", "--minutes", "10", "--descent", "0.5", "--lr", "1"))
    rates = [train.learning_rate(step, options, minutes) for step, minutes in ((200, 0), (200, 7.5), (900, 0), (900, 11))]
    assert rates == pytest.approx([1, 0.5, 0.2, 0])


@pytest.mark.long
def test_pictures_of_a_hub_data_set(tmp_path):
    """Over HTTP from a Hub on this machine; once they are cached, also when it is silent."""
    images = [{"bytes": png(number), "path": f"{number}.png"} for number in range(12)]
    images[3] = {"bytes": b"no picture", "path": "broken.png"}
    pyarrow.parquet.write_table(pyarrow.table({"image": images, "label": list(range(12))}), tmp_path / "train-0.parquet")
    hub, out = Hub({"data/train-0.parquet": (tmp_path / "train-0.parquet").read_bytes()}), tmp_path / "mine.safetensors"
    first = command("user/digits", out, "--steps", "2", "--batch", "4")
    with running(hub) as address:
        env = os.environ | {"HF_ENDPOINT": address, "HF_HUB_CACHE": str(tmp_path / "cache"), "HF_HUB_OFFLINE": ""}
        run = subprocess.run(first, cwd=ROOT, env=env, capture_output=True, text=True)
    assert run.returncode == 0 and "skipped train-0.parquet, row 3" in run.stderr, run.stderr[-2000:]
    assert load(out).config.height == 28
    again = command("user/digits", tmp_path / "again.safetensors", "--steps", "2", "--batch", "4")
    run = subprocess.run(again, cwd=ROOT, env=env | {"HF_HUB_OFFLINE": "1"}, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    missing = command("user/nothing", tmp_path / "nothing.safetensors")
    run = subprocess.run(missing, cwd=ROOT, env=env | {"HF_HUB_OFFLINE": "1"}, capture_output=True, text=True)
    assert run.returncode != 0 and "user/nothing could not be had" in run.stderr and "Traceback" not in run.stderr


@pytest.mark.long
def test_weight_decay_shrinks_weights_and_leaves_biases(data, tmp_path):
    """At a decay of 20 and a rate that begins to rise, twenty steps are enough to see it."""
    for name, decay in (("free", "0"), ("held", "20")):
        train.main(line(data, tmp_path / f"{name}.safetensors", "--steps", "20", "--lr", "1e-2", "--weight-decay", decay))
    free, held = (load_file(tmp_path / name / "checkpoint.safetensors") for name in ("free", "held"))
    size = {name: (held[name].norm() / free[name].norm()).item() for name in free if name.startswith("model.")}
    assert size["model.blocks.0.conv.weight"] < 0.9 < size["model.blocks.0.conv.bias"]


def test_digits_are_told_apart_by_the_posterior_itself(data, tmp_path):
    """What is added to the loss is -ln of `course` for the right digit, the mean over how many pixels are known."""
    small = ["--config", "channels=4,blocks=2,attend_every=2,dim=2,given=3,head=4", "--tell-apart", "2", "--batch", "32"]
    options = train.parse(line(data, tmp_path / "a.safetensors", *small, "--steps", "3", model="freeform"))
    trainer, x = train.Trainer(options), torch.randint(2, (3, 28, 28), generator=torch.Generator().manual_seed(0))
    digits = torch.tensor([7, 2, 2])
    said = course(trainer.model, x[:2])[torch.arange(2), 1:, digits[:2]]  # of a batch of 32, two
    assert trainer.confusion(x, digits).item() == pytest.approx(-said.log().mean().item(), rel=0.01)
    alone, both = (loss_moves(trainer, x, digits, weight) for weight in (0.0, 2.0))
    assert not torch.allclose(alone, both), "nothing comes of it"
    train.main(line(data, tmp_path / "b.safetensors", *small, "--steps", "3", model="freeform"))


def test_only_what_is_named_is_trained(data, tmp_path):
    """So that digits can be learned better and pictures without one stay exactly as likely."""
    small = ["--config", "channels=4,blocks=2,attend_every=2,dim=2,given=3,head=4", "--steps", "3"]
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    train.main(line(data, first, *small, model="freeform"))
    more = ["--only", "digit", "--labelled", "1", "--tell-apart", "1", "--tell-apart-share", "0.5"]
    train.main(line(data, second, *small, *more, "--weight-decay", "0", "--init", str(first), model="freeform"))
    before, after = load_file(first), load_file(second)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"blocks.0.digit.weight", "blocks.1.digit.weight"}
    for name in changed:
        assert torch.equal(before[name][-1], after[name][-1]), "what is added where no digit is asked for"


def loss_moves(trainer: train.Trainer, x: torch.Tensor, digits: torch.Tensor, weight: float) -> torch.Tensor:
    """The gradient of what the first block knows of digits."""
    trainer.options.tell_apart = weight
    trainer.model.zero_grad()
    trainer.backward(x, digits, None, len(x))
    return trainer.model.blocks[0].digit.weight.grad.clone()


def refusal(*arguments: str, capsys) -> str:
    """The sentence that a command line ends with."""
    with pytest.raises(SystemExit) as end:
        train.main(list(arguments))
    assert end.value.code not in (0, None)
    return f"{end.value.code} {capsys.readouterr().err}"


def test_a_checkpoint_of_another_run_is_not_gone_on_with(data, tmp_path, capsys):
    out = tmp_path / "a.safetensors"
    train.main(line(data, out))
    assert "has seed 0, not 3" in refusal(*line(data, out, "--seed", "3"), capsys=capsys)
    (out.with_suffix("") / "checkpoint.safetensors").write_bytes(b"half")
    assert "not a whole checkpoint" in refusal(*line(data, out), capsys=capsys)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--data", "/nowhere"], "There is no folder /nowhere; give one, or a Hub data set"),
        (["--accumulate", "3"], "give a multiple of 3"),
        (["--init", "weights/pixelcnn.safetensors"], "or with fewer channels"),
        (["--init", "weights/nothing.safetensors"], "There are no weights at"),
        (["--only", "nothing"], "no weight of pixelcnn has that in its name; give e.g."),
        (["--tell-apart-share", "0"], "give more than 0 and at most 1"),
        (["--config", "chanels=3"], "has no option 'chanels'; it has height, width, channels"),
        (["--dataset", "mnist-gray"], "pixelcnn has 2 levels and the data set 256"),
        (["--config", "height=20", "--dataset", "binarized-mnist"], "make it of that size, or take other data"),
        (["--batch", "5000"], "there are 100 pictures"),
        (["--every", "0"], "give at least 1"),
        (["--shift", "-1"], "give 0 or more"),
        (["--config", "channels=0"], "channels is 0; give at least 1"),
        (["--run", "/dev/null/run"], "Not a directory"),
        (["--out", "weights/mine.bin"], "ends in .safetensors"),
        (["--config", "channels=many"], "channels is 'many'; give a whole number"),
    ],
)
def test_what_cannot_be_trained_is_one_sentence(data, tmp_path, capsys, more, says):
    assert says in refusal(*line(data, tmp_path / "a.safetensors", *more), capsys=capsys)


def test_sizes_that_cannot_be_halved_are_one_sentence(data, tmp_path, capsys):
    odd = ["--dataset", "mnist-gray", "--config", "height=30"]
    arguments = line(data, tmp_path / "a.safetensors", *odd, model="pixelcnn_pp")
    assert "widths that 4 divides, not 30 x 28" in refusal(*arguments, capsys=capsys)
