"""Memories that run from row to row: the equations of the papers, the control without a memory, and views of the memory."""

import pytest
import torch
from conftest import TINY, random_images, tiny_model

from pixelcnn.models import build, dnc, fast_weights
from pixelcnn.models.dnc import ExternalMemory, MemoryState, Sizes, allocation_weights, update_links
from pixelcnn.models.fast_weights import FastWeights
from pixelcnn.models.row_memory import OFF, RECURRENT_ONLY

NAMES = ["fast_weights", "dnc"]


def with_memory(name: str, memory: int, height: int, width: int):
    torch.manual_seed(7)
    model = build(name, **TINY[name] | {"memory": memory, "height": height, "width": width}).double().eval()
    for parameter in model.parameters():
        parameter.data.mul_(2.5)
    return model


def seen_pixels(model, height: int, width: int) -> torch.Tensor:
    """seen[p, q]: whether the params of pixel p change with pixel q, in one of several pictures."""
    pixels = height * width
    seen = torch.zeros(pixels, pixels, dtype=torch.bool)
    for x in random_images(model, 6).split(1):
        changed = x.repeat(pixels, 1, 1)
        changed.view(pixels, pixels).diagonal().sub_(1).abs_()
        seen |= ((model(changed) - model(x)).flatten(1, 2).abs().amax(2) > 1e-13).T
    return seen


@pytest.mark.parametrize("name", NAMES)
@torch.inference_mode()
def test_without_a_memory_a_pixel_sees_three_rows_above(name):
    height, width = 7, 5
    sees = seen_pixels(with_memory(name, OFF, height, width), height, width)
    rows = torch.arange(height * width) // width
    distance = rows[:, None] - rows
    assert not sees[distance > 3].any() and sees[distance == 3].any()
    with_it = seen_pixels(tiny_model(name, height, width), height, width)
    assert with_it[distance > 3].all(), "the memory carries what lies further up"


@pytest.mark.parametrize("name", NAMES)
def test_controls_have_equal_size_and_differ_from_the_model(name):
    models = [with_memory(name, memory, 5, 6) for memory in (1, OFF, RECURRENT_ONLY)]
    x = random_images(models[0], 2)
    outputs = [model(x) for model in models]
    shapes = [{key: value.shape for key, value in model.state_dict().items()} for model in models]
    assert shapes[0] == shapes[1] == shapes[2]
    assert not any(torch.allclose(outputs[a], outputs[b]) for a, b in ((0, 1), (0, 2), (1, 2)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"memory": 3}, "memory of the model is 3. Give a whole number: 0, 1, 2"),
        ({"kernel": 4}, "kernel of the model is 4. Give a whole number: 1, 3, 5, 7"),
        ({"memory_every": 3}, "memory_every of the model is 3. Give a whole number: 1, 2"),
    ],
)
def test_configs_that_cannot_be_built_are_refused(name, change, message):
    with pytest.raises(ValueError, match=message):
        build(name, **TINY[name] | change)


def test_fast_weights_equal_the_matrix_of_the_paper():
    """A(t) = lambda A(t-1) + eta h(t) h(t)^T, and the inner loop with it."""
    torch.manual_seed(0)
    cell = FastWeights(4, inner_steps=2, decay=0.9, rate=0.5).double()
    torch.nn.init.normal_(cell.norm.weight)
    history = torch.randn(3, 6, 4, dtype=torch.float64)
    drive = torch.randn(3, 4, dtype=torch.float64)
    fast = torch.zeros(3, 4, 4, dtype=torch.float64)
    for h in history.unbind(1):
        fast = 0.9 * fast + 0.5 * h[:, :, None] * h[:, None]
    torch.testing.assert_close(cell.matrix(history), fast, atol=1e-12, rtol=0)
    h = torch.relu(drive)
    for _ in range(2):
        h = torch.relu(cell.norm(drive + (fast @ h[..., None])[..., 0]))
    torch.testing.assert_close(cell(drive, history), h, atol=1e-12, rtol=0)


