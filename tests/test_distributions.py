"""Distributions of pixels: probabilities, sampling and gradients."""

import pytest
import torch
import torch.nn.functional as F

from pixelcnn.distributions import Bernoulli, DiscretizedLogisticMixture, sample


def test_bernoulli_probabilities_are_a_sigmoid_of_the_logit():
    params = torch.tensor([[-3.0], [0.0], [2.0]], dtype=torch.float64)
    ink = torch.sigmoid(params[:, 0])
    torch.testing.assert_close(Bernoulli().log_prob(params, torch.tensor([1, 1, 1])).exp(), ink)
    torch.testing.assert_close(Bernoulli().log_prob(params, torch.tensor([0, 0, 0])).exp(), 1 - ink)
    torch.testing.assert_close(Bernoulli().log_probs(params).exp().sum(-1), torch.ones(3, dtype=torch.float64))


def test_sampling_inverts_the_cumulative_distribution():
    params = torch.zeros(5, 1, dtype=torch.float64) + torch.log(torch.tensor(0.25 / 0.75))  # p(ink) = 1/4
    levels, probabilities = sample(Bernoulli(), params, torch.tensor([0.0, 0.7499, 0.7501, 0.9, 0.999999]))
    assert levels.tolist() == [0, 0, 1, 1, 1]
    torch.testing.assert_close(probabilities, torch.tensor([0.75, 0.75, 0.25, 0.25, 0.25], dtype=torch.float64))


@pytest.mark.parametrize("temperature", [1e-300, 0.1, 1.0, 10.0, 1e300])
def test_extreme_temperatures_give_valid_probabilities(temperature):
    params = torch.tensor([[-800.0], [-1.0], [0.0], [1.0], [800.0]], dtype=torch.float64)
    probabilities = Bernoulli().log_probs(params, temperature).exp()
    torch.testing.assert_close(probabilities.sum(-1), torch.ones(5, dtype=torch.float64))
    if temperature < 1:
        assert probabilities[1, 1] < torch.sigmoid(params[1, 0]), "a low temperature sharpens"


def random_mixture(seed: int, spread: float) -> tuple[DiscretizedLogisticMixture, torch.Tensor]:
    params = torch.randn(40, 15, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * spread
    return DiscretizedLogisticMixture(), params


@pytest.mark.parametrize("spread", [0.1, 1.0, 5.0, 40.0])
@pytest.mark.parametrize("temperature", [0.2, 1.0, 3.0])
def test_probabilities_of_256_levels_sum_to_one(spread, temperature):
    mixture, params = random_mixture(1, spread)
    log_probs = mixture.log_probs(params, temperature)
    assert log_probs.shape == (40, 256)
    torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(40, dtype=torch.float64), atol=1e-10, rtol=0)


def test_a_mixture_is_the_difference_of_logistic_cdfs():
    """1701.05517, equation 2, at both edges and inside."""
    mixture, params = random_mixture(2, 0.7)
    logits, means, log_scales = params.chunk(3, -1)
    for level in (0, 1, 100, 254, 255):
        upper = 1.0 if level == 255 else torch.sigmoid(((level + 0.5) / 127.5 - 1 - means) / log_scales.exp())
        lower = 0.0 if level == 0 else torch.sigmoid(((level - 0.5) / 127.5 - 1 - means) / log_scales.exp())
        expected = (torch.softmax(logits, -1) * (upper - lower)).sum(-1)
        got = mixture.log_prob(params, torch.full((40,), level)).exp()
        torch.testing.assert_close(got, expected, atol=1e-12, rtol=0)
        torch.testing.assert_close(mixture.log_probs(params)[:, level].exp(), expected, atol=1e-12, rtol=0)


def test_sampling_a_mixture_inverts_its_cumulative_probabilities():
    mixture, params = random_mixture(3, 1.0)
    noise = torch.rand(40, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    levels, drawn_probs = sample(mixture, params, noise)
    probabilities = mixture.log_probs(params).exp()
    for row, level in enumerate(levels.tolist()):
        assert probabilities[row, :level].sum() <= noise[row] <= probabilities[row, : level + 1].sum() + 1e-12
    torch.testing.assert_close(drawn_probs, probabilities.gather(1, levels[:, None])[:, 0])


def test_mixtures_equal_the_plain_formula_for_all_but_extreme_log_scales():
    """sigmoid(r) sigmoid(-l) (1 - e^(l - r)) in logarithms, without any bound above."""
    mixture, params = random_mixture(5, 5.0)
    logits, means, log_scales = params[:, None].chunk(3, -1)
    sharpness = torch.exp(-log_scales.clamp(min=-7))
    levels = torch.arange(256, dtype=torch.float64)[:, None]
    left = (levels / 127.5 - 1 - 1 / 255 - means) * sharpness
    right = left + 2 / 255 * sharpness
    bins = F.logsigmoid(right) + F.logsigmoid(-left) + torch.log(-torch.expm1(-2 / 255 * sharpness))
    bins[:, 0], bins[:, -1] = F.logsigmoid(right)[:, 0], F.logsigmoid(-left)[:, -1]
    expected = torch.logsumexp(F.log_softmax(logits, -1) + bins, -1)
    torch.testing.assert_close(mixture.log_probs(params), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [1.0, 10.0, 1e2, 1e3, 1e6])
def test_gradients_of_mixtures_are_finite_for_any_params(dtype, size):
    """Also at levels whose bin is not the one that was asked for: autograd multiplies their gradients by zero."""
    mixture, params = random_mixture(6, size)
    extremes = torch.tensor([-size, size, 0.0], dtype=torch.float64).repeat(1, 5)
    params = torch.cat([params, extremes, -extremes, torch.full_like(extremes, size)]).to(dtype).requires_grad_()
    for level in (0, 1, 128, 255):
        log_prob = mixture.log_prob(params, torch.full(params.shape[:1], level))
        (grad,) = torch.autograd.grad(log_prob.sum(), params)
        assert log_prob.isfinite().all() and grad.isfinite().all()
