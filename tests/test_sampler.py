import numpy as np
import pytest
from conftest import tiny_model

from pixelcnn import Request, complete, stream
from pixelcnn.trace import noise_for


def test_noise_depends_on_seed_and_sample_alone():
    few, many = noise_for(3, 2, 20), noise_for(3, 9, 20)
    assert (many[:2] == few).all()
    assert (few >= 0).all() and (few < 1).all()
    assert not np.isclose(few[0], few[1]).any() and not np.isclose(few, noise_for(4, 2, 20)).any()


def test_noise_is_the_same_on_every_machine():
    expected = [0.6369617, 0.2697867, 0.0409735]  # the first of default_rng(0), which numpy keeps
    np.testing.assert_allclose(noise_for(0, 1, 3)[0], expected, atol=1e-6)


def test_the_trace_grows_and_what_is_done_stays():
    model = tiny_model("pixelcnn", 5, 6)
    done, before = 0, None
    for trace in stream(model, Request(samples=3)):
        assert trace.done > done
        done = trace.done
        assert not trace.images.reshape(3, -1)[:, trace.order[done:]].any()
        if before is not None:
            assert (trace.probabilities[:, : before.shape[1]] == before).all()
        before = trace.probabilities.copy()
    assert trace.finished and done == 30


def test_the_answer_has_the_fields_of_the_contract():
    known = np.zeros((5, 6), int)
    known[0], known[1, :2] = 1, 1  # the unknown may begin in the middle of a row
    answer = complete(tiny_model("pixelcnn", 5, 6), np.zeros((5, 6)), known, samples=2, seed=9).answer()
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
def test_a_cold_temperature_takes_the_likelier_level(samples):
    trace = complete(tiny_model("pixelcnn", 5, 6), samples=samples, temperature=1e-9)
    assert (trace.images == trace.images[0]).all() and trace.probabilities.min() == 1


def test_different_seeds_draw_different_pictures():
    model = tiny_model("pixelcnn", 5, 6)
    assert (complete(model, seed=1).images != complete(model, seed=2).images).any()


def test_a_model_says_how_many_pixels_are_worth_trying_together():
    """The pictures are the same, the steps as many as the model's window asks for."""
    model = tiny_model("diagonal_bilstm", 5, 6)
    model.window = 1
    alone = complete(model, seed=5)
    model.window = 30
    together = complete(model, seed=5)
    assert alone.steps == 30 > together.steps and (alone.images == together.images).all()
