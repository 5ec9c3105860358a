"""`complete` and `stream`: noise, seeds, temperatures and the fields of results."""

import numpy as np
import pytest
from conftest import tiny_model

from pixelcnn import Request, complete, stream
from pixelcnn.sampling.result import noise_for, prepare


def test_noise_depends_on_seed_and_sample_number_only():
    few, many = noise_for(3, 2, 20), noise_for(3, 9, 20)
    assert (many[:2] == few).all() and (noise_for(3, 2, 20, first=5) == many[5:7]).all()
    assert (few >= 0).all() and (few < 1).all()
    assert not np.isclose(few[0], few[1]).any() and not np.isclose(few, noise_for(4, 2, 20)).any()


def test_noise_is_the_same_on_every_machine():
    expected = [0.6369617, 0.2697867, 0.0409735]  # the first numbers of default_rng(0), which NumPy keeps stable
    np.testing.assert_allclose(noise_for(0, 1, 3)[0], expected, atol=1e-6)


def test_a_result_grows_and_final_pixels_do_not_change():
    model = tiny_model("pixelcnn", 5, 6)
    done, before = 0, None
    for result in stream(model, Request(samples=3)):
        assert result.done > done
        done = result.done
        assert not result.images.reshape(3, -1)[:, result.order[done:]].any()
        if before is not None:
            assert (result.probabilities[:, : before.shape[1]] == before).all()
        before = result.probabilities.copy()
    assert result.finished and done == 30


def test_a_new_result_has_separate_arrays():
    """Writing probabilities must not change the nats, nor one sample another."""
    result = prepare(tiny_model("pixelcnn", 5, 6), Request(samples=2)).result
    arrays = [result.x, result.drawn_probs, result.pixel_nats]
    for index, array in enumerate(arrays):
        assert array.shape == (2, 30)
        assert not any(np.shares_memory(array, other) for other in arrays[index + 1 :])
    result.drawn_probs[0, 3] = 0.5
    result.x[0, 3] = 1
    assert not result.pixel_nats.any() and not result.drawn_probs[1].any() and not result.x[1].any()


def test_a_snapshot_does_not_change_with_later_steps():
    model = tiny_model("pixelcnn", 5, 6)
    snapshots, dicts = [], []
    for result in stream(model, Request(samples=2)):
        snapshots.append(result.snapshot())
        dicts.append(result.to_dict())
    assert [snapshot.to_dict() for snapshot in snapshots] == dicts


def test_the_answer_has_the_fields_of_the_contract():
    known = np.zeros((5, 6), int)
    known[0], known[1, :2] = 1, 1  # the unknown pixels begin in the middle of a row
    answer = complete(tiny_model("pixelcnn", 5, 6), np.zeros((5, 6)), known, samples=2, seed=9).to_dict()
    assert list(answer) == [
        *("model", "seed", "levels", "order", "images", "probabilities", "nats", "known_order", "known_probabilities"),
        "digits",
    ]
    assert answer["order"][0] == [1, 2] and len(answer["order"]) == 22
    assert answer["known_order"][-1] == [1, 1] and len(answer["known_probabilities"]) == 8
    assert np.shape(answer["images"]) == (2, 5, 6) and np.shape(answer["probabilities"]) == (2, 22)
    assert len(answer["nats"]) == 2 and all(nats > 0 for nats in answer["nats"])
    assert (answer["model"], answer["seed"], answer["levels"]) == ("pixelcnn", 9, 2)


@pytest.mark.parametrize("samples", [1, 5])
def test_a_very_low_temperature_takes_the_most_likely_level(samples):
    result = complete(tiny_model("pixelcnn", 5, 6), samples=samples, temperature=1e-9)
    assert (result.images == result.images[0]).all() and result.probabilities.min() == 1


def test_different_seeds_draw_different_pictures():
    model = tiny_model("pixelcnn", 5, 6)
    assert (complete(model, seed=1).images != complete(model, seed=2).images).any()


@pytest.mark.parametrize("cached", [True, False])
def test_first_sample_selects_one_completion_of_many(cached):
    model = tiny_model("freeform", 5, 6)
    many = complete(model, samples=6, seed=2, cached=cached)
    one = complete(model, seed=2, first_sample=5, cached=cached)
    assert (one.images[0] == many.images[5]).all() and one.nats[0] == pytest.approx(many.nats[5])


def test_the_window_of_a_model_bounds_the_pixels_per_step():
    """The pictures are the same; only the number of steps differs."""
    model = tiny_model("diagonal_bilstm", 5, 6)
    model.window = 1
    one_by_one = complete(model, seed=5)
    model.window = 30
    windows = complete(model, seed=5)
    assert one_by_one.steps == 30 > windows.steps and (one_by_one.images == windows.images).all()
