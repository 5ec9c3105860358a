"""Start the page: `python app.py --help` explains itself."""

import argparse
import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Draw the top of a digit in a web page; a PixelCNN fills in the rest, one pixel at a time.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        epilog="Host and port come from GRADIO_SERVER_NAME and GRADIO_SERVER_PORT; "
        "without them it is this machine alone and port 7860, or the next that is free.",
    )
    parser.add_argument(
        "--device", default="auto", choices=("auto", "cpu", "cuda"), help="auto takes CUDA where there is one"
    )
    parser.add_argument(
        "--weights", default="", help="an entry of weights/manifest.json or a .safetensors file to begin with"
    )
    parser.add_argument(
        "--repo",
        default=os.environ.get("PIXELCNN_HUB_REPO", ""),
        help="Hub repository to take weights from beside the page, user/name or user/name@revision",
    )
    parser.add_argument("--lan", action="store_true", help="open to the local network, for a class to join")
    limits = parser.add_argument_group("limits of one server")
    limits.add_argument("--samples", type=int, default=64, help="pictures in one request")
    limits.add_argument("--slots", type=int, default=128, help="pictures that advance at once")
    limits.add_argument("--waiting", type=int, default=512, help="pictures that may wait for a slot")
    limits.add_argument("--body-kb", type=int, default=256, help="size of a request, in KB")
    options = parser.parse_args(argv)
    for name in ("samples", "slots", "waiting", "body_kb"):
        if getattr(options, name) < 1:
            parser.error(f"--{name.replace('_', '-')} is {getattr(options, name)}; give at least 1")
    if options.repo and options.weights:
        parser.error("--weights and --repo (or PIXELCNN_HUB_REPO) are both given; choose one")
    if options.samples > 64:
        parser.error(f"--samples is {options.samples}; give at most 64")
    if options.samples > options.slots:
        parser.error(f"--samples is {options.samples}, more than the {options.slots} --slots; give at most that many")
    return options


def port() -> int | None:
    """The port that was asked for, which is then had or refused; None lets Gradio look for a free one."""
    asked = os.environ.get("GRADIO_SERVER_PORT", "")
    if asked and not (asked.isdecimal() and 0 < int(asked) < 65536):
        raise SystemExit(f"GRADIO_SERVER_PORT is {asked!r}; give a port from 1 to 65535 or leave it unset.")
    return int(asked) if asked else None


def host(lan: bool) -> str | None:
    """The address to listen at; None for Gradio's own choice, this machine alone."""
    name = os.environ.get("GRADIO_SERVER_NAME") or ("0.0.0.0" if lan else None)
    try:
        if name:
            family = socket.AF_INET6 if ":" in name else socket.AF_INET
            socket.create_server((name, 0), family=family).close()
    except OSError:
        raise SystemExit(
            f"GRADIO_SERVER_NAME is {name!r}, no address of this machine; give one or leave it unset."
        ) from None
    return name


def lender() -> Callable | None:
    """On ZeroGPU, what makes a function run where a GPU is lent; elsewhere None."""
    if not os.environ.get("SPACES_ZERO_GPU"):
        return None
    try:
        import spaces
    except ImportError:
        return None
    return spaces.GPU(duration=15)


def main(argv: list[str] | None = None) -> None:
    options = parse(argv)
    name, asked = host(options.lan), port()

    lend = lender()  # before torch, which must not find CUDA by itself where it is lent

    # Here, not at the top: they take seconds, which --help and a wrong port need not wait for.
    import torch

    from pixelcnn import BadInput, Request
    from pixelcnn.engine import Engine, Limits
    from pixelcnn.shelf import Shelf
    from pixelcnn.solo import SoloEngine
    from web.classroom import class_routes, join
    from web.gate import guarded
    from web.page import build_page, theme
    from web.wall import Wall

    logging.basicConfig(format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("pixelcnn").setLevel(logging.INFO)
    torch.set_num_threads(1)  # the second core is for the server; docs/architecture.md
    try:
        shelf = Shelf(options.weights, options.device)
        limits = Limits(samples=options.samples, slots=options.slots, waiting=options.waiting)
        engine = SoloEngine(shelf.model, lend, limits) if lend else Engine(shelf.model, limits)
        if options.repo:
            shelf.pull(options.repo)
        config = shelf.model().config
        if not lend:  # what torch sets up for a first completion, nobody need wait for: one of the last row alone
            above = [[1] * config.width] * (config.height - 1)
            engine.submit(Request(known=[*above, [0] * config.width]))
        wall = Wall(config.height * config.width, shelf.names) if options.lan else None
        try:
            page = build_page(shelf, engine, options.lan)
            page.launch(
                theme=theme(),
                css_paths=sorted((Path(__file__).parent / "web" / "css").glob("*.css")),
                server_name=name,
                server_port=asked,
                prevent_thread_lock=True,
                state_session_capacity=256,  # a visit leaves a little behind in Gradio, and this page keeps no state there
                app_kwargs=guarded(engine, shelf, options.body_kb, class_routes(name, wall)),
                ssr_mode=False,
                run_history=False,
                footer_links=["api"],
            )
            if wall:
                way = join(name, page.server_port)
                print(f"The class joins at {way['address']}" if "address" in way else way["sentence"])
                print(f"The teacher's key, to clear or close the class wall: {wall.key}", flush=True)
            page.block_thread()
        finally:
            engine.close()
    except (BadInput, OSError) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
