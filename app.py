"""Start the web page and its API. `python app.py --help` lists the options."""

import argparse
import getpass
import logging
import os
import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pixelcnn.models.base import AutoregressiveModel
    from pixelcnn.serving.backend import Backend, Limits
    from pixelcnn.serving.registry import ModelRegistry

MAX_SAMPLES = 64  # of the API, whatever the server allows
GPU_SECONDS = 15  # of a ZeroGPU worker for one request
WARM_UP_S = 5.0  # at most
CLUSTER_S = 120.0  # for the first replica to start, at most


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Draw the top of a digit in a web page; a PixelCNN fills in the rest, one pixel at a time.",
        epilog="GRADIO_SERVER_NAME and GRADIO_SERVER_PORT set host and port. "
        "By default the page is open to this machine only, on port 7860 or the next free one.",
    )
    parser.add_argument(
        "--device",
        default="auto",
        choices=("auto", "cpu", "cuda"),
        help="auto uses CUDA if it is available (default: %(default)s)",
    )
    parser.add_argument(
        "--weights", default="", help="default model: an entry of weights/manifest.json or a .safetensors file"
    )
    parser.add_argument(
        "--repo",
        default=os.environ.get("PIXELCNN_HUB_REPO", ""),
        help="Hub repository with other weights, user/name or user/name@revision; downloaded in the background",
    )
    parser.add_argument("--lan", action="store_true", help="open the page to the local network, for a class to join")
    parser.add_argument(
        "--learn",
        default="auto",
        choices=("on", "off", "auto"),
        help="whether visitors can train a small network on this machine; auto: not on a Space (default: %(default)s)",
    )
    parser.add_argument(
        "--allow-uploads",
        action="store_true",
        help="accept weights of visitors, for themselves alone, also on a Space and with --lan",
    )
    add_cluster_options(parser)
    limits = parser.add_argument_group("limits of the server")
    limits.add_argument("--samples", type=int, default=MAX_SAMPLES, help="pictures per request (default: %(default)s)")
    limits.add_argument(
        "--slots", type=int, default=128, help="pictures that are computed at the same time (default: %(default)s)"
    )
    limits.add_argument("--waiting", type=int, default=512, help="pictures that may wait for a slot (default: %(default)s)")
    limits.add_argument("--body-kb", type=int, default=256, help="size of a request, in KB (default: %(default)s)")
    limits.add_argument(
        "--weights-mb", type=int, default=16, help="size of weights of a visitor, in MB (default: %(default)s)"
    )
    options = parser.parse_args(argv)
    for name in ("samples", "slots", "waiting", "body_kb", "weights_mb"):
        if getattr(options, name) < 1:
            parser.error(f"--{name.replace('_', '-')} is {getattr(options, name)}; give at least 1")
    if options.repo and options.weights:
        parser.error("--weights and --repo (or PIXELCNN_HUB_REPO) cannot be used together; choose one")
    if options.replicas and not options.cluster:
        parser.error("--replicas needs --cluster; give --cluster auto for several processes on this machine")
    if options.samples > MAX_SAMPLES:
        parser.error(f"--samples is {options.samples}; give at most {MAX_SAMPLES}")
    if options.samples > options.slots:
        parser.error(f"--samples is {options.samples}; give at most the number of --slots, {options.slots}")
    return options


def add_cluster_options(parser: argparse.ArgumentParser) -> None:
    cluster = parser.add_argument_group("several processes or machines (see docs/scale.md)")
    cluster.add_argument(
        "--cluster",
        default="",
        metavar="ADDRESS",
        help="compute on a Ray cluster: auto starts one on this machine, HOST:PORT uses one that is running",
    )
    cluster.add_argument(
        "--replicas",
        type=read_replicas,
        metavar="N",
        help="how many processes compute, or MIN..MAX for as many as the load needs (default: one for each GPU, or for "
        "each CPU but one); the limits below are those of each",
    )


def read_replicas(value: str) -> tuple[int, int]:
    """N or MIN..MAX as (minimum, maximum)."""
    numbers = value.split("..") if ".." in value else [value, value]
    if len(numbers) != 2 or not all(number.isdecimal() for number in numbers) or not 0 < int(numbers[0]) <= int(numbers[1]):
        raise argparse.ArgumentTypeError(f"{value!r} is not a number of replicas. Give N, or MIN..MAX with MIN at least 1.")
    return int(numbers[0]), int(numbers[1])


def read_port() -> int | None:
    """The port in GRADIO_SERVER_PORT; None lets Gradio search for a free one. Exits if it is not a port."""
    value = os.environ.get("GRADIO_SERVER_PORT", "")
    if value and not (value.isdecimal() and 0 < int(value) < 65536):
        raise SystemExit(f"GRADIO_SERVER_PORT is {value!r}. Give a port from 1 to 65535, or leave it unset.")
    return int(value) if value else None


def read_host(lan: bool) -> str | None:
    """The address to listen on; None for Gradio's default, this machine only. Exits if it is not one of this machine."""
    host = os.environ.get("GRADIO_SERVER_NAME") or ("0.0.0.0" if lan else None)
    try:
        if host:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            socket.create_server((host, 0), family=family).close()
    except OSError:
        raise SystemExit(
            f"GRADIO_SERVER_NAME is {host!r}, which is not an address of this machine. Give one, or leave it unset."
        ) from None
    return host


