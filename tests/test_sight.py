import pytest
import torch
from conftest import random_images, tiny_model
from test_laws import what_it_claims_to_see

from docs import models as pictures
from pixelcnn.models import MODELS
from pixelcnn.sight import sight


@pytest.mark.parametrize("pixel", [0, 8, 27])
def test_the_gradient_reaches_what_the_paper_says_and_nothing_else(name, pixel):
    model = tiny_model(name, 5, 6)
    seen = sight(model, random_images(model, 12), pixel).flatten() > 0
    assert (seen == what_it_claims_to_see(model)[pixel]).all()


def test_a_gradient_leaves_nothing_behind():
    model = tiny_model("pixelcnn", 5, 6)
    with torch.inference_mode(False):
        sight(model, random_images(model, 2), 8)
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.long
def test_a_picture_for_every_model(data, tmp_path):
    pictures.main(["--data", str(data), "--out", str(tmp_path)])
    assert {path.stem for path in tmp_path.glob("*.png")} == set(MODELS)
    blind = pictures.picture(torch.eye(28).numpy(), 3, 4)
    assert blind.size == (224, 224) and blind.getpixel((4 * 8, 3 * 8)) == (217, 72, 15)
