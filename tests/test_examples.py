"""The examples: that the page draws them at one tap, and that they are what they are said to be."""

import json
import re
from pathlib import Path

import pytest
import torch
from playwright.sync_api import expect

from docs import examples
from pixelcnn import load
from pixelcnn.posterior import posterior

EXAMPLES = json.loads(re.search(r"EXAMPLES = (\[.*\]);", examples.FILE.read_text("utf-8"), re.S)[1].replace(",\n]", "\n]"))


def bits(example: dict) -> torch.Tensor:
    rows = [[int(bit) for bit in f"{int(row, 16):028b}"] for row in example["bits"]]
    return torch.tensor(rows + [[0] * 28] * (28 - example["rows"]))


def test_there_are_halves_that_could_be_either_and_tops_of_several_digits():
    named = [tuple(example["digits"]) for example in EXAMPLES]
    assert {(3, 8), (4, 9), (1, 7), (5, 6)} <= set(named)
    assert len({digits for digits in named if len(digits) == 1}) >= 4 and len(set(named)) == len(named)


@pytest.mark.long
def test_each_half_is_as_doubtful_as_it_is_said_to_be():
    model = load("freeform")
    for example in EXAMPLES:
        known = (torch.arange(28) < example["rows"])[:, None].expand(28, 28)
        (told,) = posterior(model, bits(example)[None], known)
        likely = told[example["digits"]]
        if len(likely) == 2:
            assert set(told.topk(2).indices.tolist()) == set(example["digits"]), (example["digits"], told)
            assert likely.min() > 0.2, (example["digits"], told)
        else:
            assert likely > examples.SURE, (example["digits"], told)


@pytest.mark.long
def test_the_command_writes_what_the_page_reads(data, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(examples, "PAIRS", {(4, 9): (14, 2)})
    monkeypatch.setattr(examples, "TOPS", (2,))
    out = Path(tmp_path) / "examples-data.js"
    examples.main(["--data", str(data), "--most", "2", "--out", str(out)])
    assert "4 or 9" in capsys.readouterr().out
    text = out.read_text()
    assert text.startswith("// Halves of real test digits") and '{"digits": [4, 9], "rows": 14, "bits": ["' in text


@pytest.mark.browser
def test_one_tap_puts_an_example_on_the_easel_and_completes_it(opened):
    opened.stroke((4, 4), (4, 12))
    before = opened.pixels()
    opened.panel("examples")
    either = next(example for example in EXAMPLES if example["digits"] == [3, 8])
    opened.page.get_by_role("button", name="could be 3 or 8").click()
    opened.finish()
    shown = opened.pixels()
    top = "".join("y" if bit else " " for bit in bits(either).flatten().tolist())
    assert shown[:392] == top[:392] and "." not in shown and "m" in shown
    assert opened.page.locator(".tile").count() == 4, "several, so that they can disagree"
    opened.page.get_by_role("button", name="Undo").click()
    assert opened.pixels() == before


@pytest.mark.long
@pytest.mark.browser
def test_the_empty_canvas_and_every_button_has_a_picture_and_a_name(opened):
    opened.panel("examples")
    buttons = opened.page.locator(".example")
    assert buttons.count() == len(EXAMPLES) + 1 >= 9
    names = {button.get_attribute("aria-label") for button in buttons.all()}
    assert len(names) == buttons.count()
    opened.page.get_by_role("button", name="empty canvas").click()
    opened.finish()
    assert "y" not in opened.pixels() and "." not in opened.pixels()
    expect(opened.page.locator(".cut")).to_have_attribute("aria-valuenow", "0")
