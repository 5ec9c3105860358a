"""The laws that every registered model obeys (docs/architecture.md), on a tiny real instance in float64."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import random_images, tiny_model
from model_helpers import (
    WITH_CLASSES,
    WITHOUT_CLASSES,
    accepted_masks,
    all_images,
    drawing_with_known_rows,
    expected_receptive_fields,
    hints_for,
    sample_to_end,
    size,
    some_masks,
    visible_pixels,
)

from pixelcnn import InputError, Request
from pixelcnn.models import MODELS
from pixelcnn.nn.layers import mask_a, mask_b
from pixelcnn.sampling.batch import ContinuousBatch
from pixelcnn.sampling.class_posterior import class_posterior, prefix_log_likelihoods
from pixelcnn.sampling.request import ClassChoice
from pixelcnn.sampling.result import prepare
from pixelcnn.sampling.sampler import sample_cached, sample_reference

CAPTURABLE = {"independent", "pixelcnn", "gated_pixelcnn", "freeform"}  # models whose steps can run as `CapturableStep`


# PixelCNN++ takes even sizes, and 4 x 4 has 65 536 pictures.
SIZES = [pytest.param(name, (3, 3), id=name) for name in MODELS if name != "pixelcnn_pp"]
SIZES += [
    pytest.param("pixelcnn_pp", (4, 2), id="pixelcnn_pp-4x2"),
    pytest.param("pixelcnn_pp", (2, 4), id="pixelcnn_pp-2x4"),
    pytest.param("pixelcnn_pp", (4, 4), id="pixelcnn_pp-4x4", marks=pytest.mark.long),
]


@torch.inference_mode()
@pytest.mark.parametrize(("name", "height_width"), SIZES)
def test_probabilities_of_all_pictures_sum_to_one(name, height_width):
    model = tiny_model(name, *height_width)
    model.fold_batch_norm_()  # the same function in less time
    total = torch.exp(-model.nats(all_images(model)).flatten(1).sum(1)).sum().item()
    assert total == pytest.approx(1, abs=1e-9)


@torch.inference_mode()
@pytest.mark.parametrize(("name", "height_width"), SIZES)
def test_probabilities_of_completions_sum_to_one_for_every_accepted_mask(name, height_width):
    model = tiny_model(name, *height_width)
    model.fold_batch_norm_()
    images, picture = all_images(model), random_images(model, 1)[0]
    for known in accepted_masks(model):
        completions = images[(images == picture)[:, known].all(1)]
        nats = model.nats(completions, hints=hints_for(model, known, len(completions)))
        total = torch.exp(-nats[:, ~known].sum(1)).sum().item()
        assert total == pytest.approx(1, abs=1e-9), known


@torch.inference_mode()
def test_params_change_with_exactly_the_pixels_of_the_receptive_field(name):
    """Every pixel is changed, in several pictures; the params that change are those of the pixels that should see it."""
    model = tiny_model(name, 5, 6)
    pixels = size(model)[2]
    visible = torch.zeros(pixels, pixels, dtype=torch.bool)
    for x in random_images(model, 12).split(1):
        changed = x.repeat(pixels, 1, 1)
        changed.view(pixels, pixels).diagonal().sub_(1).abs_()
        affected = (model(changed) - model(x)).flatten(1, 2).abs().amax(2) > 1e-13  # (changed pixel, affected pixel)
        visible |= affected.T
    assert (visible == expected_receptive_fields(model)).all()


@torch.inference_mode()
def test_params_do_not_depend_on_unknown_pixels_at_or_after_their_own(name):
    """With every mask; hints after a pixel do affect it."""
    model = tiny_model(name, 5, 6)
    pixels = size(model)[2]
    for known in some_masks(model):
        x, allowed = random_images(model, 1), known.flatten() | torch.ones(pixels, pixels).tril(-1).bool()
        changed = x.repeat(pixels, 1, 1)
        changed.view(pixels, pixels).diagonal().sub_(1).abs_()
        params = model(torch.cat([x, changed]), hints=hints_for(model, known, pixels + 1)).flatten(1, 2)
        affected = ((params[1:] - params[0]).abs().amax(2) > 1e-13).T[~known.flatten()]  # (unknown pixel, changed pixel)
        assert not (affected & ~allowed[~known.flatten()]).any()
        if model.hints(known) is not None:
            assert affected[0, known.flatten()].any(), "hints affect the first unknown pixel"


def test_pixelcnn_has_a_blind_spot():
    """1606.05328, Fig. 1: above and to the right, growing with the distance. The receptive field test is not vacuous."""
    earlier = torch.ones(900, 900).tril(-1).bool()
    blind = (earlier & ~visible_pixels(30, 30, [mask_b(3)] * 12 + [mask_a(7)]))[20 * 30 + 10].view(30, 30)
    assert blind[16, 20] and blind.any() and not blind[20].any()


@torch.inference_mode()
def test_one_pixel_steps_equal_the_full_pass(name):
    """Three pictures in slots 4, 0 and 2, each at its own pixel, in another order at every step."""
    model = tiny_model(name, 5, 6)
    pixels = size(model)[2]
    x, pictures = random_images(model, 3), torch.arange(3)
    full = model(x).flatten(1, 2)
    starts = torch.tensor([0, 7, 13])
    beginnings = torch.where(torch.arange(pixels) < starts[:, None], x.flatten(1), 0).view_as(x)
    cache = model.new_cache(5)
    slots = torch.tensor([4, 0, 2])
    prefilled = model.prefill(cache, slots, beginnings).flatten(1, 2)
    for picture, start in enumerate(starts):
        torch.testing.assert_close(prefilled[picture, : start + 1], full[picture, : start + 1], atol=1e-12, rtol=0)
    for step in range(pixels):
        active = pictures[starts + step < pixels].roll(step)
        at = starts[active] + step
        params = model.step(cache, slots[active], at)
        torch.testing.assert_close(params, full[active, at], atol=1e-12, rtol=0)
        model.write(cache, slots[active], at, x.flatten(1)[active, at])


@torch.inference_mode()
def test_one_pixel_steps_equal_the_full_pass_with_a_mask(name):
    """Every slot has its own mask; known pixels after the first unknown one are stepped over like all others."""
    model = tiny_model(name, 5, 6)
    masks = some_masks(model)
    x, cache = random_images(model, len(masks)), model.new_cache(len(masks))
    orders = [torch.arange(int(model.fill_order(mask)[0]), size(model)[2]) for mask in masks]
    full = [model(x[i : i + 1], hints=hints_for(model, mask, 1)).flatten(1, 2)[0] for i, mask in enumerate(masks)]
    for slot, mask in enumerate(masks):
        model.prefill(cache, torch.tensor([slot]), x[slot : slot + 1] * mask, hints=hints_for(model, mask, 1))
    for step in range(max(map(len, orders))):
        slots = torch.tensor([slot for slot, order in enumerate(orders) if step < len(order)])
        at = torch.stack([orders[slot][step] for slot in slots])
        expected = torch.stack([full[slot][pixel] for slot, pixel in zip(slots, at, strict=True)])
        torch.testing.assert_close(model.step(cache, slots, at), expected, atol=1e-12, rtol=0)
        model.write(cache, slots, at, x.flatten(1)[slots, at])


@torch.inference_mode()
def test_several_pixels_per_slot_equal_the_full_pass(name):
    """If the levels before each pixel are in the cache, all pixels of a picture can be computed in one step."""
    model = tiny_model(name, 5, 6)
    pixels = size(model)[2]
    x = random_images(model, 2)
    cache, slots = model.new_cache(2), torch.arange(2)
    model.prefill(cache, slots, x)
    every_pixel = torch.arange(pixels).repeat(2)
    for pixels_per_slot in (1, pixels):
        params = model.step(cache, slots.repeat_interleave(pixels), every_pixel, pixels_per_slot).view(2, pixels, -1)
        torch.testing.assert_close(params, model(x).flatten(1, 2), atol=1e-12, rtol=0)


@pytest.mark.parametrize("temperature", [1.0, *(pytest.param(value, marks=pytest.mark.long) for value in (0.4, 2.5))])
def test_reference_and_cached_sampler_draw_the_same_picture(name, temperature):
    model = tiny_model(name, 5, 6)
    drawing, _ = drawing_with_known_rows(model, 0)
    for known in some_masks(model):
        request = Request(drawing, known.numpy(), samples=3, temperature=temperature, seed=11)
        *_, reference = sample_reference(prepare(model, request))
        for window in (1, 2, 7, 30, 64):
            *_, cached = sample_cached(prepare(model, request), window)
            assert (reference.images == cached.images).all()
            np.testing.assert_allclose(reference.probabilities, cached.probabilities, atol=1e-12)
            np.testing.assert_allclose(reference.nats, cached.nats, atol=1e-10)
            np.testing.assert_allclose(reference.known_probabilities, cached.known_probabilities, atol=1e-12)
            assert cached.steps <= reference.order[-1] - reference.order[0] + 1


def test_capturable_steps_draw_the_same_picture(name, monkeypatch):
    """The steps that are captured on a CUDA device, run here without capture; three pictures pad to a bucket of four."""
    monkeypatch.setattr("pixelcnn.sampling.step_runner.CAPTURE_AFTER", 10**9)
    model = tiny_model(name, 5, 6)
    for known in some_masks(model):
        request = Request(drawing_with_known_rows(model, 0)[0], known.numpy(), samples=3, seed=11)
        *_, reference = sample_reference(prepare(model, request))
        for window in (1, 2, 7, 30, None):
            batch, job = ContinuousBatch(model, 5), prepare(model, request)
            batch.steps.use_graphs = True
            batch.free = [1, 3, 4]
            sample_to_end(batch, job, window)
            assert (reference.images == job.result.images).all()
            np.testing.assert_allclose(reference.nats, job.result.nats, atol=1e-10)
            assert batch.steps.use_graphs == batch.keep_warm == (name in CAPTURABLE)


def test_a_sample_is_the_same_alone_and_in_any_batch(name):
    model = tiny_model(name, 5, 6)
    drawing, known = drawing_with_known_rows(model, 1)
    *_, largest = sample_cached(prepare(model, Request(drawing, known, samples=64, seed=5)))
    for samples in (16, 2, 1):
        *_, result = sample_cached(prepare(model, Request(drawing, known, samples=samples, seed=5)))
        assert (result.images == largest.images[:samples]).all()
        np.testing.assert_allclose(result.nats, largest.nats[:samples], atol=1e-10)


@pytest.mark.parametrize("sampler", [sample_reference, sample_cached])
def test_first_sample_selects_one_sample_of_many(name, sampler):
    model = tiny_model(name, 5, 6)
    request = Request(*drawing_with_known_rows(model, 1), samples=4, seed=5)
    *_, many = sampler(prepare(model, request))
    for number in range(4):
        *_, one = sampler(prepare(model, replace(request, samples=1, first_sample=number)))
        assert (one.images[0] == many.images[number]).all()
        np.testing.assert_allclose(one.nats[0], many.nats[number], atol=1e-10)
        np.testing.assert_allclose(one.probabilities[0], many.probabilities[number], atol=1e-12)


def test_known_pixels_never_change_and_values_under_unknown_ones_are_ignored(name):
    model = tiny_model(name, 5, 6)
    drawing, known = drawing_with_known_rows(model, 2)
    inverted_below = np.where(known == 1, drawing, 255 - drawing)
    *_, result = sample_cached(prepare(model, Request(drawing, known, samples=4)))
    *_, other = sample_cached(prepare(model, Request(inverted_below, known, samples=4)))
    assert (result.images[:, known == 1] == (drawing >= 128)[known == 1]).all()
    assert (result.images == other.images).all()


@torch.inference_mode()
def test_nats_and_probabilities_are_those_of_the_full_pass(name):
    model = tiny_model(name, 5, 6)
    *_, result = sample_cached(prepare(model, Request(*drawing_with_known_rows(model, 2), samples=3)))
    nats = model.nats(torch.from_numpy(result.images)).flatten(1)
    np.testing.assert_allclose(result.nats, nats[:, 2 * size(model)[1] :].sum(1), atol=1e-10)
    np.testing.assert_allclose(result.probabilities, torch.exp(-nats[:, 2 * size(model)[1] :]), atol=1e-12)
    np.testing.assert_allclose(result.known_probabilities, torch.exp(-nats[0, : 2 * size(model)[1]]), atol=1e-12)


@pytest.mark.long
def test_samples_follow_the_probabilities(name):
    """The 16 pictures of 2 x 2 pixels: frequencies in 6 400 samples against exact probabilities, by chi-square."""
    model = tiny_model(name, 2, 2)
    counts = np.zeros(16)
    for seed in range(100):
        *_, result = sample_cached(prepare(model, Request(samples=64, seed=seed)))
        np.add.at(counts, result.x @ [8, 4, 2, 1], 1)
    with torch.inference_mode():
        expected = 6400 * torch.exp(-model.nats(all_images(model)).flatten(1).sum(1)).numpy()
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert chi_square < 37.7, "15 degrees of freedom: exceeded once in a thousand, and the seeds are fixed"


@pytest.mark.parametrize("name", WITH_CLASSES)
@torch.inference_mode()
def test_each_row_of_a_batch_is_conditioned_on_its_own_digit(name):
    model = tiny_model(name, 5, 6)
    x = random_images(model, 1).repeat(3, 1, 1)
    params = model(x, torch.tensor([3, 7, -1]))
    assert not torch.allclose(params[0], params[1]) and not torch.allclose(params[0], params[2])
    torch.testing.assert_close(params[2], model(x)[2], atol=1e-12, rtol=0)


@pytest.mark.parametrize("name", WITH_CLASSES)
@pytest.mark.parametrize("digit", [3, ClassChoice.NONE])
def test_reference_and_cached_sampler_agree_for_a_given_digit(name, digit):
    model = tiny_model(name, 5, 6)
    request = Request(*drawing_with_known_rows(model, 2), samples=3, digit=digit)
    *_, reference = sample_reference(prepare(model, request))
    *_, cached = sample_cached(prepare(model, request))
    assert (reference.images == cached.images).all()
    np.testing.assert_allclose(reference.nats, cached.nats, atol=1e-10)


@pytest.mark.parametrize("name", WITHOUT_CLASSES)
@pytest.mark.parametrize(("digit", "code"), [(3, "digit_not_supported"), (ClassChoice.SAMPLED, "no_classes")])
def test_models_without_classes_refuse_digits(name, digit, code):
    with pytest.raises(InputError) as caught:
        prepare(tiny_model(name, 5, 6), Request(digit=digit))
    assert caught.value.code == code and caught.value.params["model"] == name


@pytest.mark.parametrize("name", WITH_CLASSES)
@pytest.mark.parametrize("digit", [10, 11, -2])
@torch.inference_mode()
def test_classes_out_of_range_are_refused_by_forward_and_prefill(name, digit):
    """The class after the last one is the row for no class, and must not be reachable as a digit."""
    model = tiny_model(name)
    x, digits = random_images(model, 2), torch.tensor([0, digit])
    with pytest.raises(ValueError, match=f"digit is {digit}; give -1 .* from 0 to 9"):
        model(x, digits)
    cache = model.new_cache(2)
    with pytest.raises(ValueError, match=f"digit is {digit}; give -1 .* from 0 to 9"):
        model.prefill(cache, torch.arange(2), x, digits)
    assert cache.digits.tolist() == [10, 10]  # unchanged


@pytest.mark.parametrize("name", WITH_CLASSES)
@pytest.mark.parametrize("rows", [0, 2])
def test_a_digit_is_sampled_first_and_then_the_pixels_for_it(name, rows):
    """Reference and cached sampler agree, alone and in a batch; the picture is the one of a request for that digit."""
    model = tiny_model(name, 5, 6)
    drawing = drawing_with_known_rows(model, rows)
    request = Request(*drawing, samples=16, seed=4, digit=ClassChoice.SAMPLED, temperature=0.7)
    *_, reference = sample_reference(prepare(model, request))
    *_, cached = sample_cached(prepare(model, request))
    assert (reference.images == cached.images).all() and (reference.digits == cached.digits).all()
    assert len(set(cached.digits)) > 1
    np.testing.assert_allclose(reference.nats, cached.nats, atol=1e-10)
    *_, alone = sample_cached(prepare(model, replace(request, samples=1)))
    assert (alone.images == cached.images[:1]).all() and alone.digits == cached.digits[:1]
    sample = int(np.argmax(cached.digits != cached.digits[0]))
    *_, given = sample_cached(prepare(model, replace(request, digit=int(cached.digits[sample]))))
    assert (given.images[sample] == cached.images[sample]).all()
    np.testing.assert_allclose(given.nats[sample], cached.nats[sample], atol=1e-10)
    *_, one = sample_cached(prepare(model, replace(request, samples=1, first_sample=sample)))
    assert (one.images[0] == cached.images[sample]).all() and one.digits[0] == cached.digits[sample]


@pytest.mark.parametrize("name", WITH_CLASSES)
@torch.inference_mode()
def test_known_probabilities_are_those_of_the_mixture_if_the_digit_is_sampled(name):
    """Their product is the mean over all classes of the likelihood of the known rows."""
    model = tiny_model(name, 5, 6)
    request = Request(*drawing_with_known_rows(model, 2), digit=ClassChoice.SAMPLED)
    *_, result = sample_cached(prepare(model, request))
    x = torch.from_numpy(result.images).repeat(model.classes, 1, 1)
    likelihoods = torch.exp(-model.nats(x, torch.arange(model.classes))[:, :2].sum((1, 2)))
    np.testing.assert_allclose(result.known_probabilities.prod(), likelihoods.mean().item(), rtol=1e-10)


@pytest.mark.parametrize("name", WITH_CLASSES)
@torch.inference_mode()
def test_sampled_digits_follow_the_class_posterior(name):
    """Frequencies in 6 400 completions against p(digit | known rows), by chi-square."""
    model = tiny_model(name, 5, 6)
    drawing, known = drawing_with_known_rows(model, 2)
    counts = np.zeros(model.classes)
    x = prepare(model, Request(drawing, known)).picture.view(1, *known.shape)
    log_p = prefix_log_likelihoods(model, x)[0]
    for seed in range(100):
        job = prepare(model, Request(drawing, known, 64, seed=seed, digit=ClassChoice.SAMPLED))
        counts += np.bincount(job.sample_digits(log_p), minlength=10)
    expected = 6400 * class_posterior(model, x, torch.from_numpy(known == 1))[0].numpy()
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert chi_square < 27.9, "9 degrees of freedom: exceeded once in a thousand, and the seeds are fixed"


def test_every_parameter_gets_a_gradient(name):
    model = tiny_model(name, 5, 6).train()
    digits = torch.arange(-1, model.classes) if model.classes else None  # every class, and none
    model.nats(random_images(model, 11), digits, hints_for(model, some_masks(model)[-1], 11)).sum().backward()
    for label, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, label
