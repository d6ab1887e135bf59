// Events of a job. EventSource cannot send a key, so the stream is read by hand.

import { authorised, Problem } from './api.js';

export const FINAL = new Set(['succeeded', 'failed', 'cancelled']);
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/**
 * Calls `onEvent` with each event after the one numbered `after`, until the job has ended or `signal` is aborted.
 *
 * A stream that breaks is taken up again after its last event; none is held while the page is hidden. `onStatus` is told
 * `live` and `waiting`. Throws Problem where the server says no for good.
 */
export async function follow(jobId, onEvent, { after = 0, onStatus = () => {}, signal }) {
  let last = after;
  let wait = FIRST_WAIT_MS;
  let state = null;
  while (!signal.aborted) {
    await visible(signal);
    const stop = whileVisible(signal);
    let told = null;
    try {
      const headers = { Accept: 'text/event-stream', ...(last ? { 'Last-Event-ID': String(last) } : {}) };
      const answer = await authorised(`/v1/jobs/${jobId}/events`, { headers, signal: stop, cache: 'no-store' });
      onStatus('live');
      for await (const { id, data } of messages(answer.body)) {
        const event = JSON.parse(data);
        last = Number(id) || event.number;
        wait = FIRST_WAIT_MS;
        state = event.state;
        onEvent(event);
      }
      // A job that was run again has ended before: only the end of the stream says that this end is the last.
      if (FINAL.has(state)) return;
    } catch (error) {
      if (signal.aborted) return;
      if (stop.aborted) continue;
      if (error instanceof Problem && error.status >= 400 && error.status < 500 && error.status !== 429) throw error;
      told = error.retryAfter;
    }
    if (signal.aborted) return;
    onStatus('waiting');
    await sleep(told ? told * 1000 : wait * (0.5 + Math.random() / 2), signal);
    wait = Math.min(2 * wait, LONGEST_WAIT_MS);
  }
}

/** The messages of a stream as `{id, event, data}`; comments, which keep it open, are passed over. */
export async function* messages(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = '';
  let message = { data: [] };
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (waiting + value).split(/\r\n|\n|\r(?!$)/);
    waiting = lines.pop();
    for (const line of lines) {
      if (line === '') {
        if (message.data.length) yield { ...message, data: message.data.join('\n') };
        message = { data: [] };
        continue;
      }
      const [, field, text] = /^([^:]*):? ?(.*)$/.exec(line);
      if (field === 'data') message.data.push(text);
      else if (field === 'id' || field === 'event') message[field] = text;
    }
  }
}

/** A signal that is aborted when the other is, and when the page is hidden. */
function whileVisible(signal) {
  const control = new AbortController();
  const end = () => control.abort();
  const hidden = () => document.hidden && end();
  document.addEventListener('visibilitychange', hidden, { signal: control.signal });
  signal.addEventListener('abort', end, { once: true, signal: control.signal });
  return control.signal;
}

export async function visible(signal) {
  while (document.hidden && !signal.aborted) {
    await new Promise((resolve) => {
      document.addEventListener('visibilitychange', resolve, { once: true, signal });
      signal.addEventListener('abort', resolve, { once: true });
    });
  }
}

/** Waits, at most until the signal is aborted. */
export function sleep(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}
