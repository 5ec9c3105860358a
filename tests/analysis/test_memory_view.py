"""The view of a memory: the numbers of the real model, and nothing for models without a memory."""

import numpy as np
import pytest
import torch
from conftest import tiny_model

from pixelcnn import InputError
from pixelcnn.analysis.memory_view import DNCView, FastWeightsView, memory_view
from pixelcnn.models import MODELS, dnc, fast_weights

INK = np.random.default_rng(1).integers(0, 256, (5, 6))
LEVELS = torch.from_numpy((INK >= 128).astype(np.int64))


def test_fast_weights_are_those_of_the_model():
    model = tiny_model("fast_weights", 5, 6)
    view, expected = memory_view(model, INK), fast_weights.view_memory(model, LEVELS)
    assert isinstance(view, FastWeightsView)
    assert (view.attention == expected.attention.numpy()).all() and view.attention.any()
    for row in range(5):
        np.testing.assert_allclose(view.matrix(row, 2), expected.matrix(row, 2).detach().numpy(), atol=1e-12)
    assert view.matrix(4, 2).any()


def test_the_attention_explains_what_is_recalled():
    """A h_0 is the sum of the states above, weighted by the attention, for the h_0 that gave the attention."""
    view = memory_view(tiny_model("fast_weights", 5, 6), INK)
    above, attention = view.hidden[:4, 3], view.attention[4, 3, :4]
    h = np.linalg.lstsq(above * (view.rate * view.decay ** np.arange(3, -1, -1))[:, None], attention, rcond=None)[0]
    np.testing.assert_allclose(view.matrix(4, 3) @ h, attention @ above, atol=1e-9)


def test_weights_of_the_dnc_are_those_of_the_model():
    model = tiny_model("dnc", 5, 6)
    view, state = memory_view(model, INK), dnc.view_memory(model, LEVELS)
    assert isinstance(view, DNCView) and view.write.shape == (5, 6, 3) and view.read.shape == (5, 6, 2, 3)
    assert (view.write == state.write_weights.numpy()).all() and (view.read == state.read_weights.numpy()).all()


@pytest.mark.parametrize("name", ["fast_weights", "dnc"])
def test_what_a_row_shows_depends_on_the_rows_before_it_only(name):
    model, changed = tiny_model(name, 5, 6), INK.copy()
    changed[3] = 255 - changed[3]
    fields = [vars(memory_view(model, picture)) for picture in (INK, changed)]
    for key in set(fields[0]) - {"decay", "rate"}:
        one, other = (each[key] for each in fields)
        assert (one[:4] == other[:4]).all() and (one[4] != other[4]).any(), key


@pytest.mark.parametrize("name", sorted(set(MODELS) - {"fast_weights", "dnc"}))
def test_a_model_without_a_memory_has_no_view(name):
    with pytest.raises(InputError) as caught:
        memory_view(tiny_model(name, 6, 6), np.zeros((6, 6)))
    assert caught.value.code == "no_memory" and caught.value.params == {"model": name}
