"""A TCP proxy that is slow: every byte comes out later than it went in, as on a long way between two hosts.

``python slow_proxy.py PORT TARGET_PORT SECONDS`` serves on loopback until it is ended; half of the seconds are spent
on the way there and half on the way back. Data follow each other: only the latency is added, the rate is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from faults import free_port, wait_for_port


async def delayed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Pass on what comes, each part so much later."""
    loop = asyncio.get_running_loop()
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def arrive() -> None:
        while True:
            due, data = await under_way.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                writer.close()
                return
            writer.write(data)
            await writer.drain()

    arriving = asyncio.create_task(arrive())
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            under_way.put_nowait((loop.time() + seconds, data))
    under_way.put_nowait((loop.time() + seconds, b""))
    with contextlib.suppress(ConnectionError):
        await arriving


async def serve(port: int, target: int, seconds: float) -> None:
    """Serve connections to ``target`` until the process is ended."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(delayed(reader, there_writer, seconds / 2), delayed(there_reader, writer, seconds / 2))

    server = await asyncio.start_server(connected, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


@contextmanager
def slow_proxy(target: int, seconds: float) -> Iterator[int]:
    """Run the proxy in a process of its own; yield the port that leads, slowly, to the target's."""
    port = free_port()
    process = subprocess.Popen([sys.executable, __file__, str(port), str(target), str(seconds)])
    try:
        wait_for_port(port, process)
        yield port
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
