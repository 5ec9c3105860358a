import pytest
import torch

from pixelcnn.likelihoods import Bernoulli, draw


def test_bernoulli_is_a_logistic():
    params = torch.tensor([[-3.0], [0.0], [2.0]], dtype=torch.float64)
    ink = torch.sigmoid(params[:, 0])
    torch.testing.assert_close(Bernoulli().log_prob(params, torch.tensor([1, 1, 1])).exp(), ink)
    torch.testing.assert_close(Bernoulli().log_prob(params, torch.tensor([0, 0, 0])).exp(), 1 - ink)
    torch.testing.assert_close(Bernoulli().log_probs(params).exp().sum(-1), torch.ones(3, dtype=torch.float64))


def test_draw_inverts_the_distribution():
    params = torch.zeros(5, 1, dtype=torch.float64) + torch.log(torch.tensor(0.25 / 0.75))  # p(ink) = 1/4
    levels, given = draw(Bernoulli(), params, torch.tensor([0.0, 0.7499, 0.7501, 0.9, 0.999999]))
    assert levels.tolist() == [0, 0, 1, 1, 1]
    torch.testing.assert_close(given, torch.tensor([0.75, 0.75, 0.25, 0.25, 0.25], dtype=torch.float64))


@pytest.mark.parametrize("temperature", [1e-300, 0.1, 1.0, 10.0, 1e300])
def test_no_temperature_breaks_the_distribution(temperature):
    params = torch.tensor([[-800.0], [-1.0], [0.0], [1.0], [800.0]], dtype=torch.float64)
    probabilities = Bernoulli().log_probs(params, temperature).exp()
    torch.testing.assert_close(probabilities.sum(-1), torch.ones(5, dtype=torch.float64))
    if temperature < 1:
        assert probabilities[1, 1] < torch.sigmoid(params[1, 0]), "colder is bolder"
