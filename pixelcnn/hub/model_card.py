"""The model card (README.md) of a Hub repository, generated from the manifest."""

from huggingface_hub import EvalResult, ModelCardData

from pixelcnn.hub.manifest import Manifest, is_exhibit

PAPERS = {
    "pixelcnn": "PixelCNN, arXiv:1601.06759",
    "row_lstm": "Row LSTM, arXiv:1601.06759",
    "diagonal_bilstm": "Diagonal BiLSTM, arXiv:1601.06759",
    "gated_pixelcnn": "Gated PixelCNN, arXiv:1606.05328",
    "pixelcnn_pp": "PixelCNN++, arXiv:1701.05517",
    "fast_weights": "fast weights, arXiv:1610.06258, as the row memory of an autoregressive model",
    "dnc": "Differentiable Neural Computer, doi:10.1038/nature20101, as the row memory of an autoregressive model",
    "dcgan": "DCGAN, arXiv:1511.06434, completes by search; no likelihood",
    "pix2pix": "pix2pix, arXiv:1611.07004, completes in one pass; no likelihood",
    "freeform": "ours: a causal network with attention that accepts any set of known pixels",
}
DATASETS = {
    "binarized-mnist": "MNIST, static binarization",
    "mnist-threshold": "MNIST, black from ink 128",
    "mnist-resampled": "MNIST, re-sampled binarization",
    "mnist-gray": "MNIST, 8-bit gray",
}
TEXT = """---
{data}
---

# {repo}

Autoregressive image models that complete handwritten digits, one pixel at a time; default: `{default}`.

![Samples of {default}](samples.png)

| weights | model | scored on | nats per picture | bits per pixel |
|---|---|---|---|---|
{rows}

The models were trained on MNIST (Y. LeCun, C. Cortes, C. Burges), some also on pen strokes: Pen-Based Recognition of
Handwritten Digits (E. Alpaydin, F. Alimoglu; UCI, CC BY 4.0). Nats are the negative log-likelihood of a picture, averaged
over the {split} split. Numbers on different data sets are not comparable.

## How to use

Show these weights in the demo, in a clone of its code:

```
python app.py --repo {repo}
```

Or load one of the files above in Python:

```
from huggingface_hub import hf_hub_download
from pixelcnn import complete, load

result = complete(load(hf_hub_download("{repo}", "{file}")), samples=16)
```

All files are safetensors and contain the name and config of their model. License of the weights: {license}, as for MNIST.
"""


METRICS = (("nats", "nll", "nats per picture"), ("bits_per_dim", "bits_per_dim", "bits per pixel"))


def model_card(manifest: Manifest, repo: str) -> str:
    """README.md of the repository, with its metrics in the Hub's `model-index` form."""
    entries = manifest["entries"]
    default = entries[manifest["default"]]
    rows = []
    for entry in entries.values():
        scored_on = "" if is_exhibit(entry) else DATASETS.get(entry["dataset"], entry["dataset"])
        model = PAPERS.get(entry["model"], entry["model"])
        scores = f"{entry.get('nats', '')} | {entry.get('bits_per_dim', '')}"
        rows.append(f"| `{entry['file']}` | {model} | {scored_on} | {scores} |")
    return TEXT.format(
        data=front_matter(manifest, repo).to_yaml().strip(),
        repo=repo,
        default=manifest["default"],
        rows="\n".join(rows),
        split=default["split"],
        file=default["file"],
        license=default["licence"],
    )


def front_matter(manifest: Manifest, repo: str) -> ModelCardData:
    """The metadata of the card."""
    entries = manifest["entries"]
    results = [
        EvalResult(
            task_type="unconditional-image-generation",
            dataset_type=entry["dataset"],
            dataset_name=DATASETS.get(entry["dataset"], entry["dataset"]),
            dataset_split=entry["split"],
            metric_type=metric,
            metric_name=name,
            metric_value=entry.get(key),
        )
        for entry in entries.values()
        for key, metric, name in METRICS
        if key in entry
    ]
    return ModelCardData(
        license=entries[manifest["default"]]["licence"].lower(),
        library_name="pytorch",
        pipeline_tag="unconditional-image-generation",
        tags=["pixelcnn", "autoregressive", "image-completion"],
        datasets=["ylecun/mnist"],
        model_name=repo.split("/")[1],
        eval_results=results,
    )
