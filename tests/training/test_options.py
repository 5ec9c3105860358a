"""Command lines that cannot be run end with one sentence, before the first step."""

import pytest
from training_command import arguments, error_of

import train


@pytest.mark.parametrize("value", [["0.5"], []])
@pytest.mark.parametrize("old", list(train.RENAMED))
def test_a_renamed_flag_names_the_new_one(data, tmp_path, capsys, old, value):
    status, message = error_of(arguments(data, tmp_path / "a.safetensors", old, *value), capsys)
    assert status == 2 and f"{old} is now called {train.RENAMED[old]}; give {train.RENAMED[old]}" in message


def test_the_new_names_are_options(data, tmp_path):
    line = arguments(data, tmp_path / "a.safetensors")
    for new in train.RENAMED.values():
        line += [new, "1"]
    options = train.parse(line)
    assert options.hint_prob == options.label_prob == options.lr_decay_frac == options.ema_decay == 1
    assert options.class_loss_weight == options.class_loss_frac == options.checkpoint_every == 1


@pytest.mark.parametrize(
    ("flag", "values", "expected"),
    [
        ("--lr", ["0", "-1", "nan", "inf"], "give a number above 0"),
        ("--lr-decay-frac", ["-0.1", "1.1", "nan"], "give a number from 0 to 1"),
        ("--ema-decay", ["-0.1", "1.1", "nan"], "give a number from 0 to 1"),
        ("--hint-prob", ["-0.1", "1.1", "nan"], "give a probability from 0 to 1"),
        ("--label-prob", ["-0.1", "1.1", "nan"], "give a probability from 0 to 1"),
        ("--class-loss-weight", ["-1", "nan", "inf"], "give 0 or more"),
        ("--class-loss-frac", ["0", "1.5", "nan"], "give a number above 0 and at most 1"),
        ("--weight-decay", ["-1", "nan", "inf"], "give 0 or more"),
        ("--minutes", ["-1", "nan", "inf"], "give 0 or more"),
        ("--steps", ["0"], "give at least 1"),
        ("--batch", ["0"], "give at least 1"),
        ("--accumulate", ["0"], "give at least 1"),
        ("--checkpoint-every", ["0"], "give at least 1"),
        ("--shift", ["-1"], "give at least 0"),
        ("--seed", ["-1"], "give at least 0"),
        ("--threads", ["-1"], "give at least 0"),
        ("--workers", ["-1"], "give at least 0"),
    ],
)
def test_an_option_out_of_range_is_refused(data, tmp_path, capsys, flag, values, expected):
    for value in values:
        status, message = error_of(arguments(data, tmp_path / "a.safetensors", f"{flag}={value}"), capsys)
        assert status == 2 and f"{flag} is " in message and expected in message, message
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["--data", "/nowhere"], "There is no folder /nowhere; give one, or a Hub data set"),
        (["--accumulate", "3"], "give a multiple of 3"),
        (["--init", "weights/pixelcnn.safetensors"], "or with fewer channels"),
        (["--init", "weights/nothing.safetensors"], "There is no weights file"),
        (["--only", "nothing"], "no parameter has that in its name; one is first.weight"),
        (["--config", "chanels=3"], "has no option 'chanels'; it has height, width, channels"),
        (["--dataset", "mnist-gray"], "pixelcnn has 2 levels and mnist-gray has 256"),
        (["--config", "height=20", "--dataset", "binarized-mnist"], "the pictures have 28 x 28"),
        (["--batch", "5000"], "there are 100 pictures"),
        (["--config", "channels=0"], "channels of the model is 0. Give a whole number: 1 ... 4096."),
        (["--config", "channels=many"], "channels is 'many'; give a whole number"),
        (["--run", "/dev/null/run"], "/dev/null/run cannot be written"),
        (["--out", "/dev/null/a.safetensors"], "/dev/null cannot be written"),
        (["--out", "weights/mine.bin"], "ends in .safetensors"),
    ],
)
def test_options_that_cannot_be_used_are_refused(data, tmp_path, capsys, more, expected):
    status, message = error_of(arguments(data, tmp_path / "a.safetensors", *more), capsys)
    assert status in (1, 2) and expected in message, message


def test_a_folder_as_the_weights_file_is_refused(data, tmp_path, capsys):
    (tmp_path / "a.safetensors").mkdir()
    assert "which is a folder; give a file" in error_of(arguments(data, tmp_path / "a.safetensors"), capsys)[1]


def test_sizes_that_cannot_be_halved_are_refused(data, tmp_path, capsys):
    odd = ["--dataset", "mnist-gray", "--config", "height=30"]
    given = arguments(data, tmp_path / "a.safetensors", *odd, model="pixelcnn_pp")
    assert "height of the model is 30. Give a whole number: 4, 8 ... 256." in error_of(given, capsys)[1]


def test_one_cpu_thread_is_the_default(data, tmp_path, capsys):
    assert train.parse(arguments(data, tmp_path / "a.safetensors")).threads == 1
    with pytest.raises(SystemExit):
        train.main(["--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "CPU threads of a process" in printed and "many times slower" in printed
