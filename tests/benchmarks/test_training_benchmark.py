import json

import pytest

from benchmarks import training

TINY = {"pixelcnn": "channels=4,blocks=1,head=4"}


def test_speed_is_that_of_the_steps_alone_and_the_ratio_is_to_the_other_checkout(monkeypatch, tmp_path, capsys):
    def seconds(checkout, model, steps, folder):
        return 7.0 + steps * (0.5 if checkout == training.ROOT else 2.0)  # 7 s are not steps

    monkeypatch.setattr(training, "training_seconds", seconds)
    monkeypatch.setattr(training, "MODELS", TINY)
    monkeypatch.setattr(training, "product_rate", lambda: training.BATCH * training.operations_per_image("pixelcnn"))
    (tmp_path / "train.py").touch()
    training.main(["--checkout", str(tmp_path), "--json", str(tmp_path / "speed.json")])
    (row,) = json.loads((tmp_path / "speed.json").read_text())["results"]
    assert (row["images_per_s"], row["other_images_per_s"], row["ratio"]) == (64.0, 16.0, 4.0)
    assert row["share"] == 2.0  # two batches per second
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["results"] == [row]


def test_a_step_takes_three_times_the_operations_of_a_full_pass(monkeypatch):
    """Forward, and backward for the input and for the weights; the first layer needs no gradient for its input."""
    monkeypatch.setattr(training, "MODELS", TINY)
    network = training.build("pixelcnn", channels=4, blocks=1, head=4).eval()
    with training.torch.no_grad(), training.FlopCounterMode(display=False) as counter:
        network(training.torch.zeros(1, 28, 28, dtype=training.torch.long))
    forward = counter.get_total_flops()
    assert 2 * forward < training.operations_per_image("pixelcnn") < 3 * forward


def test_an_unknown_model_and_a_folder_without_train_py_are_refused(tmp_path, capsys):
    for arguments, problem in (["--models", "unet"], "--models has unet"), (["--checkout", str(tmp_path)], "no train.py"):
        with pytest.raises(SystemExit):
            training.main(arguments)
        assert problem in capsys.readouterr().err


@pytest.mark.long
def test_training_is_timed(monkeypatch, capsys):
    monkeypatch.setattr(training, "MODELS", TINY)
    monkeypatch.setattr(training, "TURNS", 1)
    training.main(["--steps", "30"])
    (row,) = json.loads(capsys.readouterr().out.splitlines()[-1])["results"]
    assert row["images_per_s"] > 0
    assert 0 < row["share"] < 1
