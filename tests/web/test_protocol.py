"""Decoding of what the page sends for a completion, and encoding of results for the page."""

import json

import numpy as np
import pytest

from pixelcnn import InputError, Request, complete, load, stream
from web.protocol import MAX_PARTS, decode_drawing, decode_entry, decode_parts, decode_request, decode_run, encode_results

KNOWN = [[int(row < 14)] * 28 for row in range(28)]


def test_a_drawing_is_decoded_from_hex_digits():
    ink, known = decode_drawing({"ink": "00ff8001" * 2, "known": "11110000"}, 2, 4)
    assert ink.tolist() == [[0, 255, 128, 1]] * 2
    assert known.tolist() == [[True] * 4, [False] * 4]


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (None, "drawing_missing"),
        ("x", "drawing_missing"),
        ([], "drawing_missing"),
        ({}, "drawing_missing"),
        ({"ink": "00" * 4}, "drawing_missing"),
        ({"ink": 5, "known": "1111"}, "drawing_missing"),
        ({"ink": "00" * 3, "known": "1111"}, "drawing_wrong_size"),
        ({"ink": "00" * 4, "known": "111"}, "drawing_wrong_size"),
        ({"ink": "0g" * 4, "known": "1111"}, "drawing_not_hex"),
        ({"ink": "\u0660\u0660" * 4, "known": "1111"}, "drawing_not_hex"),
        ({"ink": "00" * 4, "known": "1121"}, "drawing_not_hex"),
        ({"ink": "00" * 4, "known": "111\n"}, "drawing_not_hex"),
        ({"ink": "00" * 5_000_000, "known": "1" * 5_000_000}, "drawing_wrong_size"),
    ],
)
def test_invalid_drawings_are_rejected(payload, code):
    with pytest.raises(InputError) as caught:
        decode_drawing(payload, 2, 2)
    assert caught.value.code == code and caught.value.params["pixels"] == 4 and len(str(caught.value)) < 200


@pytest.mark.parametrize("parts", [None, {}, [], [1], [{}, None], [{}] * (MAX_PARTS + 1), "parts", 3])
def test_invalid_parts_are_rejected(parts):
    with pytest.raises(InputError) as caught:
        decode_parts(parts)
    assert caught.value.code == "parts_missing" and caught.value.params == {"maximum": MAX_PARTS}


@pytest.mark.parametrize("run", [None, 3, ["x"], "x" * 41])
def test_an_invalid_run_becomes_empty(run):
    assert decode_run(run) == "" and decode_run("abc") == "abc"


def test_the_model_is_a_string_or_missing():
    assert decode_entry(None) == decode_entry("") == "" and decode_entry("freeform") == "freeform"
    for model in (["pixelcnn"], 3, {"pixelcnn": 1}):
        with pytest.raises(InputError) as caught:
            decode_entry(model)
        assert caught.value.code == "model_not_text" and caught.value.params == {"type": type(model).__name__}


def test_a_part_without_a_digit_has_no_class_condition():
    drawing = {"ink": "00" * 4, "known": "1100"}
    request = decode_request({"drawing": drawing, "samples": 2, "temperature": 0.5, "seed": 3}, 2, 2)
    assert (request.samples, request.temperature, request.seed, request.digit) == (2, 0.5, 3, -1)


def test_messages_only_append():
    before = None
    for result in stream(load("pixelcnn"), Request(known=KNOWN, seed=3)):
        (part,) = encode_results("run", [None, result], [0.0, 1.0])["parts"]
        assert part["part"] == 1
        for name in ("drawn", "given", "bits"):
            assert before is None or part[name][0].startswith(before[name][0])
        before = part
    assert len(before["drawn"][0]) == 2 * 392 and len(before["given"][0]) == len(before["bits"][0]) == 4 * 392
    assert len(json.dumps(before)) < 40_000


def test_an_encoded_result_has_the_values_of_the_result():
    result = complete(load("pixelcnn"), None, KNOWN, samples=2, temperature=0.7, seed=3)
    (part,) = encode_results("run", [result], [1.0])["parts"]
    for sample in range(2):
        ink = np.frombuffer(bytes.fromhex(part["drawn"][sample]), np.uint8)
        given = np.frombuffer(bytes.fromhex(part["given"][sample]), ">u2") / 65535
        bits = np.frombuffer(bytes.fromhex(part["bits"][sample]), ">u2") / 1000
        assert (ink == 255 * result.x[sample, result.order]).all()
        np.testing.assert_allclose(given, result.probabilities[sample], atol=1e-5)
        np.testing.assert_allclose(bits.sum() * np.log(2), result.nats[sample], atol=0.2)
    known_bits = np.frombuffer(bytes.fromhex(part["known_bits"]), ">u2") / 1000
    np.testing.assert_allclose(known_bits, -np.log2(result.known_probabilities), atol=1e-3)
