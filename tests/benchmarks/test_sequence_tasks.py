"""The sequence tasks of the papers: their sequences, and short runs of every cell."""

import json
from argparse import Namespace

import numpy as np
import pytest
import torch

from benchmarks import associative_retrieval, copy_task
from benchmarks.sequence_tasks import fit

TASKS = {associative_retrieval: ["fast_weights", "lstm", "irnn"], copy_task: ["dnc", "lstm"]}


@pytest.fixture(autouse=True)
def few_sequences(monkeypatch):
    monkeypatch.setattr(associative_retrieval, "SPLITS", {"train": 300, "valid": 100, "test": 200})
    monkeypatch.setattr(copy_task, "LENGTHS", (2, 4))
    monkeypatch.setattr(copy_task, "MAX_LENGTH", 3)
    monkeypatch.setattr(copy_task, "TEST_BATCH", 5)


def test_the_answer_of_a_retrieval_is_the_digit_after_the_letter():
    x, answers = associative_retrieval.sequences("train")
    assert x.shape == (300, 11) and x.max() == 36
    for row, answer in zip(x.tolist(), answers.tolist(), strict=True):
        letters, digits = row[:8:2], row[1:8:2]
        assert len(set(letters)) == 4 and max(letters) < 26 and row[8:10] == [36, 36]
        assert digits[letters.index(row[10])] - 26 == answer
    again, _ = associative_retrieval.sequences("train")
    other, _ = associative_retrieval.sequences("test")
    assert torch.equal(x, again) and not torch.equal(x[:200], other)


def test_a_copier_sees_the_bits_and_then_only_the_mark():
    x, bits = copy_task.sequences(3, 5, np.random.default_rng(0))
    assert x.shape == (5, 7, 9) and torch.equal(x[:, :3, :8], bits) and not x[:, :3, 8].any()
    assert (x[:, 3, 8] == 1).all() and not x[:, 4:].any() and not x[:, 3, :8].any()


@pytest.mark.parametrize(("task", "cell"), [(task, cell) for task, cells in TASKS.items() for cell in cells])
def test_a_cell_is_trained_saved_and_evaluated(task, cell, tmp_path, capsys):
    folder = ["--folder", str(tmp_path)]
    task.main(["train", cell, *folder, "--hidden", "5", "--steps", "6", "--every", "3", "--batch", "4"])
    task.main(["evaluate", *folder])
    (result,) = json.loads(capsys.readouterr().out.splitlines()[-1])["results"]
    assert result["cell"] == cell and result["hidden"] == 5 and result["steps"] == 6
    if task is copy_task:
        assert list(result["wrong_bits"]) == ["2", "4"]
    else:
        assert 50 < result["error_percent"] <= 100


@pytest.mark.parametrize("task", TASKS)
def test_a_folder_without_weights_says_what_to_do(task, tmp_path):
    with pytest.raises(SystemExit, match="no weights in"):
        task.main(["evaluate", "--folder", str(tmp_path)])


def test_a_loss_that_is_not_finite_ends_the_run():
    model = torch.nn.Linear(1, 1)
    options = Namespace(steps=3, every=1, lr=1e-3)
    with pytest.raises(SystemExit, match="step 1 is not finite"):
        fit(model, lambda: model(torch.full((1, 1), torch.inf)).sum(), lambda: 0.0, options, 1.0)


def test_every_parameter_of_the_cells_is_trained():
    for model, x in (
        *((associative_retrieval.Retrieval(cell, 6), torch.randint(37, (4, 11))) for cell in associative_retrieval.CELLS),
        *((copy_task.Copier(cell, 6), torch.rand(4, 7, 9)) for cell in ("dnc", "lstm")),
    ):
        model(x).square().sum().backward()
        assert all(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())
