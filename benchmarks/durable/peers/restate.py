"""Restate: its server from npm, and a Python service served by hypercorn, as in the templates of its documentation.

The client is a third process, with aiohttp: httpx's pool of connections is quadratic in waiting requests and would make Restate look
several times slower. W3 has two variants: in "all" the server is killed with the service, as every other engine loses everything that
runs; in "service" the server lives on.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import Any

import restate

from benchmarks.durable.peers.protocol import (
    Given,
    Window,
    check,
    gate,
    keep,
    main,
    mark,
    resident_bytes,
    stored_bytes,
    wait_until,
)

SETTLE_S = 1.5
"""The server writes some of what it has told us after telling us."""
UNLIMITED = 2_147_483_647
CONNECTIONS = 500
asleep: list[int] = []

sequence = restate.Workflow("Sequence")
parallel = restate.Workflow("Parallel")
sleeper = restate.Workflow("Sleeper")
gated = restate.Workflow("Gated")
counts = restate.Service("Counts")


async def step(number: int) -> int:
    return number + 1


async def gated_step(number: int) -> int:
    return gate.step(number)


@sequence.main("run")
async def run_sequence(ctx: restate.WorkflowContext, count: int) -> int:
    number = 0
    for _ in range(count):
        number = await ctx.run_typed("step", step, number=number)
    return number


@parallel.main("run")
async def run_parallel(ctx: restate.WorkflowContext, count: int) -> int:
    futures = [ctx.run_typed("step", step, number=n) for n in range(count)]
    return sum([await one for one in await restate.gather(*futures)])


@sleeper.main("run")
async def run_sleeper(ctx: restate.WorkflowContext, number: int) -> int:
    asleep.append(number)
    await ctx.sleep(timedelta(hours=1))
    return number


@gated.main("run")
async def run_gated(ctx: restate.WorkflowContext, count: int) -> int:
    number = 0
    for _ in range(count):
        number = await ctx.run_typed("step", gated_step, number=number)
    return number


@counts.handler("sleeping")
async def sleeping(_ctx: restate.Context, _: int) -> int:
    return len(set(asleep))


APPLICATION = restate.app([sequence, parallel, sleeper, gated, counts])


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Server:
    """The Restate server of a folder; its ports are kept there, for the next life."""

    def __init__(self, given: Given) -> None:
        self.folder = Path(given.folder)
        self.tool = given.tool
        kept = self.folder.parent / "ports.json"
        if given.life in ("", "first"):
            kept.write_text(json.dumps([free_port() for _ in range(4)]), encoding="utf-8")
        self.ingress, self.admin, self.node, self.service = json.loads(kept.read_text("utf-8"))

    def start(self, *, outlives: bool = False) -> int:
        """Start it and wait until it answers; return its process id."""
        environment = {
            **os.environ,
            "RESTATE_DISABLE_TELEMETRY": "true",
            "RESTATE_BASE_DIR": str(self.folder),
            "RESTATE_LISTEN_MODE": "tcp",
            "RESTATE_BIND_IP": "127.0.0.1",
            "RESTATE_BIND_PORT": str(self.node),
            "RESTATE_ADVERTISED_HOST": "127.0.0.1",
            "RESTATE_INGRESS__BIND_PORT": str(self.ingress),
            "RESTATE_ADMIN__BIND_PORT": str(self.admin),
            "RESTATE_NODE_NAME": "bench",
            "RESTATE_LOG_FILTER": "warn",
        }
        server = subprocess.Popen(
            [self.tool, "--no-logo"],
            env=environment,
            cwd=self.folder.parent,
            start_new_session=outlives,
        )
        if outlives:
            keep(server.pid)
        self.wait()
        return server.pid

    def wait(self) -> None:
        """Wait until the server answers."""
        for url in (f"{self._admin}/health", f"{self._ingress}/restate/health"):
            wait_until(lambda url=url: answers(url), 0.01)

    def register(self) -> None:
        """Tell the server of the service, once it listens, and wait until its partitions have leaders."""
        wait_until(lambda: listens(self.service))
        body = {"uri": f"http://127.0.0.1:{self.service}", "force": True}
        request(f"{self._admin}/deployments", body)

    @property
    def _admin(self) -> str:
        return f"http://127.0.0.1:{self.admin}"

    @property
    def _ingress(self) -> str:
        return f"http://127.0.0.1:{self.ingress}"

    def url(self, workflow: str, key: str, send: str = "") -> str:
        """Return where a workflow is invoked; `send` is "/send" to return at once."""
        return f"{self._ingress}/{workflow}/{key}/run{send}"

    def run(self, workflow: str, key: str, argument: int) -> Any:
        """Invoke a workflow and return its result."""
        return request(self.url(workflow, key), argument)

    def sleeping(self) -> int:
        """Return how many sleepers have begun."""
        return int(request(f"{self._ingress}/Counts/sleeping", 0))


def request(url: str, body: Any) -> Any:
    wanted = urllib.request.Request(
        url, json.dumps(body).encode(), {"content-type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(wanted, timeout=600) as answer:
            return json.loads(answer.read() or "null")
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{url}: {error.code} {error.read()[:500]!r}") from None


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


async def serve(port: int) -> None:
    import hypercorn
    import hypercorn.asyncio

    config = hypercorn.Config()
    config.bind = [f"127.0.0.1:{port}"]
    # As in the production settings of the documentation.
    config.h2_max_concurrent_streams = UNLIMITED
    config.keep_alive_max_requests = UNLIMITED
    config.keep_alive_timeout = UNLIMITED
    # With a trigger of its own it leaves the signals alone, and so may run outside the main thread.
    await hypercorn.asyncio.serve(APPLICATION, config, shutdown_trigger=asyncio.Event().wait)


async def post_all(urls: list[str], bodies: list[int]) -> list[Any]:
    """Invoke all at the same time and return the results."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    timeout = aiohttp.ClientTimeout(total=600)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as client:

        async def one(url: str, body: int) -> Any:
            async with client.post(url, json=body) as answer:
                text = await answer.text()
                if answer.status >= 300:
                    raise SystemExit(f"{url}: {answer.status} {text[:500]}")
                return json.loads(text)

        return await asyncio.gather(*map(one, urls, bodies))


