"""The API endpoints /complete and /stream over real HTTP."""

import json
import time

import httpx
import numpy as np
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from benchmarks.clients import server_status
from pixelcnn import complete, load
from pixelcnn.serving.exhibit_queue import MAX_PENDING

DRAWING = [[255 if 5 <= row < 14 and 13 <= column < 15 else 0 for column in range(28)] for row in range(28)]
KNOWN = [[int(row < 14)] * 28 for row in range(28)]


@pytest.fixture(scope="module")
def client(server):
    return Client(server, verbose=False)


def test_complete_answers_as_the_library_does(client):
    answer = client.predict(DRAWING, KNOWN, "pixelcnn", 3, 0.8, 5, -1, api_name="/complete")
    same = complete(load("pixelcnn"), DRAWING, KNOWN, samples=3, temperature=0.8, seed=5).to_dict()
    assert answer["images"] == same["images"] and answer["order"] == same["order"]
    np.testing.assert_allclose(answer["nats"], same["nats"], atol=1e-3)
    assert list(answer) == list(same)


def test_parameters_have_names_and_defaults(client):
    answer = client.predict(drawing=DRAWING, known=KNOWN, api_name="/complete")
    assert answer["model"] == "freeform" and answer["seed"] == 0 and len(answer["images"]) == 1


def test_stream_grows_to_the_answer_of_complete(client):
    answers = list(client.submit(DRAWING, KNOWN, samples=16, api_name="/stream"))
    assert [len(answer["order"]) for answer in answers] == sorted(len(answer["order"]) for answer in answers)
    assert len(answers) >= 2 and len(answers[-1]["order"]) == 392
    assert answers[-1] == client.predict(DRAWING, KNOWN, samples=16, api_name="/complete")


def test_an_exhibit_improves_pictures_and_keeps_known_pixels(client):
    answers = list(client.submit(DRAWING, KNOWN, "dcgan", 2, 5, api_name="/exhibit"))
    steps = [answer["step"] for answer in answers]
    assert steps == sorted(steps) and steps[-1] == answers[-1]["steps"] and len(steps) >= 2
    for answer in answers:
        images = np.array(answer["images"])
        assert images.shape == (2, 28, 28) and (images[:, :14] == DRAWING[:14]).all()
        assert answer["model"] == "dcgan" and answer["seed"] == 5 and len(answer["captions"]) == 2
    first, last = ([message["params"]["error"] for message in answers[end]["caption_messages"]] for end in (0, -1))
    assert sum(last) < sum(first) and "read as" in answers[-1]["captions"][0]


@pytest.mark.long
@pytest.mark.parametrize("leave", ["cancel", "close"])
def test_an_exhibit_that_is_cancelled_or_whose_reader_is_gone_makes_room(server, client, leave):
    """More requests than may be in progress at once, left one after the other."""
    call, body = f"{server}/gradio_api/call/exhibit", {"data": [DRAWING, KNOWN, "dcgan", 64, 0]}
    for _ in range(MAX_PENDING + 1):
        if leave == "cancel":
            job = client.submit(DRAWING, KNOWN, "dcgan", 64, api_name="/exhibit")
            while not job.outputs():
                time.sleep(0.01)
            assert job.cancel()
        else:
            event = httpx.post(call, json=body, timeout=20).json()["event_id"]
            with httpx.stream("GET", f"{call}/{event}", timeout=20) as answer:
                line = next(answer.iter_lines())
                assert line == "event: generating", line
    assert len(client.predict(DRAWING, KNOWN, "dcgan", 1, api_name="/exhibit")["captions"]) == 1


@pytest.mark.long
def test_a_cancelled_stream_frees_its_slots_within_a_second(slow_server):
    job = Client(slow_server, verbose=False).submit(None, [[0] * 28] * 28, samples=16, api_name="/stream")
    while not job.outputs():
        time.sleep(0.01)
    assert server_status(slow_server)["active"] == 16 and job.cancel()
    cancelled = time.perf_counter()
    while server_status(slow_server)["active"] and time.perf_counter() - cancelled < 5:
        time.sleep(0.02)
    assert time.perf_counter() - cancelled < 1 and len(job.outputs()[-1]["order"]) < 784


@pytest.mark.parametrize("endpoint", ["/complete", "/stream"])
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"drawing": DRAWING[:3]}, "wrong_shape"),
        ({"drawing": [["x"] * 28] * 28}, "not_a_table"),
        ({"drawing": [[300] * 28] * 28}, "value_out_of_range"),
        ({"known": [[1] * 28] * 28}, "nothing_unknown"),
        ({"known": KNOWN[::-1]}, "known_after_unknown"),
        ({"model": "../weights/pixelcnn"}, "unknown_entry"),
        ({"samples": 65}, "not_a_whole_number"),
        ({"temperature": -1.0}, "not_positive"),
        ({"seed": -1}, "not_a_whole_number"),
        ({"model": ["pixelcnn"]}, "model_not_text"),
        ({"temperature": 10**400}, "not_positive"),
        ({"digit": 3}, "digit_not_supported"),
    ],
)
def test_errors_have_a_code_and_an_english_sentence(client, endpoint, changes, code):
    given = {"drawing": DRAWING, "known": KNOWN, "model": "pixelcnn"} | changes
    with pytest.raises(AppError) as caught:
        client.predict(**given, api_name=endpoint)
    assert caught.value.title == code
    assert caught.value.message.endswith(".") and "Traceback" not in caught.value.message


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"model": "freeform"}, "unknown_entry"), ({"samples": 65}, "not_a_whole_number"), ({"known": [[1]]}, "wrong_shape")],
)
def test_exhibits_refuse_what_they_cannot_do(client, changes, code):
    with pytest.raises(AppError) as caught:
        client.predict(**{"drawing": DRAWING, "known": KNOWN} | changes, api_name="/exhibit")
    assert caught.value.title == code and caught.value.message.endswith(".")


def test_errors_over_plain_http(server):
    call = f"{server}/gradio_api/call/complete"
    event = httpx.post(call, json={"data": [DRAWING, KNOWN, "", 65, 1.0, 0, -1]}, timeout=20).json()["event_id"]
    kind, data = httpx.get(f"{call}/{event}", timeout=20).text.strip().splitlines()
    answer = json.loads(data.removeprefix("data: "))
    assert kind == "event: error" and answer["title"] == "not_a_whole_number" and "samples is 65" in answer["error"]
