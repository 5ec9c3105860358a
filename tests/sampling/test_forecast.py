"""Forecasts: what they predict and when they are dropped. tests/models/test_laws.py checks that they change no picture."""

import numpy as np
import pytest
from conftest import tiny_model

from pixelcnn import Request
from pixelcnn.sampling.batch import ContinuousBatch
from pixelcnn.sampling.forecast import BIAS, Forecast
from pixelcnn.sampling.result import prepare
from pixelcnn.sampling.sampler import sample_cached


def make_forecast(picture: np.ndarray, unknown: np.ndarray, noise: float, temperature: float = 1.0) -> Forecast:
    return Forecast(picture.ravel(), unknown.ravel(), np.full(picture.size, noise), temperature, picture.shape[1])


@pytest.mark.parametrize("noise", [0.0, 0.999999])
def test_known_pixels_are_predicted_with_their_own_levels(noise):
    picture = np.eye(4, dtype=int)
    assert make_forecast(picture, np.zeros((4, 4), bool), noise).predict(0, 16) == picture.ravel().tolist()


def test_ink_raises_the_logits_of_neighbors_but_not_across_the_edge():
    picture = np.zeros((3, 4), int)
    picture[0, 3] = 1  # last of its row; the next pixel in raster order is in the next row, at the other edge
    unknown = np.arange(12).reshape(3, 4) >= 4
    forecast = make_forecast(picture, unknown, 0.5)
    assert forecast.logits[4] == BIAS and forecast.logits[6] > BIAS and forecast.logits[7] > BIAS


def test_computed_logits_and_levels_replace_predictions_and_change_later_ones():
    forecast = make_forecast(np.zeros((3, 4), int), np.ones((3, 4), bool), 0.5)
    assert forecast.predict(0, 4) == [0, 0, 0, 0]
    forecast.update(0, [-1.0, -1.0, -1.0, -1.0], accepted=2, level=1)
    assert forecast.levels[:2] == [0, 1] and forecast.logits[2] > 0 > forecast.logits[0]
    assert forecast.predict(2, 4)[0] == 1


@pytest.mark.parametrize("temperature", [0.3, 3.0])
def test_the_threshold_is_the_logit_from_which_sampling_draws_ink(temperature):
    """As `distributions.sample`: ink if the noise is at least the probability of paper."""
    forecast = make_forecast(np.zeros((1, 1), int), np.ones((1, 1), bool), 0.8, temperature)
    paper = 1 / (1 + np.exp(forecast.thresholds[0] / temperature))
    assert paper == pytest.approx(0.8)


def test_only_binary_models_have_forecasts_and_evicting_a_job_drops_its_own(name):
    model = tiny_model(name, 5, 6)
    batch, job = ContinuousBatch(model, 4), prepare(model, Request(samples=2))
    batch.admit([job])
    assert sorted(batch.forecasts) == ([] if name == "pixelcnn_pp" else [0, 1])
    batch.evict(job)
    assert not batch.forecasts


def test_a_slot_keeps_nothing_of_the_job_before(name):
    """A job with known pixels, then a job that prefills only the first rows, in the same slots."""
    model = tiny_model(name, 12, 6)
    drawing, known = np.full((12, 6), 255), np.zeros((12, 6), int)
    known[:5], known[-2:] = 1, int(model.accepts_any_mask)
    batch = ContinuousBatch(model, 3)
    first, second = prepare(model, Request(drawing, known, samples=3)), prepare(model, Request(samples=3, seed=4))
    for job in (first, second):
        batch.admit([job])
        while batch.step():
            pass
        batch.update_result(job)
        batch.evict(job)
    *_, alone = sample_cached(prepare(model, Request(samples=3, seed=4)))
    assert (second.result.images == alone.images).all()
    np.testing.assert_allclose(second.result.nats, alone.nats, atol=1e-10)
