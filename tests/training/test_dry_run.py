"""`--dry-run`: what the model would be trained on, as a summary and a contact sheet."""

import numpy as np
from PIL import Image
from training_command import arguments

import train
from pixelcnn.training.run import SHEET_PICTURES


def test_a_dry_run_shows_the_pictures_and_trains_nothing(tmp_path, capsys, caplog):
    """Fewer pictures than a batch, three of them with a label; one file that cannot be used."""
    folder, out = tmp_path / "doodles", tmp_path / "a.safetensors"
    (folder / "7").mkdir(parents=True)
    for number in range(12):
        image = Image.new("L", (40, 40), 240)
        image.paste(180, (10, 3 + 2 * number, 30, 10 + 2 * number))
        image.save(folder / ("7" if number < 3 else ".") / f"{number:02}.png")
    Image.new("L", (40, 40), 240).save(folder / "blank.png")
    train.main(arguments(folder, out, "--dry-run", "--batch", "32"))
    printed = capsys.readouterr().out
    assert "10 pictures for training and 2 for validation: 9 without a label, 3 labelled 7" in printed
    sheet = out.with_suffix("") / "pictures.png"
    assert f"wrote {sheet} with 12 of them" in printed and "nothing was trained" in printed
    assert caplog.text.count("blank.png: it is blank") == 1 and "12 pictures are used, 1 skipped" in caplog.text
    assert not out.exists() and [path.name for path in sheet.parent.iterdir()] == ["pictures.png"]
    with Image.open(sheet) as image:
        assert image.size == (4 * 30 * 3, 3 * 30 * 3)
        tile = np.asarray(image.convert("L"))[:90, :90] < 128
    assert 0.05 < tile.mean() < 0.3


def test_a_dry_run_works_for_other_data_sets_and_leaves_the_files_of_a_run_alone(data, tmp_path, capsys):
    out = tmp_path / "a.safetensors"
    train.main(arguments(data, out))
    weights = out.read_bytes()
    written_now = out.with_suffix("") / "checkpoint.safetensors.1.part"
    written_now.touch()
    train.main(arguments(data, out, "--dry-run", "--dataset", "mnist-and-pens", "--seed", "3"))
    assert f"with {min(SHEET_PICTURES, 190)} of them" in capsys.readouterr().out and out.read_bytes() == weights
    assert written_now.exists()
