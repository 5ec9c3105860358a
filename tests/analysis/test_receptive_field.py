"""Receptive fields by gradients, against those that the papers describe."""

import pytest
import torch
from conftest import random_images, tiny_model
from model_helpers import expected_receptive_fields
from PIL import Image

from pixelcnn.analysis.receptive_field import receptive_field
from pixelcnn.models import MODELS
from scripts import draw_receptive_fields


@pytest.mark.parametrize("pixel", [0, 8, 27])
def test_the_gradient_reaches_exactly_the_receptive_field_of_the_paper(name, pixel):
    model = tiny_model(name, 5, 6)
    reached = receptive_field(model, random_images(model, 12), pixel).flatten() > 0
    assert (reached == expected_receptive_fields(model)[pixel]).all()


def test_parameters_get_no_gradient():
    model = tiny_model("pixelcnn", 5, 6)
    with torch.inference_mode(False):
        receptive_field(model, random_images(model, 2), 8)
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.long
def test_the_script_draws_a_picture_for_every_model(data, tmp_path):
    draw_receptive_fields.main(["--data", str(data), "--out", str(tmp_path)])
    pictures = {path.stem: Image.open(path) for path in tmp_path.glob("*.png")}
    assert set(pictures) == set(MODELS)
    row, column = draw_receptive_fields.PIXEL
    for picture in pictures.values():
        assert picture.size == (224, 224)
        assert picture.getpixel((column * 8, row * 8)) == (217, 72, 15), "the pixel itself is marked"
        assert picture.getpixel((223, 223)) == (250, 248, 243), "pixels outside the receptive field are paper"
