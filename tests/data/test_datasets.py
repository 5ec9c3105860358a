"""Data sets: levels, splits, formats of MNIST and of picture folders, and errors for files that cannot be used."""

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import torch
from PIL import Image

from pixelcnn.data import guess_dataset, load_digits, load_splits
from pixelcnn.data.dataset import shift_images
from pixelcnn.data.image_folder import decode_images, images_in_folder, images_in_parquet
from pixelcnn.data.mnist import read_idx, resize_images


def test_splits_of_the_sample(data):
    sizes = {split: len(load_digits("mnist-threshold", data, split)) for split in ("train", "valid", "test")}
    assert sizes == {"train": 100, "valid": 20, "test": 40}
    static = load_digits("binarized-mnist", data, "test")
    assert static.ink.shape == (40, 28, 28) and set(np.unique(static.ink)) == {0, 255}
    assert static.labels.shape == (40,) and static.labels.max() <= 9


def test_digits_are_upright_and_centered(data):
    """Rows and columns are not swapped and ink is not inverted: MNIST has a margin of four, and its ones are tall."""
    digits = load_digits("mnist-threshold", data, "train")
    assert digits.ink[:, :2].max() == 0 and digits.ink.mean() < 60
    ones = digits.ink[digits.labels == 1] >= 128
    assert ones.any(2).sum(1).mean() > 1.5 * ones.any(1).sum(1).mean()


@pytest.mark.parametrize(
    ("dataset", "levels"), [("mnist-threshold", 2), ("mnist-gray", 256), ("mnist-resampled", 2), ("binarized-mnist", 2)]
)
def test_levels(data, dataset, levels):
    digits = load_digits(dataset, data, "test")
    batch = digits.batch(np.arange(10), np.random.default_rng(0))
    assert batch.shape == (10, 28, 28) and batch.dtype == np.int64 and digits.levels == levels
    assert batch.min() == 0 and (batch.max() == 1 if levels == 2 else batch.max() > 200)


def test_threshold_is_128_and_resampling_follows_the_ink(data):
    digits = load_digits("mnist-threshold", data, "test")
    assert (digits.batch(np.arange(9), np.random.default_rng(0)) == (digits.ink[:9] >= 128)).all()
    resampled = load_digits("mnist-resampled", data, "test")
    draws = np.mean([resampled.batch(np.arange(5), np.random.default_rng(seed)) for seed in range(400)], 0)
    assert np.abs(draws - resampled.ink[:5] / 255).max() < 0.12


def test_shift_images_moves_down_and_right():
    ink = torch.zeros(3, 5, 7, dtype=torch.uint8)
    ink[:, 2, 2] = 9
    moved = shift_images(ink, torch.tensor([[0, 0], [1, 4], [-2, -1]]))
    assert moved.dtype == torch.uint8 and moved.nonzero().tolist() == [[0, 2, 2], [1, 3, 6], [2, 0, 1]]
    assert (shift_images(ink, torch.tensor([[3, 0], [0, -3], [-9, 9]])) == 0).all()


def test_fingerprint_depends_on_the_pictures_alone(data):
    first, again, other = (load_digits("mnist-threshold", data, split) for split in ("train", "train", "valid"))
    assert first.fingerprint() == again.fingerprint() != other.fingerprint()


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def write_parquet(path: Path, ink: np.ndarray, labels: list[int]) -> None:
    """Pictures as the Hub stores them."""
    images = [{"bytes": png(picture), "path": "x.png"} for picture in ink]
    pyarrow.parquet.write_table(pyarrow.table({"image": images, "label": labels}), path)


def test_parquet_files_of_the_hub(tmp_path):
    ink = np.pad(np.arange(2 * 26 * 26).reshape(2, 26, 26).astype(np.uint8), ((0, 0), (1, 1), (1, 1)))
    write_parquet(tmp_path / "train.parquet", ink, [3, 7])
    pictures, labels = decode_images(images_in_parquet(tmp_path / "train.parquet"), 28, 28, "a test")
    assert (pictures == ink).all() and labels.tolist() == [3, 7]


@pytest.mark.parametrize("size", [(28, 28), (16, 20), (40, 24)])
def test_mnist_from_a_folder_and_from_the_hub_is_the_same_at_every_size(data, tmp_path, size, monkeypatch):
    """The aspect ratio is kept and the rest is padded with paper."""
    write_parquet(tmp_path / "train.parquet", read_idx(data / "train-images-idx3-ubyte"), [0] * 120)
    files = list(images_in_parquet(tmp_path / "train.parquet"))
    monkeypatch.setattr("pixelcnn.data.mnist.images_on_hub", lambda name, part: files)
    from_folder, from_hub = (load_digits("mnist-gray", source, "train", size) for source in (data, None))
    assert from_folder.ink.shape == (100, *size) and (from_folder.ink == from_hub.ink).all()
    margin = abs(size[0] - size[1]) // 2
    edges = from_folder.ink if size[0] > size[1] else from_folder.ink.transpose(0, 2, 1)
    assert not margin or not edges[:, [*range(margin), *range(-margin, 0)]].any()


