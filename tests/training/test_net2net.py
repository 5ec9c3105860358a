"""A widened model computes the same function as the narrow one and trains all its parameters."""

import pytest
import torch
from conftest import random_images, tiny_model
from torch import nn

from pixelcnn.models import MODELS, build, config_of
from pixelcnn.training.net2net import widen

WITH_CHANNELS = [name for name in MODELS if name != "independent"]


def wider(model, channels: int):
    return build(model.name, **config_of(model) | {"channels": channels}).double().eval()


def has_layer_norm(model) -> bool:
    return any(isinstance(module, nn.LayerNorm) for module in model.modules())


def squared_gradient_norm(model) -> float:
    return sum(parameter.grad.square().sum().item() for parameter in model.parameters() if parameter.grad is not None)


@pytest.mark.parametrize("name", [name for name in WITH_CHANNELS if not has_layer_norm(tiny_model(name))])
def test_a_widened_model_computes_the_same_function_and_has_larger_gradients(name):
    narrow = tiny_model(name, 5, 6)
    wide = wider(narrow, narrow.config.channels + 3)
    x = random_images(narrow, 3)
    assert not torch.allclose(narrow(x), wide(x))
    widen(narrow, wide)
    torch.testing.assert_close(wide(x), narrow(x), rtol=1e-12, atol=1e-12)
    for model in (narrow, wide):
        model.nats(x).sum().backward()
    assert squared_gradient_norm(wide) > 1.001 * squared_gradient_norm(narrow), "new weights have no gradient"


@pytest.mark.parametrize("name", WITH_CHANNELS)
def test_a_model_of_equal_width_is_a_copy(name):
    first, second = tiny_model(name), wider(tiny_model(name), tiny_model(name).config.channels)
    widen(first, second)
    expected = {key: value for key, value in first.state_dict().items() if value.is_floating_point()}
    assert all(torch.equal(value, second.state_dict()[key]) for key, value in expected.items())


def test_a_model_without_channels_is_copied():
    first, second = tiny_model("independent"), tiny_model("independent")
    first.pixels.logits.data.normal_()
    widen(first, second)
    assert torch.equal(first.pixels.logits, second.pixels.logits)


def test_other_models_and_layer_norms_are_refused():
    pixelcnn = tiny_model("pixelcnn")
    for other in (wider(pixelcnn, 3), tiny_model("row_lstm"), build("pixelcnn", channels=9, blocks=3)):
        with pytest.raises(ValueError, match="or with fewer channels"):
            widen(pixelcnn, other)
    freeform = tiny_model("freeform")
    with pytest.raises(ValueError, match="has layer norms and cannot be widened"):
        widen(freeform, wider(freeform, 6))
