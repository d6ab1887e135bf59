// Places of the page are hashes, `#/jobs/ID/read?verdict=dropped`, so that any can be linked to and gone back to.

import { el } from './dom.js';

/** The path's parts and the query of the place that is shown. */
export function place() {
  const [path, query = ''] = location.hash.replace(/^#/, '').split('?');
  const parts = path.split('/').filter(Boolean).map(decodeURIComponent);
  return { parts, query: new URLSearchParams(query) };
}

export function address(parts, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const path = parts.map(encodeURIComponent).join('/');
  return `#/${path}${given.length ? `?${new URLSearchParams(given)}` : ''}`;
}

export function go(parts, query = {}) {
  location.hash = address(parts, query);
}

/** Another query for the same place, without a new step in the history and without showing the place anew. */
export function note(parts, query) {
  history.replaceState(null, '', address(parts, query));
}

export function link(text, parts, query = {}, attributes = {}) {
  return el('a', { href: address(parts, query), ...attributes }, text);
}