def launch(given: Given) -> tuple[Server, int, int]:
    """Start server and service; return also their process ids."""
    server = Server(given)
    pid = server.start()
    service = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.durable.peers.restate", "serve", str(server.service)]
    )
    server.register()
    check(server.run("Sequence", "warm", 10), 10)
    return server, pid, service.pid


def w1(given: Given) -> dict[str, Any]:
    server, _, _ = launch(given)
    time.sleep(SETTLE_S)
    before = stored_bytes()
    window = Window()
    result = server.run("Sequence", "measured", given.effects)
    window.close()
    check(result, given.effects)
    time.sleep(SETTLE_S)
    return {
        "effects": given.effects,
        "seconds": window.figures["seconds"],
        "stored_bytes": stored_bytes() - before,
    }


def w2(given: Given) -> dict[str, Any]:
    server, _, _ = launch(given)
    urls = [server.url("Sequence", f"run-{n}") for n in range(given.runs)]
    window = Window()
    results = asyncio.run(post_all(urls, [given.each] * given.runs))
    window.close()
    check(results, [given.each] * given.runs)
    return {"effects": given.runs * given.each, "seconds": window.figures["seconds"]}


def w3(given: Given) -> dict[str, Any]:
    server = Server(given)
    first, everything = given.life == "first", given.variant == "all"
    if first or everything:
        server.start(outlives=not everything)
    threading.Thread(target=lambda: asyncio.run(serve(server.service)), daemon=True).start()
    wait_until(lambda: listens(server.service))
    mark("ready")
    if first:
        server.register()
        request(server.url("Gated", "killed", "/send"), given.kill_at + 1)
    attached = f"http://127.0.0.1:{server.ingress}/restate/workflow/Gated/killed/attach"
    result = json.loads(urllib.request.urlopen(attached, timeout=600).read())
    check(result, given.kill_at + 1)
    return {"result": result}


def w4(given: Given) -> dict[str, Any]:
    server, _, _ = launch(given)
    check(server.run("Parallel", "warm", 5), 15)
    window = Window()
    result = server.run("Parallel", "measured", given.parallel)
    window.close()
    check(result, sum(range(1, given.parallel + 1)))
    return {"effects": given.parallel, "seconds": window.figures["seconds"]}


def w5(given: Given) -> dict[str, Any]:
    server, *processes = launch(given)

    def memory() -> int:
        return sum(resident_bytes(one) for one in processes)

    time.sleep(SETTLE_S)
    stored, held = stored_bytes(), memory()
    urls = [server.url("Sleeper", f"run-{n}", "/send") for n in range(given.sleepers)]
    window = Window()
    asyncio.run(post_all(urls, list(range(given.sleepers))))
    started_s = window.passed_s
    wait_until(lambda: server.sleeping() == given.sleepers, 0.02)
    window.close()
    grown = memory() - held
    time.sleep(SETTLE_S)
    return {
        "sleepers": given.sleepers,
        "seconds": window.figures["seconds"],
        "started_s": started_s,
        "memory_bytes": grown,
        "resident_bytes": memory(),
        "stored_bytes": stored_bytes() - stored,
    }


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(serve(int(sys.argv[2])))
    else:
        main({"W1": w1, "W2": w2, "W3": w3, "W4": w4, "W5": w5})
