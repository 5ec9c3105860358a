"""The doors for programs, over real HTTP on loopback, and start-up."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from benchmarks import visitors
from benchmarks.soak import slow_weights
from benchmarks.visitors import house
from pixelcnn import complete, load
from web.page import Doors

ROOT = Path(__file__).parent.parent
DRAWING = [[255 if 5 <= row < 14 and 13 <= column < 15 else 0 for column in range(28)] for row in range(28)]
KNOWN = [[int(row < 14)] * 28 for row in range(28)]


@pytest.fixture(scope="module")
def client(server):
    return Client(server, verbose=False)


def test_complete_answers_as_the_library_does(client):
    answer = client.predict(DRAWING, KNOWN, "pixelcnn", 3, 0.8, 5, -1, api_name="/complete")
    same = complete(load("pixelcnn"), DRAWING, KNOWN, samples=3, temperature=0.8, seed=5).answer()
    assert answer["images"] == same["images"] and answer["order"] == same["order"]
    np.testing.assert_allclose(answer["nats"], same["nats"], atol=1e-3)
    assert list(answer) == list(same)


def test_named_parameters_have_defaults(client):
    answer = client.predict(drawing=DRAWING, known=KNOWN, api_name="/complete")
    assert answer["model"] == "freeform" and answer["seed"] == 0 and len(answer["images"]) == 1


def test_stream_grows_to_the_same_answer(client):
    job = client.submit(DRAWING, KNOWN, samples=16, api_name="/stream")
    answers = list(job)
    assert [len(answer["order"]) for answer in answers] == sorted(len(answer["order"]) for answer in answers)
    assert len(answers) >= 2 and len(answers[-1]["order"]) == 392
    assert answers[-1] == client.predict(DRAWING, KNOWN, samples=16, api_name="/complete")


@pytest.mark.long
def test_a_cancelled_stream_frees_its_slots_within_a_second(slow_server):
    job = Client(slow_server, verbose=False).submit(None, [[0] * 28] * 28, samples=16, api_name="/stream")
    while not job.outputs():
        time.sleep(0.01)
    assert house(slow_server)["active"] == 16 and job.cancel()
    cancelled = time.perf_counter()
    while house(slow_server)["active"] and time.perf_counter() - cancelled < 5:
        time.sleep(0.02)
    assert time.perf_counter() - cancelled < 1 and len(job.outputs()[-1]["order"]) < 784


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"drawing": DRAWING[:3]}, "drawing is 3 x 28; expected 28 rows of 28 numbers from 0 to 255"),
        ({"drawing": [["x"] * 28] * 28}, "not a table of numbers"),
        ({"drawing": [[300] * 28] * 28}, "from 0 to 300"),
        ({"known": [[1] * 28] * 28}, "nothing to fill"),
        ({"known": KNOWN[::-1]}, "pixelcnn fills from the top"),
        ({"model": "../weights/pixelcnn"}, "choose one of pixelcnn"),
        ({"samples": 65}, "whole number from 1 to 64"),
        ({"temperature": -1.0}, "above 0"),
        ({"seed": -1}, "seed is -1"),
        ({"model": ["pixelcnn"]}, "of type list"),
        ({"temperature": 10**400}, "far too large"),
        ({"digit": 3}, "cannot be told to draw a 3"),
    ],
)
def test_bad_input_gets_one_sentence(client, changes, says):
    given = {"drawing": DRAWING, "known": KNOWN, "model": "pixelcnn"} | changes
    for door in ("/complete", "/stream"):
        with pytest.raises(AppError) as caught:
            client.predict(**given, api_name=door)
        assert says in str(caught.value) and "Traceback" not in str(caught.value)


def listed(steps) -> list:
    """All that an asynchronous generator yields."""

    async def collect() -> list:
        return [step async for step in steps]

    return asyncio.run(collect())


def asked(**changes) -> gr.EventData:
    """The page's question for the lower half of an empty drawing, with changes to its part."""
    drawing = {"ink": "00" * 784, "known": "1" * 392 + "0" * 392}
    part = {"drawing": drawing, "model": "pixelcnn", "samples": 1, "temperature": 1.0, "seed": 3, "digit": -1}
    return gr.EventData(None, {"run": "abc", "parts": [part | changes]})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"drawing": {"ink": "00", "known": "1"}}, "expected 784 pixels"),
        ({"drawing": None}, "sent no drawing"),
        ({"temperature": None}, "temperature is None"),
        ({"seed": None}, "seed is None"),
        ({"model": ["pixelcnn"]}, "choose one of"),
        ({"digit": "x"}, "digit is 'x'"),
    ],
)
def test_an_error_of_the_page_is_a_gradio_error(engine, changes, says):
    with pytest.raises(gr.Error, match=says):
        listed(Doors(engine).page(asked(**changes)))


@pytest.mark.parametrize("data", [None, {}, {"parts": []}, {"parts": [1]}, {"parts": [{}] * 5}, [1], "parts"])
def test_what_is_no_question_is_one_sentence(engine, data):
    with pytest.raises(gr.Error, match="sent no question"):
        listed(Doors(engine).page(gr.EventData(None, data)))


