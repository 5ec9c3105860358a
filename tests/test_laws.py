"""The laws that hold for every registered model, on a tiny real instance in float64."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import random_images, tiny_model

from pixelcnn import BadInput, Request
from pixelcnn.batch import Batch
from pixelcnn.layers import mask_a, mask_b
from pixelcnn.posterior import posterior
from pixelcnn.request import DRAWN
from pixelcnn.sampler import specification, windowed
from pixelcnn.trace import Job, prepare
from pixelcnn.where import Taps


def all_images(model) -> torch.Tensor:
    """Every picture of two levels, (2 ** (H * W), H, W)."""
    height, width = model.config.height, model.config.width
    return torch.tensor(list(itertools.product((0, 1), repeat=height * width))).view(-1, height, width)


def size(model) -> tuple[int, int, int]:
    return model.config.height, model.config.width, model.config.height * model.config.width


def accepted_masks(model) -> list[torch.Tensor]:
    """Masks (H, W) that the model takes, of all but the full one on 3 x 3, of the prefixes and a random 64 on 4 x 4."""
    height, width, pixels = size(model)
    if pixels == 9:
        candidates = all_images(model)[:-1].bool()
    else:
        prefixes = torch.arange(pixels) < torch.arange(pixels)[:, None]
        scattered = torch.rand(64, pixels, generator=torch.Generator().manual_seed(1)) < 0.5
        candidates = torch.cat([prefixes, scattered]).view(-1, height, width)
    masks = []
    for mask in candidates:
        try:
            model.order(mask)
        except BadInput:
            continue
        masks.append(mask)
    return masks


def told(model, known: torch.Tensor, count: int) -> torch.Tensor | None:
    """What `count` pictures with the same known pixels must be told."""
    of_one = model.told(known)
    return None if of_one is None else of_one.expand(count, -1, -1)


def some_masks(model) -> list[torch.Tensor]:
    """A few of the masks that the model takes: nothing known, the top, and where it can, the bottom and anything."""
    height, width, pixels = size(model)
    tops = [torch.arange(pixels) < width * rows for rows in (0, 2, 4)]
    holes = torch.rand(4, pixels, generator=torch.Generator().manual_seed(2)) < 0.5
    masks = [*tops, torch.arange(pixels) >= 3 * width, *holes] if model.takes_any_mask else tops
    return [mask.view(height, width) for mask in masks]


def reach(height: int, width: int, hops: list[Taps]) -> torch.Tensor:
    """sees[p, q]: one tap of each of the hops, one after the other, leads from pixel p to pixel q inside the picture."""
    pixels = height * width
    sees = torch.eye(pixels, dtype=torch.bool)
    for taps in hops:
        hop = torch.zeros(pixels, pixels, dtype=torch.bool)
        for pixel in range(pixels):
            for down, right in taps:
                row, column = pixel // width + down, pixel % width + right
                if 0 <= row < height and 0 <= column < width:
                    hop[pixel, row * width + column] = True
        sees = (sees.double() @ hop.double()) > 0
    return sees


def what_it_claims_to_see(model) -> torch.Tensor:
    """sees[p, q] as the model's paper says: its masks for PixelCNN, a triangle for the Row LSTM, else all of the past."""
    height, width = model.config.height, model.config.width
    if model.name == "pixelcnn":
        return reach(height, width, [mask_b(3)] * model.config.blocks + [mask_a(7)])
    if model.name == "row_lstm":
        a_row_up = [((0, 0), (-1, -1), (-1, 0), (-1, 1))] * height  # the states above, as far as they go
        return reach(height, width, [*a_row_up, ((0, 0), (0, -1))] * model.config.layers + [mask_a(7)])
    return torch.ones(height * width, height * width).tril(-1).bool()


@torch.inference_mode()
def test_probabilities_of_all_pictures_sum_to_one(name):
    model = tiny_model(name)
    total = torch.exp(-model.nats(all_images(model)).flatten(1).sum(1)).sum().item()
    assert total == pytest.approx(1, abs=1e-9)


@torch.inference_mode()
def test_with_known_pixels_the_completions_sum_to_one(name):
    model = tiny_model(name)
    images, given = all_images(model), random_images(model, 1)[0]
    for known in accepted_masks(model):
        completions = images[(images == given)[:, known].all(1)]
        nats = model.nats(completions, told=told(model, known, len(completions)))
        total = torch.exp(-nats[:, ~known].sum(1)).sum().item()
        assert total == pytest.approx(1, abs=1e-9), known


