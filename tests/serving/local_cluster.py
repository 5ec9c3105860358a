"""A `Cluster` whose replicas run in this process and can be lost, or hang, on command."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing

from pixelcnn import InputError, Request
from pixelcnn.models.base import AutoregressiveModel
from pixelcnn.serving.backend import Limits
from pixelcnn.serving.cluster import ReplicaLost
from pixelcnn.serving.replica import Frame, Replica


class Given:
    """Something that is awaited and there already, any number of times."""

    def __init__(self, value: object):
        self.value = value

    def __await__(self) -> Generator[None, None, object]:
        yield from ()
        return self.value


class LocalReplica:
    def __init__(self, limits: Limits):
        self.limits = limits
        self.replica = Replica(limits)
        self.lost = asyncio.Event()
        self.may_return = asyncio.Event()  # after it was lost
        self.may_return.set()
        self.answers = asyncio.Event()  # while it is clear, the replica neither answers nor dies
        self.answers.set()
        self.stopped = False
        self.frames: list[Frame] = []  # that left this replica

    async def ready(self, model: AutoregressiveModel) -> None:
        await self.may_return.wait()
        if self.lost.is_set():
            self.replica, self.lost = Replica(self.limits), asyncio.Event()
        await self.replica.warm_up(str(id(model)), [Given(model)])

    async def stream(self, model: AutoregressiveModel, request: Request, start: int) -> AsyncGenerator[Frame, None]:
        lost = asyncio.ensure_future(self.lost.wait())
        async with aclosing(self.replica.stream(str(id(model)), [Given(model)], request, start)) as items:
            item = None
            try:
                while True:
                    item = asyncio.ensure_future(self.answer(items))
                    await asyncio.wait((item, lost), return_when=asyncio.FIRST_COMPLETED)
                    if lost.done():
                        raise ReplicaLost("killed")
                    if isinstance(item.result(), InputError):
                        raise item.result()
                    if item.result() is None:
                        return
                    self.frames.append(item.result())
                    yield item.result()
            finally:
                lost.cancel()
                if item and not item.done():  # the generator cannot be closed while it runs
                    item.cancel()
                    await asyncio.wait((item,))

    async def answer(self, items: AsyncGenerator[Frame | InputError, None]) -> Frame | InputError | None:
        """The next item, None at the end."""
        item = await anext(items, None)
        await self.answers.wait()
        return item

    def stop(self) -> None:
        self.stopped = True
        self.lost.set()
        self.replica.engine.close()


class LocalCluster:
    def __init__(self, limits: Limits):
        self.limits = limits
        self.replicas: list[LocalReplica] = []

    def start(self) -> LocalReplica:
        self.replicas.append(LocalReplica(self.limits))
        return self.replicas[-1]

    def close(self) -> None:
        for replica in self.replicas:
            if not replica.stopped:
                replica.stop()