def test_a_closed_stream_stops_computing(engine):
    async def begin_and_leave() -> None:
        steps = Doors(engine).stream(None, None, samples=64)
        assert len((await anext(steps))["order"]) < 784
        await steps.aclose()

    asyncio.run(begin_and_leave())
    for _ in range(100):
        if engine.counters()["cancelled"] and not engine.counters()["active"]:
            break
        time.sleep(0.01)
    assert engine.counters()["active"] == 0 and engine.counters()["cancelled"] == 1


def test_the_trained_model_needs_few_steps():
    """Why the sampler is so much faster, counted rather than timed: steps for 392 pixels."""
    trace = complete(load("pixelcnn"), DRAWING, KNOWN)
    assert trace.steps < 392 / 8


def test_messages_only_ever_grow_and_are_small(engine):
    before = None
    for message in listed(Doors(engine).page(asked())):
        assert message["run"] == "abc"
        (part,) = message["parts"]
        for kind in ("drawn", "given", "bits"):
            assert before is None or part[kind][0].startswith(before[kind][0])
        before = part
    assert len(before["drawn"][0]) == 2 * 392 and len(before["given"][0]) == len(before["bits"][0]) == 4 * 392
    assert len(json.dumps(before)) < 40_000


def test_a_message_says_what_the_trace_does(engine):
    (part,) = listed(Doors(engine).page(asked(samples=2, temperature=0.7)))[-1]["parts"]
    trace = complete(load("pixelcnn"), None, KNOWN, samples=2, temperature=0.7, seed=3)
    for sample in range(2):
        ink = np.frombuffer(bytes.fromhex(part["drawn"][sample]), np.uint8)
        given = np.frombuffer(bytes.fromhex(part["given"][sample]), ">u2") / 65535
        bits = np.frombuffer(bytes.fromhex(part["bits"][sample]), ">u2") / 1000
        assert (ink == 255 * trace.x[sample, trace.order]).all()
        np.testing.assert_allclose(given, trace.probabilities[sample], atol=1e-5)
        np.testing.assert_allclose(bits.sum() * np.log(2), trace.nats[sample], atol=0.2)
    known = np.frombuffer(bytes.fromhex(part["known_bits"]), ">u2") / 1000
    np.testing.assert_allclose(known, -np.log2(trace.known_probabilities), atol=1e-3)


def test_two_models_answer_side_by_side(engine):
    parts = [asked(model=name)._data["parts"][0] for name in ("pixelcnn", "freeform")]
    last = listed(Doors(engine).page(gr.EventData(None, {"run": "x", "parts": parts})))[-1]["parts"]
    assert [part["model"] for part in last] == ["pixelcnn", "freeform"]
    assert all(len(part["drawn"][0]) == 2 * 392 for part in last)


def test_a_wrong_part_stops_the_others(engine):
    parts = [asked()._data["parts"][0], asked(seed=-1)._data["parts"][0]]
    with pytest.raises(gr.Error, match="seed is -1"):
        listed(Doors(engine).page(gr.EventData(None, {"run": "x", "parts": parts})))


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        (["--weights", "nothing"], {}, "choose one of pixelcnn"),
        (["--weights", "/nowhere/x.safetensors"], {}, "There are no weights at /nowhere/x.safetensors"),
        (["--device", "tpu"], {}, "invalid choice"),
        ([], {"GRADIO_SERVER_PORT": "abc"}, "give a port from 1 to 65535"),
        ([], {"GRADIO_SERVER_PORT": "99999"}, "give a port from 1 to 65535"),
        ([], {"GRADIO_SERVER_NAME": "10.255.255.1"}, "GRADIO_SERVER_NAME is '10.255.255.1', no address of this machine"),
    ],
)
def test_what_cannot_start_is_one_sentence(arguments, environment, says):
    run = subprocess.run(
        [sys.executable, "app.py", *arguments], cwd=ROOT, env=os.environ | environment, capture_output=True, text=True
    )
    assert run.returncode != 0 and says in run.stderr and "Traceback" not in run.stderr


@pytest.mark.long
def test_a_full_house_is_told_to_those_who_come_last(tmp_path):
    """Twelve people ask for sixteen slow pictures each where 64 fit and 16 may wait; nobody hangs."""
    with visitors.server("--weights", slow_weights(tmp_path), "--slots", "64", "--waiting", "16") as page:
        visits = visitors.crowd(page, 12, 16)
    assert all(visit.done_s for visit in visits)
    refused = [visit.refused for visit in visits if visit.refused]
    assert 0 < len(refused) < 12 and all("The house is full" in sentence for sentence in refused)
    assert all("try again in" in sentence for sentence in refused)


def test_a_port_in_use_is_one_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        environment = os.environ | {"GRADIO_SERVER_PORT": port}
        run = subprocess.run(
            [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
        )
    assert run.returncode != 0 and port in run.stderr and "Traceback" not in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1, run.stderr
