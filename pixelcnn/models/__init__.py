"""The registry: a model's name, its class, its config. One model, one file, one paper."""

from dataclasses import asdict

from pixelcnn.models import (
    diagonal_bilstm,
    dnc,
    fast_weights,
    freeform,
    gated_pixelcnn,
    independent,
    pixelcnn,
    pixelcnn_pp,
    row_lstm,
)
from pixelcnn.models.base import AutoregressiveModel, Network, Registry

MODELS: Registry[AutoregressiveModel] = {
    "independent": (independent.Independent, independent.Config),
    "pixelcnn": (pixelcnn.PixelCNN, pixelcnn.Config),
    "row_lstm": (row_lstm.RowLSTM, row_lstm.Config),
    "diagonal_bilstm": (diagonal_bilstm.DiagonalBiLSTM, diagonal_bilstm.Config),
    "gated_pixelcnn": (gated_pixelcnn.GatedPixelCNN, gated_pixelcnn.Config),
    "pixelcnn_pp": (pixelcnn_pp.PixelCNNpp, pixelcnn_pp.Config),
    "fast_weights": (fast_weights.FastWeightsModel, fast_weights.Config),
    "dnc": (dnc.DNC, dnc.Config),
    "freeform": (freeform.Freeform, freeform.Config),
}


def build(name: str, **config) -> AutoregressiveModel:
    """A new model by its registry name; options left out take the config's defaults."""
    if name not in MODELS:
        raise ValueError(f"There is no model {name!r}; choose one of {', '.join(MODELS)}.")
    model, options = MODELS[name]
    return model(options(**config))


def config_of(model: Network) -> dict:
    """The config as plain numbers, to be stored beside the weights."""
    return asdict(model.config)