@torch.inference_mode()
def test_a_pixel_ignores_itself_and_the_future_and_sees_what_its_paper_says(name):
    """Every pixel is turned over, in several pictures: which params move is exactly what the model claims to see."""
    model = tiny_model(name, 5, 6)
    pixels = size(model)[2]
    sees = torch.zeros(pixels, pixels, dtype=torch.bool)
    for x in random_images(model, 12).split(1):
        others = x.repeat(pixels, 1, 1)
        others.view(pixels, pixels).diagonal().sub_(1).abs_()
        moved = (model(others) - model(x)).flatten(1, 2).abs().amax(2) > 1e-13  # (turned, moved)
        sees |= moved.T
    assert (sees == what_it_claims_to_see(model)).all()


@torch.inference_mode()
def test_with_a_mask_the_known_may_matter_and_the_unknown_at_or_after_a_pixel_do_not(name):
    model = tiny_model(name, 5, 6)
    pixels = size(model)[2]
    for known in some_masks(model):
        x, before = random_images(model, 1), known.flatten() | torch.ones(pixels, pixels).tril(-1).bool()
        others = x.repeat(pixels, 1, 1)
        others.view(pixels, pixels).diagonal().sub_(1).abs_()
        params = model(torch.cat([x, others]), told=told(model, known, pixels + 1)).flatten(1, 2)
        moved = ((params[1:] - params[0]).abs().amax(2) > 1e-13).T[~known.flatten()]  # (unknown, turned)
        assert not (moved & ~before[~known.flatten()]).any()
        if model.told(known) is not None:
            assert moved[0, known.flatten()].any(), "what is told matters to the first pixel already"


def test_pixelcnn_has_a_blind_spot():
    """1606.05328, Fig. 1: to the right above, growing with the distance; so the law above is not empty."""
    past = torch.ones(900, 900).tril(-1).bool()
    missed = (past & ~reach(30, 30, [mask_b(3)] * 12 + [mask_a(7)]))[20 * 30 + 10].view(30, 30)
    assert missed[16, 20] and missed.any() and not missed[20].any()


@torch.inference_mode()
def test_one_pixel_steps_equal_the_full_pass(name):
    """Three slots, each at another pixel of another picture, in another order of slots each time."""
    model = tiny_model(name, 5, 6)
    pixels = size(model)[2]
    x, slots = random_images(model, 3), torch.arange(3)
    full = model(x).flatten(1, 2)
    starts = torch.tensor([0, 7, 13])
    seated = torch.where(torch.arange(pixels) < starts[:, None], x.flatten(1), 0).view_as(x)
    cache = model.new_cache(5)
    seats = torch.tensor([4, 0, 2])
    prefilled = model.prefill(cache, seats, seated).flatten(1, 2)
    for slot, start in enumerate(starts):
        torch.testing.assert_close(prefilled[slot, : start + 1], full[slot, : start + 1], atol=1e-12, rtol=0)
    for turn in range(pixels):
        going = slots[starts + turn < pixels].roll(turn)
        here = starts[going] + turn
        params = model.step(cache, seats[going], here)
        torch.testing.assert_close(params, full[going, here], atol=1e-12, rtol=0)
        model.write(cache, seats[going], here, x.flatten(1)[going, here])


@torch.inference_mode()
def test_one_pixel_steps_equal_the_full_pass_with_a_mask(name):
    """Every slot with a mask of its own; known pixels after the first unknown one are stepped over like all others."""
    model = tiny_model(name, 5, 6)
    masks = some_masks(model)
    x, cache = random_images(model, len(masks)), model.new_cache(len(masks))
    orders = [torch.arange(int(model.order(mask)[0]), size(model)[2]) for mask in masks]
    full = [model(x[i : i + 1], told=told(model, mask, 1)).flatten(1, 2)[0] for i, mask in enumerate(masks)]
    for slot, mask in enumerate(masks):
        model.prefill(cache, torch.tensor([slot]), x[slot : slot + 1] * mask, told=told(model, mask, 1))
    for turn in range(max(map(len, orders))):
        slots = torch.tensor([slot for slot, order in enumerate(orders) if turn < len(order)])
        here = torch.stack([orders[slot][turn] for slot in slots])
        expected = torch.stack([full[slot][pixel] for slot, pixel in zip(slots, here, strict=True)])
        torch.testing.assert_close(model.step(cache, slots, here), expected, atol=1e-12, rtol=0)
        model.write(cache, slots, here, x.flatten(1)[slots, here])


