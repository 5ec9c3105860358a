import pytest
import torch
from conftest import random_images, tiny_model
from test_laws import all_images

from pixelcnn import BadInput
from pixelcnn.models import MODELS
from pixelcnn.posterior import mixed_nats, posterior

WITH_CLASSES = [name for name in MODELS if tiny_model(name).classes]


@pytest.mark.parametrize("name", WITH_CLASSES)
@torch.inference_mode()
def test_it_is_bayes_over_all_pictures(name):
    """p(known | digit) by adding up all 512 pictures of 3 x 3, for every number of pixels known."""
    model = tiny_model(name)
    images = all_images(model)
    joint = torch.stack([torch.exp(-model.nats(images, torch.full((512,), digit)).sum((1, 2))) for digit in range(10)])
    (x,) = random_images(model, 1)
    for count in range(10):
        known = (torch.arange(9) < count).view(3, 3)
        same = (images == x)[:, known].all(1)
        expected = joint[:, same].sum(1) / joint[:, same].sum()
        torch.testing.assert_close(posterior(model, x[None], known)[0], expected, atol=1e-10, rtol=0)
        scribbled = torch.where(known, x, 1 - x)
        assert (posterior(model, scribbled[None], known) == posterior(model, x[None], known)).all()


@pytest.mark.parametrize("name", WITH_CLASSES)
@pytest.mark.parametrize("count", [0, 4, 9])
@torch.inference_mode()
def test_with_a_digit_drawn_first_completions_sum_to_one_and_follow_bayes(name, count):
    model = tiny_model(name)
    known = (torch.arange(9) < count).view(3, 3)
    images = all_images(model)
    (x,) = random_images(model, 1)
    images = images[(images == x)[:, known].all(1)]
    said = torch.exp(-mixed_nats(model, images, known))
    assert said.sum().item() == pytest.approx(1, abs=1e-10)
    given = [torch.exp(-model.nats(images, torch.full((len(images),), digit))[:, ~known].sum(1)) for digit in range(10)]
    torch.testing.assert_close(said, posterior(model, x[None], known)[0] @ torch.stack(given), atol=1e-10, rtol=0)


def test_many_pictures_go_together():
    model = tiny_model("gated_pixelcnn", 5, 6)
    x, known = random_images(model, 4), (torch.arange(30) < 14).view(5, 6)
    together = posterior(model, x, known)
    alone = torch.cat([posterior(model, picture[None], known) for picture in x])
    torch.testing.assert_close(together, alone, atol=1e-12, rtol=0)
    assert together.shape == (4, 10) and not torch.allclose(together[0], together[1])


def test_what_cannot_be_told_is_one_sentence():
    known = (torch.arange(9) < 3).view(3, 3)
    with pytest.raises(BadInput, match="pixelcnn knows no digits"):
        posterior(tiny_model("pixelcnn"), torch.zeros(1, 3, 3, dtype=torch.long), known)
    with pytest.raises(BadInput, match="only from known pixels with no unknown one before them"):
        posterior(tiny_model("freeform"), torch.zeros(1, 3, 3, dtype=torch.long), ~known)
    with pytest.raises(BadInput, match="only from known pixels with no unknown one before them"):
        mixed_nats(tiny_model("freeform"), torch.zeros(1, 3, 3, dtype=torch.long), ~known)
