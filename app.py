"""Start the page: `python app.py --help` explains itself."""

import argparse
import os
from pathlib import Path


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Draw the top of a digit in a web page; a PixelCNN fills in the rest, one pixel at a time.",
        epilog="Host and port come from GRADIO_SERVER_NAME and GRADIO_SERVER_PORT; "
        "without them it is this machine alone and port 7860, or the next that is free.",
    )
    parser.add_argument(
        "--device", default="auto", choices=("auto", "cpu", "cuda"), help="auto takes CUDA where there is one"
    )
    parser.add_argument(
        "--weights", default="", help="an entry of weights/manifest.json or a .safetensors file to begin with"
    )
    return parser.parse_args(argv)


def port() -> int | None:
    """The port that was asked for, which is then had or refused; None lets Gradio look for a free one."""
    asked = os.environ.get("GRADIO_SERVER_PORT", "")
    if asked and not (asked.isdecimal() and 0 < int(asked) < 65536):
        raise SystemExit(f"GRADIO_SERVER_PORT is {asked!r}; give a port from 1 to 65535 or leave it unset.")
    return int(asked) if asked else None


def main(argv: list[str] | None = None) -> None:
    options, asked = parse(argv), port()

    # Here, not at the top: they take seconds, which --help and a wrong port need not wait for.
    import gradio as gr
    import torch

    from pixelcnn import BadInput
    from pixelcnn.shelf import Shelf
    from web.page import build_page

    torch.set_num_threads(1)  # the second core is for the second request; docs/architecture.md
    try:
        page = build_page(Shelf(options.weights, options.device))
        page.launch(
            theme=gr.themes.Soft(primary_hue="orange", neutral_hue="slate"),
            css_paths=[Path(__file__).parent / "web" / "page.css"],
            server_port=asked,
            ssr_mode=False,
            run_history=False,
            footer_links=["api"],
        )
    except (BadInput, OSError) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
