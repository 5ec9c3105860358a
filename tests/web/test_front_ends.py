"""Two front ends, each with a replica on one Ray cluster, behind one proxy with sticky sessions."""

import asyncio

import httpx
import pytest
from sticky_proxy import COOKIE, sticky_proxy

from benchmarks import clients

VISITORS = 6


async def visit(address: str, seed: int) -> tuple[str, list[str]]:
    """Open the page and click *Complete* twice: the front end that served it, and the last message of each click."""
    async with httpx.AsyncClient(base_url=address, timeout=100) as client:
        await client.get("/")
        fronts = {client.cookies[COOKIE]}
        event, ends = clients.complete_event(address), []
        for _ in range(2):
            received = [message async for message in clients.messages(client, event, clients.completion_data(2, seed))]
            assert received[-1]["success"], received[-1]
            ends.append(received[-1]["output"]["data"])
            fronts.add(client.cookies[COOKIE])
        (front,) = fronts
        return front, ends


async def visit_at_once(address: str) -> list[tuple[str, list[str]]]:
    return await asyncio.gather(*[visit(address, seed // 2) for seed in range(VISITORS)])


@pytest.mark.long
@pytest.mark.timeout(400)
def test_two_front_ends_share_the_visitors(ray_head, tmp_path):
    options = ("--cluster", ray_head, "--replicas", "1")
    with (
        clients.server(*options, log=tmp_path / "first") as first,
        clients.server(*options, log=tmp_path / "second") as second,
        sticky_proxy([first, second]) as address,
    ):
        visits = asyncio.run(visit_at_once(address))
        asyncio.run(clients.close_tabs(first, 1))  # waits until the slots are free
        counters = clients.server_status(first)
        served = [clients.server_status(front)["completed"] for front in (first, second)]
    assert {front for front, _ in visits} == {"0", "1"}
    assert counters["cancelled"] == 1 and counters["failed"] == 0
    assert sum(served) == 2 * VISITORS and min(served) > 0
    assert all("Traceback" not in (tmp_path / log).read_text() for log in ("first", "second"))
