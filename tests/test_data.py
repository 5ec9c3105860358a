import io

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image

from pixelcnn.data import guess, load_digits, read_idx, resized, shifted
from pixelcnn.pictures import collect, in_folder, in_parquet, ink_of


def test_splits_of_the_sample(data):
    sizes = {split: len(load_digits("mnist-threshold", data, split)) for split in ("train", "valid", "test")}
    assert sizes == {"train": 100, "valid": 20, "test": 40}
    static = load_digits("binarized-mnist", data, "test")
    assert static.ink.shape == (40, 28, 28) and set(np.unique(static.ink)) == {0, 255}
    assert static.labels.shape == (40,) and static.labels.max() <= 9


def test_digits_stand_upright_in_the_middle(data):
    """Rows and columns are not swapped, ink is ink: MNIST keeps a margin of four, and its ones are tall."""
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


def test_threshold_is_at_128_and_resampling_follows_the_ink(data):
    digits = load_digits("mnist-threshold", data, "test")
    assert (digits.batch(np.arange(9), np.random.default_rng(0)) == (digits.ink[:9] >= 128)).all()
    resampled = load_digits("mnist-resampled", data, "test")
    draws = np.mean([resampled.batch(np.arange(5), np.random.default_rng(seed)) for seed in range(400)], 0)
    assert np.abs(draws - resampled.ink[:5] / 255).max() < 0.12


def test_shifted_moves_down_and_right():
    ink = np.zeros((3, 5, 5), np.uint8)
    ink[:, 2, 2] = 9
    moved = shifted(ink, np.array([[0, 0], [1, 2], [-2, -1]]))
    assert [tuple(np.argwhere(picture)[0]) for picture in moved] == [(2, 2), (3, 4), (0, 1)]
    assert (shifted(ink, np.array([[3, 0]] * 3)) == 0).all()


def test_parquet_as_the_hub_keeps_it(tmp_path):
    ink = np.pad(np.arange(2 * 26 * 26).reshape(2, 26, 26).astype(np.uint8), ((0, 0), (1, 1), (1, 1)))
    images = []
    for picture in ink:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "PNG")
        images.append({"bytes": file.getvalue(), "path": "x.png"})
    table = pyarrow.table({"image": images, "label": [3, 7]})
    pyarrow.parquet.write_table(table, tmp_path / "train.parquet")
    pictures, labels = collect(in_parquet(tmp_path / "train.parquet"), 28, 28, "a test")
    assert (pictures == ink).all() and labels.tolist() == [3, 7]


def picture_file(size: tuple[int, int], paper: int, ink: int, kind: str = "PNG") -> bytes:
    """A vertical stroke in the middle."""
    pixels = np.full(size, paper, np.uint8)
    pixels[:, size[1] * 2 // 5 : size[1] * 3 // 5] = ink
    pixels[0] = pixels[-1] = paper
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(("paper", "ink"), [(255, 0), (0, 255), (220, 40)])
@pytest.mark.parametrize("size", [(28, 28), (100, 60), (40, 90)])
def test_ink_is_what_stands_on_the_paper_whichever_is_dark(paper, ink, size):
    found = ink_of(picture_file(size, paper, ink), 20, 16)
    assert found.shape == (20, 16) and found[10, 8] > 150 and found[10, 1] < 60 and found[10, 14] < 60


@pytest.fixture
def doodles(tmp_path):
    """Twelve pictures of two kinds, and four files that are none or too odd."""
    for number in range(12):
        folder = tmp_path / "doodles" / str(number % 2)
        folder.mkdir(parents=True, exist_ok=True)
        kind = ("PNG", "JPEG")[number % 2]
        (folder / f"{number:02}.{kind.lower()}").write_bytes(picture_file((30 + number, 30), 255, 10 * number, kind))
    whole = picture_file((40, 40), 255, 0)
    for name, content in {"half.png": whole[:60], "empty.jpg": b"", "text.gif": b"hello", "thin.png": None}.items():
        (tmp_path / "doodles" / name).write_bytes(content if content is not None else picture_file((2, 300), 255, 0))
    return tmp_path / "doodles"


def test_a_folder_of_pictures_is_a_data_set_and_what_cannot_be_used_is_named(doodles, caplog):
    train, valid = (load_digits("pictures", doodles, split, (16, 24)) for split in ("train", "valid"))
    assert train.ink.shape == (10, 16, 24) and valid.ink.shape == (2, 16, 24) and train.levels == 2
    assert set(train.labels) == {0, 1} and load_digits("pictures-gray", doodles, "train").levels == 256
    for name in ("half.png", "empty.jpg", "text.gif", "thin.png"):
        assert f"{name}: " in caplog.text
    assert "12 pictures, 4 skipped" in caplog.text and "it is 300 x 2" in caplog.text
    with pytest.raises(ValueError, match="no pictures that can be used"):
        collect(in_folder(doodles / "2"), 28, 28, "an empty folder")


def test_mnist_at_another_size_and_what_a_source_is(data, doodles):
    assert load_digits("mnist-threshold", data, "train", (16, 20)).ink.shape == (100, 16, 20)
    assert resized(np.full((1, 28, 28), 200, np.uint8), (64, 64)).min() == 200
    assert guess(None, 2) == guess(data, 2) == "mnist-threshold" and guess(data, 256) == "mnist-gray"
    assert guess(doodles, 2) == guess("user/name", 2) == "pictures" and guess(doodles, 256) == "pictures-gray"


def test_what_is_missing_or_broken_is_named(data, tmp_path):
    with pytest.raises(FileNotFoundError, match="put MNIST's IDX files there"):
        load_digits("mnist-gray", tmp_path, "test")
    with pytest.raises(FileNotFoundError, match=r"binarized_mnist\.npz is missing"):
        load_digits("binarized-mnist", tmp_path, "test")
    with pytest.raises(ValueError, match="choose one of binarized-mnist, mnist-threshold"):
        load_digits("mnist", data, "test")
    with pytest.raises(ValueError, match="choose one of train, valid, test"):
        load_digits("mnist-gray", data, "all")
    for name, says in (("binarized_mnist.npz", "not a whole file of packed digits"), ("x.gz", "not a whole")):
        for content in (b"junk", (data / "t10k-labels-idx1-ubyte.gz").read_bytes()[:30], b""):
            (tmp_path / name).write_bytes(content)
            with pytest.raises(ValueError, match=says):
                load_digits("binarized-mnist", tmp_path, "test") if name.endswith("npz") else read_idx(tmp_path / "x")
        (tmp_path / name).unlink()
    (tmp_path / "half").write_bytes(b"\0\0\x08\x01\0\0\0\x09abc")
    with pytest.raises(ValueError, match="not a whole IDX file"):
        read_idx(tmp_path / "half")