def stroke_file(size: tuple[int, int], paper: int, ink: int, kind: str = "PNG") -> bytes:
    """A picture file (height, width) with a vertical stroke in the middle."""
    pixels = np.full(size, paper, np.uint8)
    pixels[:, size[1] * 2 // 5 : size[1] * 3 // 5] = ink
    pixels[0] = pixels[-1] = paper
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


@pytest.fixture
def doodles(tmp_path):
    """Twelve pictures in two folders named after digits, and four files that cannot be used."""
    for number in range(12):
        folder = tmp_path / "doodles" / str(number % 2)
        folder.mkdir(parents=True, exist_ok=True)
        kind = ("PNG", "JPEG")[number % 2]
        (folder / f"{number:02}.{kind.lower()}").write_bytes(stroke_file((30 + number, 30), 255, 10 * number, kind))
    truncated, thin = stroke_file((40, 40), 255, 0)[:60], stroke_file((2, 300), 255, 0)
    for name, content in {"half.png": truncated, "empty.jpg": b"", "text.gif": b"hello", "thin.png": thin}.items():
        (tmp_path / "doodles" / name).write_bytes(content)
    return tmp_path / "doodles"


def test_a_folder_of_pictures_is_a_data_set(doodles):
    train, valid = load_splits("pictures", doodles, ("train", "valid"), (16, 24))
    assert train.ink.shape == (10, 16, 24) and valid.ink.shape == (2, 16, 24) and train.levels == 2
    assert set(train.labels) == {0, 1} and load_digits("pictures-gray", doodles, "train").levels == 256
    with pytest.raises(ValueError, match="no pictures that can be used"):
        decode_images(images_in_folder(doodles / "2"), 28, 28, "an empty folder")


def test_files_that_cannot_be_used_are_named_once_with_the_reason(doodles, caplog):
    """For both splits of a training together, whatever their names."""
    Image.new("L", (40, 40), 230).save(doodles / "blank.png")
    (doodles / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(99))
    (doodles / "link").symlink_to(doodles / "nothing")
    os.mkfifo(doodles / "pipe.png")
    load_splits("pictures", doodles, ("train", "valid"), (16, 24))
    (record,) = caplog.records
    first, *lines = record.getMessage().splitlines()
    assert first == f"{doodles}: 12 pictures are used, 8 skipped:"
    reasons = {Path(line.split(": ")[0]).name: line for line in lines}
    expected = {"half.png": "is damaged", "empty.jpg": "not a picture", "text.gif": "not a picture", "thin.png": "300 x 2"}
    expected |= {"photo.heic": "convert it to PNG or JPEG", "blank.png": "it is blank"}
    expected |= {"link": "neither a file nor a link to one", "pipe.png": "neither a file nor a link to one"}
    assert len(lines) == len(reasons) and reasons.keys() == expected.keys()
    for name, reason in expected.items():
        assert reason in reasons[name]
    assert "<_io" not in record.getMessage()


def test_any_name_and_linked_folders_are_read_and_hidden_files_are_not(doodles, tmp_path, caplog):
    for name in ("half.png", "empty.jpg", "text.gif", "thin.png"):
        (doodles / name).unlink()
    elsewhere = tmp_path / "fives"
    elsewhere.mkdir()
    for name, kind in (("a.jfif", "JPEG"), ("b.avif", "AVIF"), ("c", "PNG"), (".d.png", "PNG"), ("Thumbs.png", "PNG")):
        (elsewhere / name).write_bytes(stroke_file((40, 40), 255, 0, kind))
    (elsewhere / ".cache").mkdir()
    (elsewhere / ".cache" / "e.png").write_bytes(stroke_file((40, 40), 255, 0))
    (doodles / "5").symlink_to(elsewhere)
    (elsewhere / "loop").symlink_to(doodles)
    _, labels = decode_images(images_in_folder(doodles), 28, 28, "doodles")
    assert (labels == 5).sum() == 4 and len(labels) == 16
    assert f"{doodles / '5' / 'loop'}: it is a link to a folder that is read already" in caplog.text


def test_folders_and_files_that_may_not_be_read_are_named(doodles, caplog, monkeypatch):
    """Tests may run as root, who may read everything, so the operating system's answer is simulated."""

    def refuse(name: str, call: Callable) -> Callable:
        def called(path, *args, **kwargs):
            if Path(path).name == name:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return call(path, *args, **kwargs)

        return called

    monkeypatch.setattr(os, "scandir", refuse("1", os.scandir))
    monkeypatch.setattr("builtins.open", refuse("00.png", open))
    ink, _ = decode_images(images_in_folder(doodles), 28, 28, "doodles")
    assert len(ink) == 5
    for name in (doodles / "1", doodles / "0" / "00.png"):
        assert f"{name}: it cannot be opened (Permission denied)" in caplog.text


def test_files_of_two_splits_are_read_once(doodles, data, tmp_path, monkeypatch):
    write_parquet(tmp_path / "train.parquet", read_idx(data / "train-images-idx3-ubyte"), [0] * 120)
    calls = []

    def images(name, part):
        calls.append(part)
        return images_in_parquet(tmp_path / "train.parquet")

    monkeypatch.setattr("pixelcnn.data.mnist.images_on_hub", images)
    train, valid = load_splits("mnist-gray", None, ("train", "valid"))
    assert (len(train), len(valid), calls) == (100, 20, ["train"])


def test_rows_without_a_picture_and_labels_that_are_no_digits(tmp_path, monkeypatch, caplog):
    """Also across the pieces that a file is read in."""
    monkeypatch.setattr("pixelcnn.data.image_folder.ROWS_AT_ONCE", 3)
    images = [{"bytes": stroke_file((40, 40), 255, 0), "path": "x.png"}] * 8
    images[4:6] = [None, {"bytes": None, "path": "y.png"}]
    labels = [0, 9, 10, None, 1, 1, -1, 2]
    pyarrow.parquet.write_table(pyarrow.table({"image": images, "label": labels}), tmp_path / "a.parquet")
    assert decode_images(images_in_parquet(tmp_path / "a.parquet"), 28, 28, "a test")[1].tolist() == [0, 9, -1, -1, -1, 2]
    for row in (4, 5):
        assert f"a.parquet, row {row}: it is not a picture" in caplog.text
    pyarrow.parquet.write_table(pyarrow.table({"text": ["hello"]}), tmp_path / "b.parquet")
    with pytest.raises(ValueError, match=r"b\.parquet has no column of pictures"):
        list(images_in_parquet(tmp_path / "b.parquet"))


def test_a_data_set_of_the_hub_that_cannot_be_downloaded_advises_a_folder(tmp_path, monkeypatch):
    """Not an option of the command line, because train.py and evaluate have different ones."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ValueError, match="cannot be downloaded") as caught:
        load_digits("pictures", "user/there-is-none", "test")
    assert "give a folder instead." in str(caught.value) and "--" not in str(caught.value)


def test_a_damaged_picture_of_mnist_on_the_hub_is_an_error(tmp_path, monkeypatch):
    table = pyarrow.table({"image": [{"bytes": b"hello", "path": "x.png"}], "label": [3]})
    pyarrow.parquet.write_table(table, tmp_path / "train.parquet")
    monkeypatch.setattr("pixelcnn.data.mnist.images_on_hub", lambda *_: images_in_parquet(tmp_path / "train.parquet"))
    with pytest.raises(ValueError, match=r"train\.parquet, row 0 of ylecun/mnist is damaged"):
        load_digits("mnist-gray", None, "train")


def test_mnist_at_another_size(data):
    assert load_digits("mnist-threshold", data, "train", (16, 20)).ink.shape == (100, 16, 20)
    assert resize_images(np.full((1, 28, 28), 200, np.uint8), (64, 64)).min() == 200


def test_the_data_set_is_guessed_from_the_files(data, doodles, tmp_path):
    assert guess_dataset(None, 2) == guess_dataset(data, 2) == "mnist-threshold"
    assert guess_dataset(None, 256) == guess_dataset(data, 256) == "mnist-gray"
    assert guess_dataset(doodles, 2) == guess_dataset("user/name", 2) == "pictures"
    assert guess_dataset(doodles, 256) == "pictures-gray"
    static = tmp_path / "static"
    static.mkdir()
    (static / "binarized_mnist.npz").write_bytes((data / "binarized_mnist.npz").read_bytes())
    assert guess_dataset(static, 2) == "binarized-mnist"


def test_missing_and_damaged_files_are_named(data, tmp_path):
    with pytest.raises(FileNotFoundError, match="put MNIST's IDX files there"):
        load_digits("mnist-gray", tmp_path, "test")
    with pytest.raises(FileNotFoundError, match=r"binarized_mnist\.npz is missing"):
        load_digits("binarized-mnist", tmp_path, "test")
    with pytest.raises(ValueError, match="binarized-mnist is not on the Hub; give the folder"):
        load_digits("binarized-mnist", None, "test")
    with pytest.raises(ValueError, match="choose one of binarized-mnist, mnist-threshold"):
        load_digits("mnist", data, "test")
    with pytest.raises(ValueError, match="choose one of train, valid, test"):
        load_digits("mnist-gray", data, "all")
    for name, message in (("binarized_mnist.npz", "not a complete file of packed digits"), ("x.gz", "not a complete")):
        for content in (b"junk", (data / "t10k-labels-idx1-ubyte.gz").read_bytes()[:30], b""):
            (tmp_path / name).write_bytes(content)
            with pytest.raises(ValueError, match=message):
                load_digits("binarized-mnist", tmp_path, "test") if name.endswith("npz") else read_idx(tmp_path / "x")
        (tmp_path / name).unlink()
    (tmp_path / "half").write_bytes(b"\0\0\x08\x01\0\0\0\x09abc")
    with pytest.raises(ValueError, match="not a complete IDX file"):
        read_idx(tmp_path / "half")
