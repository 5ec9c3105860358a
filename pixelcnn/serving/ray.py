"""Replicas as actors of a Ray cluster. Only `app.py --cluster` and benchmarks.cluster import Ray.

Ray reads its settings from the environment when it is imported. `RayCluster` sets them first, so all imports of Ray are
inside functions.
"""

import os
import secrets
import socket
from collections.abc import AsyncGenerator, Callable
from typing import Any
from weakref import WeakKeyDictionary

from pixelcnn.errors import InputError
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.sampling.request import Request
from pixelcnn.serving.backend import Limits
from pixelcnn.serving.cluster import ClusterEngine, ReplicaLost
from pixelcnn.serving.replica import Frame, Replica

STORE_BYTES = 256 * 2**20  # of a local cluster's object store, for models on their way to replicas
MAX_CALLS = 10_000  # of one replica at the same time; the front end refuses requests long before
LOCAL = "auto"  # instead of an address: a cluster on this machine that ends with this process


def check_answers(address: str) -> None:
    """Raises ConnectionError at once if nothing listens at HOST:PORT; Ray itself tries for minutes."""
    host, _, port = address.rpartition(":")
    if not (host and port.isdecimal()):
        raise ConnectionError(f"{address!r} is not an address of a Ray cluster. Give HOST:PORT, or {LOCAL!r}.")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, OverflowError) as error:
        raise ConnectionError(f"No Ray cluster answers at {address!r} ({error}). Start one; see docs/scale.md.") from None


def settings(address: str) -> dict[str, str]:
    """Environment variables for Ray: every connection needs the token, nothing is reported, and local means loopback.

    A cluster that this process starts has a token of its own. Ray would write one to a file that all users can read.
    """
    local = address == LOCAL or address.rsplit(":", 1)[0] in ("localhost", "127.0.0.1")
    # Ray's own name for "use the loopback address", which by default it does on Windows and macOS only.
    loopback = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"} if local else {}
    token = {"RAY_AUTH_TOKEN": secrets.token_hex(32)} if address == LOCAL else {}
    return {"RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0", **loopback, **token}


class RayCluster:
    """A `Cluster` of Ray actors."""

    def __init__(self, address: str, limits: Limits, device: str = "auto", cpus: int | None = None):
        """Start a cluster on this machine if the address is "auto"; connect to a running one otherwise.

        device: of each replica; with "auto" and "cuda" each gets a GPU if the cluster has any. cpus: that a cluster on this
        machine may use; None for all. Raises ConnectionError.
        """
        for name, value in settings(address).items():
            os.environ.setdefault(name, value)
        options: dict[str, Any] = {"address": address}
        if address == LOCAL:
            options = {"address": "local", "include_dashboard": False, "num_cpus": cpus, "object_store_memory": STORE_BYTES}
        else:
            check_answers(address)
        try:
            import ray
        except ImportError:
            raise ConnectionError("Ray is not installed. Run pip install -r requirements-scale.txt.") from None
        try:
            ray.init(logging_level="WARNING", **options)
        except (ConnectionError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
            raise ConnectionError(f"No Ray cluster can be used at {address!r}: {error}") from error
        self._resources = ray.cluster_resources()
        gpus = int(device != "cpu" and (device == "cuda" or self._resources.get("GPU", 0) > 0))
        # Restarted by Ray whenever its process ends, on any machine.
        actor_options = {"num_cpus": 1, "num_gpus": gpus, "max_restarts": -1, "max_concurrency": MAX_CALLS}
        self._actors = ray.remote(**actor_options)(Replica)
        self._limits, self._device = limits, device if gpus else "cpu"
        self._models: WeakKeyDictionary[AutoregressiveModel, Any] = WeakKeyDictionary()  # references in the object store

    def default_replicas(self) -> int:
        """One for each GPU, or for each CPU but one, which the front end uses."""
        if self._device != "cpu":
            return max(1, int(self._resources.get("GPU", 0)))
        return max(1, int(self._resources.get("CPU", 0)) - 1)

    def start(self) -> "RayReplica":
        """See `Cluster.start`."""
        return RayReplica(self._actors.remote(self._limits, self._device), self.reference)

    def reference(self, model: AutoregressiveModel) -> Any:
        """A reference to a model in Ray's object store, from where each replica copies it once."""
        import ray

        if model not in self._models:
            self._models[model] = ray.put(model)
        return self._models[model]

    def close(self) -> None:
        """Stop all replicas, and the cluster if it was started here."""
        import ray

        ray.shutdown()


class RayReplica:
    """A `RemoteReplica`: an actor that runs a `Replica`."""

    def __init__(self, actor: Any, reference: Callable[[AutoregressiveModel], Any]):
        self.actor = actor
        self._reference = reference

    async def ready(self, model: AutoregressiveModel) -> None:
        """See `RemoteReplica.ready`. Ray repeats the call until the actor has restarted."""
        reference = self._reference(model)
        await self.actor.warm_up.options(max_task_retries=-1).remote(reference.hex(), [reference])

    async def stream(self, model: AutoregressiveModel, request: Request, start: int) -> AsyncGenerator[Frame, None]:
        """See `RemoteReplica.stream`."""
        import ray

        reference, ended = self._reference(model), False
        call = self.actor.stream.options(num_returns="streaming")
        items = call.remote(reference.hex(), [reference], request, start)
        try:
            async for item in items:
                frame = await item
                if isinstance(frame, InputError):
                    raise frame
                yield frame
            ended = True
        except ray.exceptions.RayTaskError:  # an exception in the replica
            raise
        except ray.exceptions.RayError as error:
            ended = True
            raise ReplicaLost(type(error).__name__) from error
        finally:
            if not ended:
                ray.cancel(items)

    def stop(self) -> None:
        """See `RemoteReplica.stop`."""
        import ray

        ray.kill(self.actor)


def ray_engine(
    models: Callable[[str], AutoregressiveModel],
    address: str,
    replicas: tuple[int, int] | None = None,
    limits: Limits | None = None,
    device: str = "auto",
) -> ClusterEngine:
    """A `ClusterEngine` on Ray: see `RayCluster` for address and device. replicas: None for `default_replicas`."""
    limits = limits or Limits()
    cluster = RayCluster(address, limits, device, replicas and replicas[1])
    count = cluster.default_replicas()
    return ClusterEngine(models, cluster, replicas or (count, count), limits)
