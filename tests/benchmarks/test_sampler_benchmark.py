"""The floor of the sampler benchmark: which matrix products it counts. No test asserts a time."""

from conftest import tiny_model

from benchmarks.sampler import floor, products


def test_the_floor_of_pixelcnn_is_its_layers_with_causal_taps_only():
    model = tiny_model("pixelcnn", 28, 28)  # 5 channels in two blocks with 13 taps, 6 in the head
    steps = products(model, 3)
    block = [(1, 3, 10, 5), (1, 3, 13 * 5, 5), (1, 3, 5, 10)]
    assert steps == [[(1, 3, 24, 10), *block, *block, (1, 3, 10, 6), (1, 3, 6, 6), (1, 3, 6, 1)]] * len(steps)
    floor(model, steps[:2])(0)


def test_the_floor_counts_the_vertical_stack_once_per_row():
    steps = products(tiny_model("gated_pixelcnn", 28, 28), 1)
    sizes = [len(shapes) for shapes in steps]
    assert [pixel % 28 for pixel, size in enumerate(sizes) if size > sizes[1]] == [0] * 4
    assert len(set(sizes)) == 2


def test_the_floor_counts_attention_as_two_products_per_head():
    steps = products(tiny_model("freeform", 28, 28), 2)
    assert all(sum(count == 4 for count, *_ in shapes) == 2 for shapes in steps), "two pictures times two heads"