@torch.inference_mode()
def test_the_view_of_fast_weights_is_what_the_model_computes():
    """The state of a pixel follows from the attention that the view shows; earlier rows only, and the matrix of them."""
    model = tiny_model("fast_weights", 5, 6)
    view = fast_weights.view_memory(model, random_images(model, 1)[0])
    memory, inputs, (states,) = model.memory_inputs_and_states(random_images(model, 1))
    assert view.hidden.shape == (5, 6, 5) and torch.equal(view.hidden, states) and view.attention.shape == (5, 6, 5)
    assert not view.attention.transpose(0, 1).triu().any(), "earlier rows only"
    row, column = 4, 2
    recalled = view.attention[row, column] @ view.hidden[:, column]
    above = torch.nn.functional.pad(view.hidden[row - 1], (0, 0, 1, 1))[column : column + 3].flatten()
    drive = memory.input(inputs[0, row, column]) + above @ memory.weight
    torch.testing.assert_close(torch.relu(view.cell.norm(drive + recalled)), view.hidden[row, column], atol=1e-12, rtol=0)
    guess = view.cell.first_guess(drive)
    torch.testing.assert_close(view.matrix(row, column) @ guess, recalled, atol=1e-12, rtol=0)
    assert not view.matrix(0, column).any()


def test_allocation_takes_the_least_used_slot():
    usage = torch.tensor([[0.7, 0.0, 0.2], [1.0, 1.0, 1.0], [0.5, 0.25, 1.0]])
    expected = torch.tensor([[0, 1, 0], [0, 0, 0], [0.5 * 0.25, 0.75, 0]])
    torch.testing.assert_close(allocation_weights(usage), expected)


def test_links_lead_from_a_slot_to_the_one_written_next():
    sizes = Sizes(4, 2, 1)
    state = MemoryState.unpack(torch.zeros(1, sum(sizes.state)), sizes)
    for slot in (2, 0, 3):
        write = torch.eye(4)[slot : slot + 1]
        links, precedence = update_links(state, write)
        state = state._replace(links=links, precedence=precedence, write_weights=write)
    after = {2: 0, 0: 3}
    expected = torch.zeros(4, 4)
    for earlier, later in after.items():
        expected[later, earlier] = 1
    assert torch.equal(state.links[0], expected) and torch.equal(state.precedence, torch.eye(4)[3:])


def test_a_vector_is_written_to_a_free_slot_and_read_back_by_content_and_by_time():
    """An interface vector by hand: write two vectors to free slots, find the first by content, then go forward in time."""
    sizes = Sizes(3, 4, 1)
    memory = ExternalMemory(sizes)
    big, state = 30.0, MemoryState.unpack(torch.zeros(1, sum(sizes.state)), sizes)
    vectors = torch.tensor([[1.0, -1, 1, 1], [-1, 1, 1, 1]])

    def interface(write: torch.Tensor | None, key: torch.Tensor, mode: int) -> torch.Tensor:
        modes = torch.full((3,), -big)
        modes[mode] = big
        vector = torch.zeros(4) if write is None else write
        gates = torch.tensor([-big, big, big if write is not None else -big])  # free, allocate, write
        strength, write_key, erase = torch.tensor([big]), torch.zeros(5), torch.full((4,), -big)
        return torch.cat([key, strength, write_key, erase, vector, gates, modes])[None]

    for vector in vectors:
        _, state = memory(interface(vector, torch.zeros(4), 1), state)
    found, state = memory(interface(None, vectors[0], 1), state)
    torch.testing.assert_close(found[0, 0], vectors[0], atol=1e-4, rtol=0)
    following, _ = memory(interface(None, torch.zeros(4), 2), state)
    torch.testing.assert_close(following[0, 0], vectors[1], atol=1e-4, rtol=0)


@torch.inference_mode()
def test_the_view_of_the_dnc_has_weights_of_every_row_and_column():
    model = tiny_model("dnc", 5, 6)
    view = dnc.view_memory(model, random_images(model, 1)[0])
    assert view.write_weights.shape == (5, 6, 3) and view.read_weights.shape == (5, 6, 2, 3)
    assert view.memory.shape == (5, 6, 3, 2) and view.links.shape == (5, 6, 3, 3)
    for weights in (view.write_weights, view.read_weights):
        assert (weights >= 0).all() and (weights.sum(-1) <= 1 + 1e-12).all() and weights.std() > 0
