"""Picture files of all formats and modes as ink, and the reasons why a file cannot be used."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pixelcnn.data.image_file import UnusableImageError, read_ink

LIGHT = {"paper": 255, "ink": 0}


def stroke(paper: float, ink: float, size: tuple[int, int] = (60, 60), dtype: type | str = np.uint8) -> np.ndarray:
    """A picture (height, width) with a vertical stroke in the middle."""
    pixels = np.full(size, paper, dtype)
    pixels[size[0] // 8 : -(size[0] // 8), size[1] * 2 // 5 : size[1] * 3 // 5] = ink
    return pixels


def file_of(image: Image.Image, kind: str = "PNG", **options: object) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return io.BytesIO(file.getvalue())


def assert_is_stroke(ink: np.ndarray) -> None:
    """Full ink in the middle, paper around it."""
    middle, side = ink[len(ink) // 2, ink.shape[1] // 2], ink[len(ink) // 2, [0, 1, -2, -1]]
    assert ink.dtype == np.uint8 and middle > 200 and side.max() < 50 and ink[[0, -1]].max() < 50, ink


def reason(file: Path | io.BytesIO) -> str:
    with pytest.raises(UnusableImageError) as caught:
        read_ink(file, 20, 16)
    message = str(caught.value)
    assert message.startswith("it ") and "<_io" not in message and "\n" not in message
    return message


@pytest.mark.parametrize(("paper", "ink"), [(255, 0), (0, 255), (220, 40), (120, 40), (240, 180), (30, 90), (100, 140)])
@pytest.mark.parametrize("size", [(28, 28), (100, 60), (40, 90)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_ink_is_the_drawing_on_light_and_dark_paper_at_any_contrast(paper, ink, size, kind):
    found = read_ink(file_of(Image.fromarray(stroke(paper, ink, size)), kind), 20, 16)
    assert found.shape == (20, 16)
    assert_is_stroke(found)


@pytest.mark.parametrize("width", [6, 10, 30])
def test_a_thin_line_on_large_paper_is_ink(width):
    pixels = np.full((1000, 1000), 230, np.uint8)
    pixels[150:850, 500 : 500 + width] = 90
    assert (read_ink(file_of(Image.fromarray(pixels)), 28, 28) >= 128).any(1).sum() > 15


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "LA", "RGBA", "PA"])
def test_modes_of_8_bits(mode):
    image = Image.fromarray(stroke(**LIGHT)).convert("P" if mode == "PA" else "L").convert(mode)
    kind = "TIFF" if mode in ("CMYK", "PA") else "PNG"
    assert_is_stroke(read_ink(file_of(image, kind), 20, 20))


def test_lab():
    lightness, color = Image.fromarray(stroke(**LIGHT)), Image.new("L", (60, 60), 128)
    assert_is_stroke(read_ink(file_of(Image.merge("LAB", (lightness, color, color)), "TIFF"), 20, 20))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize(("paper", "ink"), [(65535, 0), (0, 65535), (50_000, 20_000), (4095, 200), (300, 1000)])
def test_16_bits(kind, paper, ink):
    assert_is_stroke(read_ink(file_of(Image.fromarray(stroke(paper, ink, dtype=np.uint16)), kind), 20, 20))


@pytest.mark.parametrize(
    ("dtype", "paper", "ink"),
    [(np.int32, 2**30, 5), (np.int32, -500, 500), (np.float32, 1, 0.2), (np.float32, 0, 255), (np.float32, -3, 2)],
)
def test_tiff_of_large_negative_and_fractional_numbers(dtype, paper, ink):
    assert_is_stroke(read_ink(file_of(Image.fromarray(stroke(paper, ink, dtype=dtype)), "TIFF"), 20, 20))


def test_big_endian_16_bits():
    pixels = stroke(65535, 0, dtype=">u2")
    assert_is_stroke(read_ink(file_of(Image.frombytes("I;16B", (60, 60), pixels.tobytes()), "TIFF"), 20, 20))


@pytest.mark.parametrize("color", ["black", "white", "yellow", "gray"])
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "palette", "LA"])
def test_a_drawing_on_transparent_paper_is_ink(color, kind):
    """Whatever color the transparent pixels have; programs store black, white or that of the ink."""
    for hidden in ("black", "white", color):
        image = Image.new("RGB", (60, 60), hidden)
        shape = Image.fromarray(stroke(0, 255))
        image.paste(color, mask=shape)
        image.putalpha(shape)
        image = {"palette": image.quantize, "LA": lambda image=image: image.convert("LA")}.get(kind, image.copy)()
        file = file_of(image, "WEBP", lossless=True) if kind == "WEBP" else file_of(image)
        assert_is_stroke(read_ink(file, 20, 20))


def test_one_transparent_gray_level():
    assert_is_stroke(read_ink(file_of(Image.fromarray(stroke(255, 0)), transparency=255), 20, 20))
    assert_is_stroke(read_ink(file_of(Image.fromarray(stroke(0, 255)), transparency=0), 20, 20))


def test_a_picture_on_a_card_with_transparent_corners_is_that_on_the_card():
    image = Image.fromarray(stroke(**LIGHT)).convert("RGBA")
    image.putpixel((0, 0), (0, 0, 0, 0))
    assert_is_stroke(read_ink(file_of(image), 20, 20))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_upright(kind, orientation):
    """Stored as a camera held in any way stores it, with the orientation in EXIF."""
    pixels = stroke(255, 0, (64, 48))
    pixels[8:16, 24:40] = 0  # no symmetry
    upright = Image.fromarray(pixels)
    flips = "FLIP_LEFT_RIGHT", "ROTATE_180", "FLIP_TOP_BOTTOM", "TRANSPOSE", "ROTATE_90", "TRANSVERSE", "ROTATE_270"
    image = upright if orientation == 1 else upright.transpose(Image.Transpose[flips[orientation - 2]])
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = read_ink(file_of(image, kind, exif=exif), 32, 24).astype(int)
    assert np.abs(found - read_ink(file_of(upright), 32, 24)).mean() < 5


@pytest.mark.parametrize("exif", [b"", b"garbage", b"II*\0", b"MM\0*\0\0\0\x08\xff\xff"])
def test_a_picture_with_damaged_exif_data_is_read(exif):
    for kind in ("JPEG", "PNG", "WEBP"):
        assert_is_stroke(read_ink(file_of(Image.fromarray(stroke(**LIGHT)), kind, exif=b"Exif\0\0" + exif), 20, 20))


def test_an_error_of_pillow_without_a_message_is_named_by_its_type(monkeypatch):
    def fail(*args: object, **options: object) -> None:
        raise EOFError

    monkeypatch.setattr(Image, "open", fail)
    assert reason(io.BytesIO()) == "it is damaged (EOFError)"


def test_blank_pictures_are_named():
    noise = np.random.default_rng(0).normal(200, 8, (600, 600)).clip(0, 255).astype(np.uint8)
    blank = [Image.new("L", (60, 60), gray) for gray in (0, 200, 255)]
    blank += [Image.new("RGBA", (60, 60), (9, 9, 9, 0)), Image.fromarray(noise), Image.new("F", (60, 60), 0)]
    for image in blank:
        assert reason(file_of(image, "TIFF")) == "it is blank"


def test_damaged_files_are_named_without_objects_of_python():
    good = file_of(Image.fromarray(stroke(**LIGHT))).getvalue()
    for content in (b"", b"hello", b"\0\0\0\x18ftypheic" + bytes(99), b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"):
        assert "not a picture of a known format (AVIF, BMP, GIF, JPEG" in reason(io.BytesIO(content))
    assert "it is damaged (" in reason(io.BytesIO(good[:60]))
    assert "300 x 2 pixels" in reason(file_of(Image.new("L", (300, 2))))
    assert "values that are not finite" in reason(file_of(Image.fromarray(stroke(np.nan, 2, dtype=np.float32)), "TIFF"))


def test_damaged_bytes_anywhere_give_a_picture_or_a_reason():
    """Pillow raises errors of many types; none of them ends the training."""
    rng = np.random.default_rng(1)
    image = Image.fromarray(rng.integers(0, 255, (24, 24, 3), np.uint8))
    for kind in ("PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"):
        content = np.frombuffer(file_of(image, kind).getvalue(), np.uint8)
        for _ in range(60):
            damaged = content.copy()
            damaged[rng.integers(0, min(len(content), 400), 8)] = rng.integers(0, 256, 8)
            try:
                read_ink(io.BytesIO(damaged.tobytes()), 8, 8)
            except UnusableImageError as error:
                assert "<_io" not in str(error)


READ = """
import io, resource, sys
from pathlib import Path
from pixelcnn.data.image_file import UnusableImageError, read_ink
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    print(read_ink(Path(sys.argv[1]), 28, 28).max())
except UnusableImageError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.long
@pytest.mark.parametrize(("kind", "expected"), [("PNG", "it has more than 64 million pixels"), ("JPEG", "255")])
def test_a_picture_of_144_megapixels_takes_little_memory(tmp_path, kind, expected):
    """PNG files are refused by their header; JPEG files are reduced while they are read. Pillow's warning is not shown."""
    path = tmp_path / "huge"
    image = Image.new("L", (12_000, 12_000), 255)
    image.paste(0, (4000, 2000, 8000, 10_000))
    image.save(path, kind)
    run = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True)
    result, megabytes = run.stdout.strip().rsplit("\n", 1)
    assert result.startswith(expected) and run.stderr == "" and int(megabytes) < 100, (run.stdout, run.stderr)