def set_temporary_folder() -> None:
    """Give Gradio a temporary folder of this user. Its default is common to all users, and belongs to the first of them.

    GRADIO_TEMP_DIR stays if it is set. Exits if the folder cannot be written.
    """
    user = os.getuid() if hasattr(os, "getuid") else getpass.getuser()
    folder = Path()
    try:
        folder = Path(os.environ.get("GRADIO_TEMP_DIR") or f"{tempfile.gettempdir()}/pixelcnn-{user}")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        named = f"{folder} cannot be written ({error.strerror})" if folder.name else "No temporary folder can be written"
        raise SystemExit(f"{named}. Set TMPDIR, or GRADIO_TEMP_DIR, to a folder that this user can write.") from None
    os.environ["GRADIO_TEMP_DIR"] = str(folder)


def load_gpu_decorator() -> Callable | None:
    """On ZeroGPU Spaces, the decorator that runs a function on a GPU; elsewhere None."""
    if not os.environ.get("SPACES_ZERO_GPU"):
        return None
    try:
        import spaces
    except ImportError:
        return None
    return spaces.GPU(duration=GPU_SECONDS)


def warm_up(backend: "Backend", model: "AutoregressiveModel") -> None:
    """Run the page's default request once, so that the first visitor does not wait for what PyTorch initializes."""
    from pixelcnn import UnavailableError
    from pixelcnn.serving.backend import default_request

    completion = backend.submit(default_request(model, backend.limits.samples))
    with suppress(TimeoutError, UnavailableError):  # a slow model, or one that fails: visitors see that themselves
        completion.result(WARM_UP_S)
    completion.cancel()


def start_backend(
    options: argparse.Namespace, registry: "ModelRegistry", limits: "Limits", gpu_decorator: Callable | None
) -> "Backend":
    """The backend that the options and the machine ask for. Raises OSError if a cluster cannot be used."""
    if options.cluster:
        from pixelcnn.serving.ray import ray_engine

        cluster = ray_engine(registry.model, options.cluster, options.replicas, limits, options.device)
        cluster.wait(CLUSTER_S)
        return cluster
    if gpu_decorator:
        from pixelcnn.serving.zerogpu import ZeroGpuEngine

        return ZeroGpuEngine(registry.model, gpu_decorator, limits)
    from pixelcnn.serving.engine import Engine, worker_count

    model = registry.model()
    engine = Engine(registry.model, limits, worker_count(model.device))
    warm_up(engine, model)
    return engine


def serve(options: argparse.Namespace, host: str | None, port: int | None, gpu_decorator: Callable | None) -> None:
    """Run the server until it is interrupted. Raises InputError, OSError."""
    from pixelcnn.serving.backend import Limits
    from pixelcnn.serving.exhibit_queue import ExhibitQueue
    from pixelcnn.serving.registry import ModelRegistry
    from web.classroom.join import join_info
    from web.classroom.routes import class_routes
    from web.classroom.wall import Wall
    from web.exhibits import comparison_routes
    from web.learn.live_training import LiveTraining
    from web.learn.routes import learn_routes, learning_is_on
    from web.middleware import app_options
    from web.page import ICON, build_page, style_sheets, theme
    from web.uploads.routes import weights_are_accepted

    is_local = not (gpu_decorator or options.cluster)  # whether completions are computed in this process
    # With a cluster, the replicas have the GPUs.
    registry = ModelRegistry(options.weights, "cpu" if options.cluster else options.device, with_exhibits=is_local)
    if options.repo:
        registry.use_repo(options.repo)
    model = registry.model()
    limits = Limits(samples=options.samples, slots=options.slots, waiting=options.waiting)
    backend = start_backend(options, registry, limits, gpu_decorator)
    wall = Wall(model.config.height * model.config.width, registry.names) if options.lan else None
    learns = learning_is_on(options.learn, local_backend=is_local)
    training = LiveTraining(lambda: backend.counters()["active"] > 0) if learns else None
    accepted = weights_are_accepted(options.allow_uploads, options.lan, local_backend=is_local)
    weights_mb = options.weights_mb if accepted else 0
    exhibits = ExhibitQueue(registry.exhibit, backend)
    routes = [*class_routes(host, wall), *learn_routes(training, wall), *comparison_routes(exhibits)]
    try:
        page = build_page(registry, exhibits, options.lan, learns, weights_mb)
        page.launch(
            theme=theme(),
            css_paths=style_sheets(),
            server_name=host,
            server_port=port,
            prevent_thread_lock=True,
            state_session_capacity=256,  # Gradio keeps some state for each visit, which this page does not use
            app_kwargs=app_options(backend, registry, options.body_kb, routes, weights_mb),
            ssr_mode=False,
            head=ICON,
            run_history=False,
            footer_links=["api"],
        )
        if wall:
            info = join_info(host, page.server_port)
            print(info.problem or f"The class joins at {info.address}")
            print(f"The teacher's key, to clear or close the class wall: {wall.key}", flush=True)
        page.block_thread()
    finally:
        if training:
            training.close()
        backend.close()


def main(argv: list[str] | None = None) -> None:
    options = parse(argv)
    host, port = read_host(options.lan), read_port()
    set_temporary_folder()
    gpu_decorator = load_gpu_decorator()  # imports spaces, which has to be imported before torch

    # Imported here because it takes seconds, which --help and a wrong port need not wait for.
    from pixelcnn import InputError
    from pixelcnn.serving.process import configure_process

    logging.basicConfig(format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("pixelcnn").setLevel(logging.INFO)
    configure_process()
    try:
        serve(options, host, port, gpu_decorator)
    except (InputError, OSError) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
