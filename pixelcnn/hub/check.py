"""Check a weights file before anything is built from it: its metadata, the names, sizes and values of its tensors.

A model is first built on the device "meta", without memory for parameters, and compared with the header of the file. Only
a file that fits is read, so a file cannot ask for more memory than its own size, or for more time than the bounds in
`ModelConfig` allow.
"""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, TypedDict

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from pixelcnn.errors import WeightsError, describe
from pixelcnn.hub.manifest import not_permitted
from pixelcnn.models.base import ConfigError, N, Registry

METADATA_KEY = "pixelcnn"
DTYPES = {torch.float32: ("F64", "F32", "F16", "BF16"), torch.int64: ("I64",)}  # of tensors that can become a parameter


class Metadata(TypedDict):
    """What a weights file says about itself."""

    model: str  # name in pixelcnn.models.MODELS or pixelcnn.exhibits.EXHIBITS
    config: dict
    dataset: str
    commit: str


def read_weights(path: Path, registry: Registry[N]) -> tuple[N, dict[str, Tensor]]:
    """The model of a file, on the device "meta", and its tensors. Raises WeightsError unless they fit and are finite.

    registry: the models that the file may be for.
    """
    try:
        if not path.is_file():  # opening a pipe would wait
            raise FileNotFoundError(path)
        with safe_open(path, "pt") as file:
            skeleton = build_skeleton(path, registry, (file.metadata() or {}).get(METADATA_KEY))
            expected = skeleton.state_dict()
            check_tensors(path, skeleton.name, expected, {key: file.get_slice(key) for key in file.keys()})  # noqa: SIM118
            tensors = {key: file.get_tensor(key).to("cpu", like.dtype) for key, like in expected.items()}
    except FileNotFoundError:
        raise WeightsError(
            "weights_not_found",
            "There is no weights file {path}. Give an entry of the manifest or the path of a .safetensors file.",
            path=str(path),
        ) from None
    except PermissionError:
        raise not_permitted(path) from None
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            "weights_unreadable",
            "{path} is not a complete safetensors file. Copy it again.",
            path=str(path),
        ) from error
    check_finite(path, tensors)
    return skeleton, tensors


def build_skeleton(path: Path, registry: Registry[N], metadata: str | None) -> N:
    """The model that the metadata of a file describes, on the device "meta". Raises WeightsError."""
    name, config = read_metadata(path, metadata)
    if name not in registry:
        raise WeightsError(
            "weights_unknown_model",
            "{path} is for the model {model}. This version has {models}.",
            path=str(path),
            model=describe(name),
            models=", ".join(registry),
        )
    model, options, *_ = registry[name]
    known = {option.name for option in fields(options)}
    for field in config:
        if field not in known:
            raise WeightsError(
                "weights_unknown_field",
                "The config in {path} has the field {field}, which {model} of this version does not have. "
                "Use the version that trained it.",
                path=str(path),
                field=describe(field),
                model=name,
            )
    try:
        with torch.device("meta"):
            return model(options(**config)).to(torch.float32)
    except ConfigError as error:
        raise WeightsError(
            "weights_config_field",
            "The config in {path} has {field} {given}. Expected a whole number: {expected}.",
            path=str(path),
            **error.params,
        ) from None


def read_metadata(path: Path, metadata: str | None) -> tuple[str, dict[str, Any]]:
    """The name and the config of the model, not yet checked. Raises WeightsError if there are none."""
    try:
        found = json.loads(metadata or "")
    except (ValueError, RecursionError):
        found = None
    name, config = (found.get("model"), found.get("config")) if isinstance(found, dict) else (None, None)
    if not isinstance(name, str) or not isinstance(config, dict):
        raise WeightsError(
            "weights_no_model",
            "{path} does not say which model it is for. Give a file that train.py or save_weights has written.",
            path=str(path),
        )
    return name, config


def check_tensors(path: Path, model: str, expected: dict[str, Tensor], found: dict[str, Any]) -> None:
    """Raises WeightsError unless the file has exactly the tensors of its model. found: safetensors' slices by name."""
    missing = next((key for key in expected if key not in found), None)
    if missing is not None:
        wrapped = next((key for key in found if key.endswith(f".{missing}")), None)
        if wrapped is not None:
            raise WeightsError(
                "weights_key_prefix",
                "The tensors in {path} have the prefix {prefix}, such as {key}. Save the state of the model itself, not of "
                "a wrapper around it.",
                path=str(path),
                prefix=wrapped.removesuffix(missing)[:40],
                key=wrapped[:80],
            )
        raise WeightsError(
            "weights_key_missing",
            "{path} lacks the tensor {key} of {model}. Copy it again or train it again.",
            path=str(path),
            key=missing,
            model=model,
        )
    for key, given in found.items():
        if key not in expected:
            raise WeightsError(
                "weights_key_unexpected",
                "{path} has the tensor {key}, which {model} with the config of the file does not have.",
                path=str(path),
                key=key[:80],
                model=model,
            )
        dtypes, shape = DTYPES[expected[key].dtype], list(expected[key].shape)
        if given.get_dtype() not in dtypes or given.get_shape() != shape:
            raise WeightsError(
                "weights_tensor",
                "The tensor {key} in {path} is {given}. {model} with the config of the file needs {expected}.",
                path=str(path),
                key=key,
                given=f"{given.get_dtype()} {given.get_shape()}"[:80],
                model=model,
                expected=f"{dtypes[min(1, len(dtypes) - 1)]} {shape}",
            )


def check_finite(path: Path, tensors: dict[str, Tensor]) -> None:
    """Raises WeightsError if a tensor contains NaN or infinity."""
    for key, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise WeightsError(
                "weights_not_finite",
                "The tensor {key} in {path} contains NaN or infinity. Train again, or use an earlier file.",
                key=key,
                path=str(path),
            )
