"""Guesses: what they may cost and what they must leave alone. That pictures do not depend on them, the laws hold."""

import numpy as np
import pytest
from conftest import tiny_model

from pixelcnn import Request
from pixelcnn.batch import Batch
from pixelcnn.forecast import ALONE, Forecast
from pixelcnn.sampler import windowed
from pixelcnn.trace import prepare


def forecast(picture: np.ndarray, unknown: np.ndarray, noise: float, temperature: float = 1.0) -> Forecast:
    noises = np.full(picture.size, noise)
    return Forecast(picture.ravel(), unknown.ravel(), noises, temperature, picture.shape[1])


def test_known_pixels_are_guessed_as_they_are():
    picture = np.eye(4, dtype=int)
    for noise in (0.0, 0.999999):
        assert forecast(picture, np.zeros((4, 4), bool), noise).guess(0, 16) == picture.ravel().tolist()


def test_ink_leads_to_ink_beside_it_but_not_around_the_edge():
    picture = np.zeros((3, 4), int)
    picture[0, 3] = 1  # the last of its row: what follows lies in the next, far from it
    unknown = np.arange(12).reshape(3, 4) >= 4
    seen = forecast(picture, unknown, 0.5)
    assert seen.logits[4] == ALONE and seen.logits[6] > ALONE and seen.logits[7] > ALONE


def test_what_the_network_said_replaces_the_guess_and_moves_what_comes_after():
    seen = forecast(np.zeros((3, 4), int), np.ones((3, 4), bool), 0.5)
    assert seen.guess(0, 4) == [0, 0, 0, 0]
    seen.learn(0, [-1.0, -1.0, -1.0, -1.0], kept=2, level=1)
    assert seen.levels[:2] == [0, 1] and seen.logits[2] > 0 > seen.logits[0]
    assert seen.guess(2, 4)[0] == 1


@pytest.mark.parametrize("temperature", [0.3, 3.0])
def test_the_limit_is_where_the_noise_draws_ink(temperature):
    """As `draw` does: ink where the noise is at least the probability of paper."""
    seen = forecast(np.zeros((1, 1), int), np.ones((1, 1), bool), 0.8, temperature)
    paper = 1 / (1 + np.exp(seen.limits[0] / temperature))
    assert paper == pytest.approx(0.8)


def test_there_is_a_forecast_for_black_and_white_alone_and_it_leaves_with_its_picture(name):
    model = tiny_model(name, 5, 6)
    batch, job = Batch(model, 4), prepare(model, Request(samples=2))
    batch.seat(job)
    assert sorted(batch.forecasts) == ([] if name == "pixelcnn_pp" else [0, 1])
    batch.leave(job)
    assert not batch.forecasts


def test_a_slot_remembers_nothing_of_who_was_there_before(name):
    """A picture with other pixels known, then one of which prefill sees only the top, in the same slots."""
    model = tiny_model(name, 12, 6)
    drawing, known = np.full((12, 6), 255), np.zeros((12, 6), int)
    known[:5], known[-2:] = 1, int(model.takes_any_mask)
    batch = Batch(model, 3)
    before, job = prepare(model, Request(drawing, known, samples=3, digit=-1)), prepare(model, Request(samples=3, seed=4))
    for each in (before, job):
        batch.seat(each)
        while batch.step():
            pass
        batch.report(each)
        batch.leave(each)
    *_, alone = windowed(prepare(model, Request(samples=3, seed=4)))
    assert (job.trace.images == alone.images).all()
    np.testing.assert_allclose(job.trace.nats, alone.nats, atol=1e-10)
