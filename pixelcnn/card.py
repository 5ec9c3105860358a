"""The model card of a Hub repository, made from the manifest. Knows weights by what the manifest says of them."""

from huggingface_hub import EvalResult, ModelCardData

PAPERS = {
    "pixelcnn": "PixelCNN, arXiv:1601.06759",
    "row_lstm": "Row LSTM, arXiv:1601.06759",
    "diagonal_bilstm": "Diagonal BiLSTM, arXiv:1601.06759",
    "gated_pixelcnn": "Gated PixelCNN, arXiv:1606.05328",
    "pixelcnn_pp": "PixelCNN++, arXiv:1701.05517",
    "freeform": "ours: a causal network with attention that takes any known pixels",
}
DATASETS = {
    "binarized-mnist": "MNIST, static binarization",
    "mnist-threshold": "MNIST, ink from 128 on is black",
    "mnist-resampled": "MNIST, re-sampled binarization",
    "mnist-gray": "MNIST, 8-bit gray",
}
TEXT = """---
{data}
---

# {repo}

Autoregressive image models that complete handwritten digits, one pixel at a time; default: `{default}`.

![Samples of {default}](samples.png)

| weights | model | scored on | nats a picture | bits a pixel |
|---|---|---|---|---|
{rows}

Trained on MNIST (Y. LeCun, C. Cortes, C. Burges), and some also on pen strokes: Pen-Based Recognition of Handwritten
Digits (E. Alpaydin, F. Alimoglu; UCI, CC BY 4.0). Nats are minus the log-probability of a whole test picture, averaged
over the {split} split; numbers on different data are not comparable.

## How to use

In a clone of the demo's code, show these weights in its page:

```
python app.py --repo {repo}
```

Or from Python, with one of the files above:

```
from huggingface_hub import hf_hub_download
from pixelcnn import complete, load

trace = complete(load(hf_hub_download("{repo}", "{file}")), samples=16)
```

Files are safetensors; each holds the name and the size of its own model. Licence of the weights: {licence}, as MNIST's.
"""


def card(listed: dict, repo: str) -> str:
    """README.md of the repository, with its metrics in the Hub's `model-index` form."""
    default, entries = listed["entries"][listed["default"]], listed["entries"]
    results = [
        EvalResult(
            task_type="unconditional-image-generation",
            dataset_type=entry["dataset"],
            dataset_name=DATASETS.get(entry["dataset"], entry["dataset"]),
            dataset_split=entry["split"],
            metric_type=metric,
            metric_name=name,
            metric_value=entry[key],
        )
        for entry in entries.values()
        for key, metric, name in (("nats", "nll", "nats a picture"), ("bits_per_dim", "bits_per_dim", "bits a pixel"))
        if key in entry
    ]
    data = ModelCardData(
        license=default["licence"].lower(),
        library_name="pytorch",
        pipeline_tag="unconditional-image-generation",
        tags=["pixelcnn", "autoregressive", "image-completion"],
        datasets=["ylecun/mnist"],
        model_name=repo.split("/")[1],
        eval_results=results,
    )
    rows = []
    for entry in entries.values():
        model, data_set = PAPERS.get(entry["model"], entry["model"]), DATASETS.get(entry["dataset"], entry["dataset"])
        scores = f"{entry.get('nats', '')} | {entry.get('bits_per_dim', '')}"
        rows.append(f"| `{entry['file']}` | {model} | {data_set} | {scores} |")
    return TEXT.format(
        data=data.to_yaml().strip(),
        repo=repo,
        default=listed["default"],
        rows="\n".join(rows),
        split=default["split"],
        file=default["file"],
        licence=default["licence"],
    )
