"""Class posteriors and mixtures over classes, against Bayes' rule over all pictures of a tiny model."""

import pytest
import torch
from conftest import random_images, tiny_model
from model_helpers import WITH_CLASSES, all_images

from pixelcnn import InputError
from pixelcnn.sampling.class_posterior import class_posterior, class_posterior_by_prefix, mixture_nll


@pytest.mark.parametrize("name", WITH_CLASSES)
@torch.inference_mode()
def test_the_posterior_follows_bayes_rule_over_all_pictures(name):
    """p(known | digit) as the sum over all 512 pictures of 3 x 3, for every number of known pixels."""
    model = tiny_model(name)
    images = all_images(model)
    joint = torch.stack([torch.exp(-model.nats(images, torch.full((512,), digit)).sum((1, 2))) for digit in range(10)])
    (x,) = random_images(model, 1)
    by_prefix = class_posterior_by_prefix(model, x[None])
    for count in range(10):
        known = (torch.arange(9) < count).view(3, 3)
        same = (images == x)[:, known].all(1)
        expected = joint[:, same].sum(1) / joint[:, same].sum()
        torch.testing.assert_close(class_posterior(model, x[None], known)[0], expected, atol=1e-10, rtol=0)
        torch.testing.assert_close(by_prefix[0, count], expected, atol=1e-10, rtol=0)
        inverted_after = torch.where(known, x, 1 - x)
        assert (class_posterior(model, inverted_after[None], known) == class_posterior(model, x[None], known)).all()


@pytest.mark.parametrize("name", WITH_CLASSES)
@pytest.mark.parametrize("count", [0, 4, 9])
@torch.inference_mode()
def test_the_mixture_over_classes_sums_to_one_over_completions_and_follows_bayes_rule(name, count):
    model = tiny_model(name)
    known = (torch.arange(9) < count).view(3, 3)
    images = all_images(model)
    (x,) = random_images(model, 1)
    images = images[(images == x)[:, known].all(1)]
    mixture = torch.exp(-mixture_nll(model, images, known))
    assert mixture.sum().item() == pytest.approx(1, abs=1e-10)
    per_class = [torch.exp(-model.nats(images, torch.full((len(images),), digit))[:, ~known].sum(1)) for digit in range(10)]
    expected = class_posterior(model, x[None], known)[0] @ torch.stack(per_class)
    torch.testing.assert_close(mixture, expected, atol=1e-10, rtol=0)


def test_pictures_in_a_batch_are_independent():
    model = tiny_model("gated_pixelcnn", 5, 6)
    x, known = random_images(model, 4), (torch.arange(30) < 14).view(5, 6)
    together = class_posterior(model, x, known)
    alone = torch.cat([class_posterior(model, picture[None], known) for picture in x])
    torch.testing.assert_close(together, alone, atol=1e-12, rtol=0)
    assert together.shape == (4, 10) and not torch.allclose(together[0], together[1])


@pytest.mark.parametrize("function", [class_posterior, mixture_nll])
def test_models_without_classes_and_masks_that_are_no_prefix_are_refused(function):
    known, x = (torch.arange(9) < 3).view(3, 3), torch.zeros(1, 3, 3, dtype=torch.long)
    for name, mask, code in (("pixelcnn", known, "no_class_posterior"), ("freeform", ~known, "posterior_needs_prefix")):
        with pytest.raises(InputError) as caught:
            function(tiny_model(name), x, mask)
        assert caught.value.code == code and caught.value.params == {"model": name}
