"""A server in a process of its own that answers completions after a while. Run with a port; it says when it listens."""

from __future__ import annotations

import asyncio
import json
import sys

served = 0


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    global served  # noqa: PLW0603 - one number of one small process
    try:
        while head := (await reader.readuntil(b"\r\n\r\n")).decode():
            length = next((int(line[15:]) for line in head.split("\r\n") if line.lower()[:15] == "content-length:"), 0)
            body = await reader.readexactly(length)
            if head.startswith("POST "):
                asked = json.loads(body)
                await asyncio.sleep(0.05)
                served += "logprobs" not in asked
                tokens = asked["max_tokens"]
                choice = {
                    "text": "bai " * tokens,
                    "finish_reason": "length",
                    "prompt_logprobs": [None, {"1": {"logprob": -1.0}}],
                }
                answer = {"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": tokens}}
            else:
                answer = {"data": [{"id": "proba", "owned_by": "vllm"}], "served": served}  # type: ignore[dict-item]
            text = json.dumps(answer).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main(port: int) -> None:
    async with await asyncio.start_server(serve, "127.0.0.1", port, backlog=1024) as server:
        sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
