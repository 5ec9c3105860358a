"""Errors with a code: their messages, types and pickling."""

import pickle

import pytest

from pixelcnn import InputError, UnavailableError, WeightsError


@pytest.mark.parametrize("kind", [InputError, WeightsError, UnavailableError])
def test_errors_format_their_message_and_survive_pickling(kind):
    error = kind("too_many", "There are {count} of {name}. Give fewer.", count=3, name="samples")
    for each in (error, pickle.loads(pickle.dumps(error))):
        assert type(each) is kind and str(each) == "There are 3 of samples. Give fewer."
        assert (each.code, each.params) == ("too_many", {"count": 3, "name": "samples"})


def test_all_errors_are_value_errors_and_input_errors():
    assert issubclass(InputError, ValueError)
    assert issubclass(WeightsError, InputError) and issubclass(UnavailableError, InputError)
