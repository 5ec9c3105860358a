"""Wider models that begin as narrower ones."""

import pytest
import torch
from conftest import random_images, tiny_model

from pixelcnn.models import MODELS, build, config_of
from pixelcnn.training.net2net import widen


def wider(model, channels: int):
    return build(model.name, **config_of(model) | {"channels": channels}).double().eval()


def learning(model) -> float:
    """The size of all gradients together."""
    return sum(parameter.grad.square().sum().item() for parameter in model.parameters() if parameter.grad is not None)


@pytest.mark.parametrize("name", [name for name in MODELS if name != "freeform"])
def test_a_wider_model_says_what_the_narrow_one_said_and_learns_with_all_it_has(name):
    narrow = tiny_model(name, 5, 6)
    wide = wider(narrow, narrow.config.channels + 3)
    x = random_images(narrow, 3)
    assert not torch.allclose(narrow(x), wide(x))
    widen(narrow, wide)
    torch.testing.assert_close(wide(x), narrow(x), rtol=1e-12, atol=1e-12)
    for model in (narrow, wide):
        model.nats(x).sum().backward()
    assert learning(wide) > 1.001 * learning(narrow), "what is new has nothing to learn"


@pytest.mark.parametrize("name", MODELS)
def test_one_as_wide_is_a_copy(name):
    first, second = tiny_model(name), wider(tiny_model(name), tiny_model(name).config.channels)
    widen(first, second)
    assert all(torch.equal(old, new) for old, new in zip(first.parameters(), second.parameters(), strict=True))


def test_what_is_no_wider_model_of_the_kind_is_refused():
    pixelcnn = tiny_model("pixelcnn")
    for other in (wider(pixelcnn, 3), tiny_model("row_lstm"), build("pixelcnn", channels=9, blocks=3)):
        with pytest.raises(ValueError, match="or with fewer channels"):
            widen(pixelcnn, other)
    freeform = tiny_model("freeform")
    with pytest.raises(ValueError, match="which a layer norm would mix"):
        widen(freeform, wider(freeform, 6))
