"""The anatomy of a pixel, against the completion that drew it and against differences instead of gradients."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import tiny_model
from model_helpers import WITH_CLASSES

from pixelcnn import ClassChoice, InputError, Request, load, stream
from pixelcnn.analysis.anatomy import pixel_anatomy, predict
from pixelcnn.analysis.receptive_field import receptive_field
from pixelcnn.models import build
from pixelcnn.nn.execution import FullPass
from pixelcnn.nn.layers import mask_a
from pixelcnn.sampling.class_posterior import class_posterior

KNOWN = 8  # pixels


def completed(model, **options):
    """A request, its finished result, and the picture as ink."""
    height, width = model.config.height, model.config.width
    known = (np.arange(height * width) < KNOWN).reshape(height, width)
    request = Request(255 * (np.indices((height, width)).sum(0) % 2), known.astype(int), seed=3, **options)
    *_, result = stream(model, request)
    return request, result, result.images[0] * 255 / (result.levels - 1)


def test_the_anatomy_is_that_of_the_completion(name):
    model = tiny_model(name, 5, 6)
    request, result, ink = completed(model, temperature=0.7, first_sample=2)
    order = result.order.tolist()
    for pixel in (order[0], order[5], order[-1]):
        anatomy = pixel_anatomy(model, request, ink, pixel)
        step = order.index(pixel) + 1
        assert anatomy.level == result.x[0, pixel] and len(anatomy.nats) == step
        np.testing.assert_allclose(anatomy.probabilities[anatomy.level], result.drawn_probs[0, pixel], rtol=1e-6)
        np.testing.assert_allclose(anatomy.nats, result.pixel_nats[0, order[:step]], rtol=1e-6, atol=1e-9)
        below = anatomy.probabilities[: anatomy.level].sum()
        assert below <= anatomy.noise < below + anatomy.probabilities[anatomy.level], "the side on which the number fell"
        assert not anatomy.attribution.ravel()[pixel:].any(), "only earlier pixels have an influence"


def test_attribution_is_the_derivative_towards_the_picture(name):
    """Its sum is the slope of the prediction along the line from the baseline, halfway between paper and ink."""
    model = tiny_model(name, 5, 6)
    request, result, ink = completed(model)
    x, pushed = torch.from_numpy(result.images), False
    middle = (model.embed(torch.zeros_like(x)) + model.embed(torch.ones_like(x))) / 2

    def prediction_at(share: float, pixel: int) -> float:
        params = model.network(middle + share * (model.embed(x) - middle), FullPass())
        return predict(model.distribution, params.flatten(1, 2)[0, pixel]).item()

    for pixel in result.order[-6:].tolist():
        anatomy = pixel_anatomy(model, request, ink, pixel)
        slope = (prediction_at(1 + 1e-5, pixel) - prediction_at(1 - 1e-5, pixel)) / 2e-5
        np.testing.assert_allclose(anatomy.attribution.sum(), slope, rtol=1e-4, atol=1e-7)
        np.testing.assert_allclose(anatomy.prediction, prediction_at(1, pixel), rtol=1e-9)
        pushed |= anatomy.attribution.any()
    assert pushed == (name != "independent")


@pytest.mark.parametrize("model_name", WITH_CLASSES)
def test_the_digit_is_the_one_that_was_sampled_and_its_probability_that_of_bayes_rule(model_name):
    model = tiny_model(model_name, 5, 6)
    request, result, ink = completed(model, digit=ClassChoice.SAMPLED)
    anatomy = pixel_anatomy(model, request, ink, int(result.order[-1]))
    assert anatomy.digit == result.digits[0]
    known = torch.from_numpy(request.known == 1)
    posterior = class_posterior(model, torch.from_numpy(result.images), known)[0]
    np.testing.assert_allclose(np.exp(-anatomy.digit_nats), posterior[anatomy.digit], rtol=1e-6)
    np.testing.assert_allclose(anatomy.nats.sum(), result.nats[0], rtol=1e-6)
    given = pixel_anatomy(model, replace(request, digit=anatomy.digit), ink, int(result.order[-1]))
    assert given.digit_nats == anatomy.digit_nats and given.prediction == anatomy.prediction


def test_a_known_pixel_and_hints_are_explained_without_a_digit():
    model = load("freeform")
    known = np.ones((28, 28), int)
    known[12:16] = 0
    ink = np.zeros((28, 28))
    ink[4:24, 13:15] = 255
    anatomy = pixel_anatomy(model, Request(ink, known, digit=1), ink, 12 * 28 + 13)
    assert anatomy.digit == 1 and anatomy.digit_nats is None and len(anatomy.nats) == 14
    assert anatomy.attribution[20:].any(), "known pixels after it push, too"
    assert len(pixel_anatomy(model, Request(ink, known), ink, 5 * 28).nats) == 0


def test_gray_levels_have_an_expected_level():
    model = load("pixelcnn_pp")
    known = np.repeat(np.arange(28) < 14, 28).reshape(28, 28).astype(int)
    anatomy = pixel_anatomy(model, Request(None, known), np.zeros((28, 28)), 14 * 28 + 13)
    assert anatomy.probabilities.shape == (256,)
    np.testing.assert_allclose(anatomy.prediction, anatomy.probabilities @ np.arange(256), rtol=1e-6)


def test_the_neighborhood_is_what_the_first_layers_read():
    assert set(load("pixelcnn").neighborhood) == set(mask_a(7)) == set(load("freeform").neighborhood)
    assert load("independent").neighborhood == ()
    for name in ("row_lstm", "diagonal_bilstm"):
        assert set(load(name).neighborhood) == set(mask_a(7))
    gated = build("gated_pixelcnn", height=10, width=11, channels=4, layers=1).double().eval()
    reached = receptive_field(gated, torch.randint(2, (8, 10, 11)), 6 * 11 + 5).nonzero()
    assert gated.neighborhood == tuple((row - 6, column - 5) for row, column in reached.tolist())
    assert load("pixelcnn_pp").neighborhood[0] == (-2, -1)


@pytest.mark.parametrize("pixel", [784, -1, "x", None])
def test_what_is_not_a_pixel_is_an_input_error(pixel):
    with pytest.raises(InputError) as caught:
        pixel_anatomy(load("pixelcnn"), Request(), np.zeros((28, 28)), pixel)
    assert caught.value.code == "not_a_whole_number"