@torch.inference_mode()
def test_several_pixels_of_a_picture_step_together_where_the_levels_before_them_are_written(name):
    model = tiny_model(name, 5, 6)
    pixels = size(model)[2]
    x = random_images(model, 2)
    cache, slots = model.new_cache(2), torch.arange(2)
    model.prefill(cache, slots, x)
    every = torch.arange(pixels).repeat(2)
    for each in (1, pixels):
        params = model.step(cache, slots.repeat_interleave(pixels), every, each).view(2, pixels, -1)
        torch.testing.assert_close(params, model(x).flatten(1, 2), atol=1e-12, rtol=0)


def top(model, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """A drawing of scattered ink and a mask with so many rows known."""
    height, width, _ = size(model)
    drawing = np.random.default_rng(3).integers(0, 256, (height, width))
    known = np.zeros((height, width), int)
    known[:rows] = 1
    return drawing, known


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_slow_and_fast_draw_the_same_picture_from_the_same_noise(name, temperature):
    model = tiny_model(name, 5, 6)
    drawing, _ = top(model, 0)
    for known in some_masks(model):
        request = Request(drawing, known.numpy(), samples=3, temperature=temperature, seed=11)
        *_, slow = specification(prepare(model, request))
        for window in (1, 2, 7, 30, 64):
            *_, fast = windowed(prepare(model, request), window)
            assert (slow.images == fast.images).all()
            np.testing.assert_allclose(slow.probabilities, fast.probabilities, atol=1e-12)
            np.testing.assert_allclose(slow.nats, fast.nats, atol=1e-10)
            np.testing.assert_allclose(slow.known_probabilities, fast.known_probabilities, atol=1e-12)
            assert fast.steps <= slow.order[-1] - slow.order[0] + 1


def fill(batch: Batch, job: Job, window: int | None) -> None:
    """Seat a job, step until it is whole, bring its trace up to date."""
    batch.seat(job)
    while batch.step(window=window):
        pass
    batch.report(job)


BY_HEART = {"pixelcnn", "gated_pixelcnn", "freeform"}  # models whose steps are the same work at every pixel


def test_steps_by_heart_draw_the_same_picture(name, monkeypatch):
    """As on a CUDA device, where they are recorded, but for the recording; more pictures than fill a rung."""
    monkeypatch.setattr("pixelcnn.steps.OFTEN", 10**9)
    model = tiny_model(name, 5, 6)
    for known in some_masks(model):
        request = Request(top(model, 0)[0], known.numpy(), samples=3, seed=11)
        *_, slow = specification(prepare(model, request))
        for window in (1, 2, 7, 30, None):
            batch, job = Batch(model, 5), prepare(model, request)
            batch.steps.by_heart = True
            batch.free = [1, 3, 4]
            fill(batch, job, window)
            assert (slow.images == job.trace.images).all()
            np.testing.assert_allclose(slow.nats, job.trace.nats, atol=1e-10)
            assert batch.steps.by_heart == batch.lasting == (name in BY_HEART)


def test_a_sample_is_the_same_alone_and_in_any_batch(name):
    model = tiny_model(name, 5, 6)
    drawing, known = top(model, 1)
    crowd = None
    for samples in (64, 16, 2, 1):
        *_, trace = windowed(prepare(model, Request(drawing, known, samples=samples, seed=5)))
        crowd = trace if crowd is None else crowd
        assert (trace.images == crowd.images[:samples]).all()
        np.testing.assert_allclose(trace.nats, crowd.nats[:samples], atol=1e-10)


def test_known_pixels_never_change_and_values_under_unknown_ones_are_ignored(name):
    model = tiny_model(name, 5, 6)
    drawing, known = top(model, 2)
    scribbled = np.where(known == 1, drawing, 255 - drawing)
    *_, trace = windowed(prepare(model, Request(drawing, known, samples=4)))
    *_, other = windowed(prepare(model, Request(scribbled, known, samples=4)))
    assert (trace.images[:, known == 1] == (drawing >= 128)[known == 1]).all()
    assert (trace.images == other.images).all()


@torch.inference_mode()
def test_nats_and_probabilities_are_those_of_the_full_pass(name):
    model = tiny_model(name, 5, 6)
    *_, trace = windowed(prepare(model, Request(*top(model, 2), samples=3)))
    nats = model.nats(torch.from_numpy(trace.images)).flatten(1)
    np.testing.assert_allclose(trace.nats, nats[:, 2 * size(model)[1] :].sum(1), atol=1e-10)
    np.testing.assert_allclose(trace.probabilities, torch.exp(-nats[:, 2 * size(model)[1] :]), atol=1e-12)
    np.testing.assert_allclose(trace.known_probabilities, torch.exp(-nats[0, : 2 * size(model)[1]]), atol=1e-12)


def test_drawing_follows_the_probabilities(name):
    """2 x 2 pictures, 16 of them: frequencies over 6 400 samples against exact probabilities, by chi-square."""
    model = tiny_model(name, 2, 2)
    counts = np.zeros(16)
    for seed in range(100):
        *_, trace = windowed(prepare(model, Request(samples=64, seed=seed)))
        np.add.at(counts, trace.x @ [8, 4, 2, 1], 1)
    with torch.inference_mode():
        expected = 6400 * torch.exp(-model.nats(all_images(model)).flatten(1).sum(1)).numpy()
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert chi_square < 37.7, "15 degrees of freedom: this happens once in a thousand, and the seeds are fixed"


@torch.inference_mode()
def test_digits_matter_and_each_row_has_its_own(name):
    model = tiny_model(name, 5, 6)
    x = random_images(model, 1).repeat(3, 1, 1)
    if not model.classes:
        with pytest.raises(BadInput, match="cannot be told to draw a"):
            prepare(model, Request(digit=3))
        return
    told = model(x, torch.tensor([3, 7, -1]))
    assert not torch.allclose(told[0], told[1]) and not torch.allclose(told[0], told[2])
    torch.testing.assert_close(told[2], model(x)[2], atol=1e-12, rtol=0)
    for digit in (3, -1):
        request = Request(*top(model, 2), samples=3, digit=digit)
        *_, slow = specification(prepare(model, request))
        *_, fast = windowed(prepare(model, request))
        assert (slow.images == fast.images).all()
        np.testing.assert_allclose(slow.nats, fast.nats, atol=1e-10)


def test_a_digit_is_drawn_first_and_then_its_pixels(name):
    """By the odds of what is known; slowly and fast alike, alone and in a batch, and as if it had been asked for."""
    model = tiny_model(name, 5, 6)
    for rows in (0, 2):
        request = Request(*top(model, rows), samples=16, seed=4, digit=DRAWN, temperature=0.7)
        if not model.classes:
            with pytest.raises(BadInput, match="knows no digits of which to draw one"):
                prepare(model, request)
            return
        *_, slow = specification(prepare(model, request))
        *_, fast = windowed(prepare(model, request))
        assert (slow.images == fast.images).all() and (slow.digits == fast.digits).all() and len(set(fast.digits)) > 1
        np.testing.assert_allclose(slow.nats, fast.nats, atol=1e-10)
        *_, alone = windowed(prepare(model, replace(request, samples=1)))
        assert (alone.images == fast.images[:1]).all() and alone.digits == fast.digits[:1]
        sample = int(np.argmax(fast.digits != fast.digits[0]))
        *_, asked = windowed(prepare(model, replace(request, digit=int(fast.digits[sample]))))
        assert (asked.images[sample] == fast.images[sample]).all()
        np.testing.assert_allclose(asked.nats[sample], fast.nats[sample], atol=1e-10)


@torch.inference_mode()
def test_what_is_known_is_given_what_all_digits_give_it_together(name):
    """The probabilities of the known pixels multiply to the mean over digits of those of the whole top."""
    model = tiny_model(name, 5, 6)
    if not model.classes:
        return
    *_, trace = windowed(prepare(model, Request(*top(model, 2), digit=DRAWN)))
    x = torch.from_numpy(trace.images).repeat(model.classes, 1, 1)
    each = torch.exp(-model.nats(x, torch.arange(model.classes))[:, :2].sum((1, 2)))
    np.testing.assert_allclose(trace.known_probabilities.prod(), each.mean().item(), rtol=1e-10)


@torch.inference_mode()
def test_digits_are_drawn_as_often_as_they_are_likely(name):
    """Frequencies over 6 400 completions against p(digit | the top), by chi-square."""
    model = tiny_model(name, 5, 6)
    if not model.classes:
        return
    drawing, known = top(model, 2)
    counts = np.zeros(model.classes)
    for seed in range(100):
        counts += np.bincount(
            prepare(model, Request(drawing, known, 64, seed=seed, digit=DRAWN)).draw_digits(), minlength=10
        )
    x = prepare(model, Request(drawing, known)).picture.view(1, *known.shape)
    expected = 6400 * posterior(model, x, torch.from_numpy(known == 1))[0].numpy()
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert chi_square < 27.9, "9 degrees of freedom: this happens once in a thousand, and the seeds are fixed"


def test_every_parameter_gets_a_gradient(name):
    model = tiny_model(name, 5, 6).train()
    digits = torch.arange(-1, model.classes) if model.classes else None  # every digit, and "not told"
    model.nats(random_images(model, 11), digits, told(model, some_masks(model)[-1], 11)).sum().backward()
    for label, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, label
