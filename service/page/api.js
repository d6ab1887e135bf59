// The API, as the page calls it.

import { askForKey, keyOf } from './key.js';

/** An answer that is no success: RFC 9457, with `errors` that name fields. */
export class Problem extends Error {
  constructor(status, detail, errors = [], retryAfter = null) {
    super(detail);
    this.status = status;
    this.errors = errors;
    this.retryAfter = retryAfter;
  }
}

/** The JSON of an answer, null for an empty one. Asks for the API key when there is need of one. Throws Problem. */
export async function request(method, path, { body, query = {}, headers = {}, signal } = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const address = given.length ? `${path}?${new URLSearchParams(given)}` : path;
  const sent = { Accept: 'application/json', ...headers };
  if (body !== undefined) sent['Content-Type'] = 'application/json';
  const answer = await authorised(address, {
    method, headers: sent, signal, body: body === undefined ? undefined : JSON.stringify(body),
  });
  return answer.status === 204 ? null : answer.json();
}

/** A fresh Idempotency-Key: however often the request is sent, it is done once. */
export function onceKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

export const get = (path, query, signal) => request('GET', path, { query, signal });

/** The answer to a request that carries the key, once there is one that the server takes. Throws Problem. */
export async function authorised(address, options) {
  for (;;) {
    const key = keyOf();
    const headers = { ...options.headers, ...(key ? { Authorization: `Bearer ${key}` } : {}) };
    const answer = await reached(address, { ...options, headers });
    if (answer.status === 401) await askForKey(key);
    else if (answer.ok) return answer;
    else throw await problemOf(answer);
  }
}

async function reached(address, options) {
  try {
    return await fetch(address, options);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Problem(0, error.message);
  }
}

async function problemOf(answer) {
  const waits = Number(answer.headers.get('Retry-After')) || null;
  try {
    const said = await answer.json();
    return new Problem(answer.status, said.detail || said.title, said.errors || [], waits);
  } catch {
    return new Problem(answer.status, `HTTP ${answer.status}`, [], waits);
  }
}
