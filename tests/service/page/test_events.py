"""The stream of events: read by hand, and taken up again after its last event."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.page import Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")
Visit = Callable[..., Visitor]


async def test_messages_are_read_however_the_bytes_are_cut(visit: Visit) -> None:
    page = await visit().open()
    read = await page.evaluate(
        """async () => {
            const { messages } = await import('/assets/events.js');
            const text = ': here\\r\\n\\r\\nid: 1\\r\\nevent: state\\r\\ndata: {"a": "ñ€😀"}\\r\\n\\r\\n'
                + 'id:2\\ndata: one\\ndata: two\\n\\nevent: empty\\n\\nid: 3\\ndata: cut';
            const bytes = new TextEncoder().encode(text);
            const found = [];
            for (let size = 1; size <= bytes.length; size += 1) {
                const stream = new ReadableStream({ start(control) {
                    for (let at = 0; at < bytes.length; at += size) control.enqueue(bytes.slice(at, at + size));
                    control.close();
                } });
                const read = [];
                for await (const message of messages(stream)) read.push(message);
                found.push(JSON.stringify(read));
            }
            return [...new Set(found)];
        }"""
    )
    assert read == ['[{"data":"{\\"a\\": \\"ñ€😀\\"}","id":"1","event":"state"},{"data":"one\\ntwo","id":"2"}]']


async def test_a_stream_that_breaks_is_taken_up_after_its_last_event(visit: Visit) -> None:
    page = await visit().open()
    asked = await page.evaluate(
        """async () => {
            const { follow } = await import('/assets/events.js');
            const kept = window.fetch;
            const asked = [];
            const event = (number, state) => `id: ${number}\\ndata: ${JSON.stringify({ number, state })}\\n\\n`;
            const answers = [
                () => new Response(event(8, 'running') + event(9, 'running')),
                () => new Response('{"detail": "later"}', { status: 503, headers: { 'Retry-After': '0.01' } }),
                () => { throw new TypeError('away'); },
                () => new Response(event(10, 'failed') + event(11, 'queued') + event(12, 'succeeded')),
            ];
            window.fetch = async (path, options) => {
                asked.push([path, options.headers['Last-Event-ID'] ?? null, options.headers.Authorization]);
                return answers[asked.length - 1]();
            };
            const seen = [];
            const told = [];
            const signal = new AbortController().signal;
            const onStatus = (now) => told.push(now);
            await follow('one', (event) => seen.push(event.number), { after: 7, signal, onStatus });
            window.fetch = kept;
            return { asked, seen, told };
        }"""
    )
    assert asked["seen"] == [8, 9, 10, 11, 12]
    assert [last for _, last, _ in asked["asked"]] == ["7", "9", "9", "9"]
    assert {key for *_, key in asked["asked"]} == {"Bearer a-key-of-the-tests"}
    assert asked["told"] == ["live", "waiting", "waiting", "waiting", "live"]
