"""Muon equals torch.optim.Muon on matrices, and applies to the hidden matrices of every model."""

import pytest
import torch
from conftest import random_images, tiny_model
from torch import nn

from pixelcnn.models import MODELS
from pixelcnn.training.optimizer import (
    Muon,
    as_matrices,
    average_weight,
    build_optimizers,
    from_matrices,
    hidden_matrices,
    orthogonalize,
    update_average,
)


def steps_of(parameters: list[nn.Parameter], optimizer: torch.optim.Optimizer, count: int = 6) -> list[torch.Tensor]:
    """The parameters after some steps with random gradients, the same for every optimizer."""
    generator = torch.Generator().manual_seed(1)
    for _ in range(count):
        for parameter in parameters:
            parameter.grad = torch.randn(parameter.shape, generator=generator).to(parameter)
        optimizer.step()
    return [parameter.detach() for parameter in parameters]


def random_parameters() -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    shapes = [(12, 7), (7, 12), (9, 9), (12, 7), (12, 7), (5, 40)]
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]


def plain_views(parameters: list[nn.Parameter]) -> dict:
    return {parameter: (1, parameter.shape[0], 1, parameter.shape[1]) for parameter in parameters}


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("lr", [0.02, torch.tensor(0.02)])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, None])
def test_muon_equals_that_of_torch(weight_decay, lr, dtype):
    """torch iterates in bfloat16, whose rounding differs by the order of sums; float32 differs by that rounding."""
    ours, theirs = random_parameters(), random_parameters()
    start = [parameter.detach().clone() for parameter in ours]
    muon = Muon(plain_views(ours), lr=lr, weight_decay=weight_decay, dtype=dtype)
    reference = torch.optim.Muon(theirs, lr=0.02, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")
    for before, mine, other in zip(start, steps_of(ours, muon), steps_of(theirs, reference), strict=True):
        moved = (other - before).norm()
        assert (mine - other).norm() < (0.01 if dtype == torch.bfloat16 else 0.03) * moved


def test_muon_in_float64_equals_its_definition():
    """Nesterov momentum, five Newton-Schulz iterations on each matrix alone, decoupled weight decay."""
    lr, decay, momentum = 0.02, 0.1, 0.95
    ours, plain = ([nn.Parameter(p.detach().double()) for p in random_parameters()] for _ in range(2))
    after = steps_of(ours, Muon(plain_views(ours), lr=lr, weight_decay=decay), count=4)
    buffers, generator = [torch.zeros_like(p) for p in plain], torch.Generator().manual_seed(1)
    for _ in range(4):
        for parameter, buffer in zip(plain, buffers, strict=True):
            grad = torch.randn(parameter.shape, generator=generator).to(parameter)
            buffer.mul_(momentum).add_(grad, alpha=1 - momentum)
            x = (1 - momentum) * grad + momentum * buffer
            x = x / x.norm()
            for _ in range(5):
                x = 3.4445 * x - 4.7750 * x @ x.T @ x + 2.0315 * x @ x.T @ x @ x.T @ x
            parameter.data.mul_(1 - lr * decay).sub_(lr * 0.2 * max(parameter.shape) ** 0.5 * x)
    for mine, expected in zip(after, plain, strict=True):
        torch.testing.assert_close(mine, expected.detach(), rtol=1e-10, atol=1e-10)


def test_orthogonalized_matrices_have_singular_values_near_one():
    x = torch.randn(3, 20, 8, generator=torch.Generator().manual_seed(0))
    singular = torch.linalg.svdvals(orthogonalize(x))
    assert singular.min() > 0.6 and singular.max() < 1.3


@pytest.mark.parametrize("name", [name for name in MODELS if name != "independent"])
def test_muon_gets_matrices_and_adamw_the_first_and_last_layers_embeddings_and_vectors(name):
    model = tiny_model(name, 4, 4)
    names = {parameter: key for key, parameter in model.named_parameters()}
    views = hidden_matrices(model)
    for parameter, view in views.items():
        matrices = as_matrices(parameter, view)
        assert matrices.shape == (view[0] * view[2], view[1], view[3])
        assert torch.equal(from_matrices(matrices, view, parameter.shape), parameter)
    others = {names[parameter] for parameter in model.parameters() if parameter not in views}
    first = {"first.weight", "first_u.weight", "first_above.weight", "first_left.weight", "given.convs.0.weight"}
    first |= {"layers.0.vertical.weight", "layers.0.horizontal.weight", "blocks.0.lstm.own.weight"}
    first |= {"layers.0.rows.weight", "layers.0.left.weight"}
    last = {"head.weight", "head.5.weight"}
    embeddings = ("digit.weight", "place.rows", "place.columns", "lstm.initial")
    for other in others:
        parameter = model.get_parameter(other)
        assert parameter.dim() == 1 or other in first | last or other.endswith(embeddings), other
    assert len(others & (first | last)) >= 2


def test_gates_of_an_lstm_are_separate_matrices():
    model = tiny_model("diagonal_bilstm", 4, 4)
    views = hidden_matrices(model)
    weight, channels = model.blocks[0].lstm.weight, model.config.channels
    matrices = as_matrices(weight, views[weight])
    assert matrices.shape == (8, 2 * channels, channels)
    assert torch.equal(matrices[5], weight[1, :, channels : 2 * channels]), "the second gate of the second direction"
    gates = model.blocks[0].input_to_state.weight
    assert torch.equal(as_matrices(gates, views[gates])[3], gates[3 * channels : 4 * channels])
    conv = tiny_model("freeform", 4, 4).blocks[0].conv
    taps = as_matrices(conv.weight, (1, conv.weight[..., 0].numel(), 2, conv.weight.shape[2] // 2))
    assert torch.equal(taps[1], conv.weight.flatten(0, 1)[:, conv.weight.shape[2] // 2 :])


@pytest.mark.parametrize("kind", ["adamw", "muon"])
@pytest.mark.parametrize("name", list(MODELS))
def test_a_step_changes_all_parameters_with_a_gradient_and_no_other(name, kind):
    model = tiny_model(name, 4, 4)
    optimizers = build_optimizers(model, kind, 0.1)
    both = kind == "muon" and name != "independent"  # which has no matrices
    assert set(optimizers) == ({"adam", "muon"} if both else {"adam"})
    model.nats(random_images(model, 3)).sum().backward()
    before = {key: parameter.detach().clone() for key, parameter in model.named_parameters()}
    for optimizer in optimizers.values():
        optimizer.step()
    for key, parameter in model.named_parameters():
        assert torch.equal(before[key], parameter) == (parameter.grad is None), key


def test_the_average_covers_running_statistics_and_copies_counters():
    models = [nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)) for _ in range(2)]
    model, ema = models
    model[1].running_mean.fill_(11.0)
    model[1].num_batches_tracked.fill_(7)
    expected = ema[0].weight.detach().lerp(model[0].weight.detach(), 9 / 11)
    update_average(ema, model, average_weight(0.999, 1))
    torch.testing.assert_close(ema[0].weight.detach(), expected)
    torch.testing.assert_close(ema[1].running_mean, torch.full((2,), 9.0))
    assert ema[1].num_batches_tracked == 7
