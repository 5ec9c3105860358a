"""The examples panel, the ambiguity of the examples, and the command that chooses them."""

import json
import re

import pytest
import torch
from browser import text
from playwright.sync_api import expect

from pixelcnn import load
from pixelcnn.sampling.class_posterior import class_posterior
from scripts import choose_examples

SOURCE = choose_examples.FILE.read_text("utf-8")
EXAMPLES = json.loads(re.search(r"EXAMPLES = (\[.*\]);", SOURCE, re.S)[1].replace(",\n]", "\n]"))


def levels(example: dict) -> torch.Tensor:
    """The picture of an example, 0 or 1 (28, 28); its unknown rows are 0."""
    rows = [[int(bit) for bit in f"{int(row, 16):028b}"] for row in example["bits"]]
    return torch.tensor(rows + [[0] * 28] * (28 - example["rows"]))


def test_there_are_ambiguous_halves_and_tops_of_several_digits():
    digits = [tuple(example["digits"]) for example in EXAMPLES]
    assert {(3, 8), (4, 9), (1, 7), (5, 6)} <= set(digits)
    assert len({each for each in digits if len(each) == 1}) >= 4 and len(set(digits)) == len(digits)


@pytest.mark.long
def test_the_posterior_of_each_example_fits_its_digits():
    model = load("freeform")
    for example in EXAMPLES:
        known = (torch.arange(28) < example["rows"])[:, None].expand(28, 28)
        (posterior,) = class_posterior(model, levels(example)[None], known)
        named = posterior[example["digits"]]
        if len(named) == 2:
            assert set(posterior.topk(2).indices.tolist()) == set(example["digits"]), (example["digits"], posterior)
            assert named.min() > 0.2, (example["digits"], posterior)
        else:
            assert named > choose_examples.SURE, (example["digits"], posterior)


@pytest.mark.long
def test_the_command_writes_a_module_for_the_page(data, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(choose_examples, "PAIRS", {(4, 9): (14, 2)})
    monkeypatch.setattr(choose_examples, "TOPS", (2,))
    out = tmp_path / "examples-data.js"
    choose_examples.main(["--data", str(data), "--most", "2", "--out", str(out)])
    assert "4 or 9" in capsys.readouterr().out
    source = out.read_text()
    assert source.startswith(choose_examples.HEAD) and '{"digits": [4, 9], "rows": 14, "bits": ["' in source


def test_the_pages_examples_have_the_commands_header():
    assert SOURCE.startswith(choose_examples.HEAD)


@pytest.mark.browser
def test_a_click_on_an_example_replaces_the_drawing_and_completes_it(app_page):
    app_page.stroke((4, 4), (4, 12))
    before = app_page.pixels()
    app_page.open_panel("examples")
    ambiguous = next(example for example in EXAMPLES if example["digits"] == [3, 8])
    label = text("examples.ambiguous_label", one=3, other=8)
    app_page.locator("#panel-examples").get_by_role("button", name=label).click()
    app_page.finish()
    shown = app_page.pixels()
    top = "".join("k" if level else " " for level in levels(ambiguous).flatten().tolist())
    assert shown[:392] == top[:392] and "." not in shown and "m" in shown
    assert app_page.locator(".tile").count() == 4, "several completions, which can differ"
    app_page.page.get_by_role("button", name=text("canvas.undo")).click()
    assert app_page.pixels() == before


@pytest.mark.long
@pytest.mark.browser
def test_every_example_has_a_name_of_its_own_and_the_empty_canvas_is_sampled_completely(app_page):
    app_page.open_panel("examples")
    buttons = app_page.locator("#panel-examples .example")
    assert buttons.count() == len(EXAMPLES) + 1 >= 9
    names = {button.get_attribute("aria-label") for button in buttons.all()}
    assert len(names) == buttons.count()
    app_page.page.get_by_role("button", name=text("examples.empty_label")).click()
    app_page.finish()
    assert "k" not in app_page.pixels() and "." not in app_page.pixels()
    expect(app_page.locator(".cut")).to_have_attribute("aria-valuenow", "0")
