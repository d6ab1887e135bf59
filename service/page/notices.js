// What is said to everybody, seen or heard.

import { Problem } from './api.js';
import { button, el } from './dom.js';
import { t } from './i18n.js';

/** Says it to screen readers, politely; only what a person would want to be told. */
export function announce(text) {
  const node = document.querySelector('#announcer');
  node.textContent = '';
  requestAnimationFrame(() => { node.textContent = text; });
}

/** What went wrong, in the server's words where it has said something. */
export function saying(error) {
  if (!(error instanceof Problem)) throw error;
  if (error.status === 0) return t('trouble.unreachable');
  if (error.retryAfter) return t('trouble.later', { detail: error.message, s: error.retryAfter });
  return error.message;
}

/** A notice of what went wrong; with a button where it may go better the next time. */
export function trouble(error, { again = null } = {}) {
  return el('div', { class: 'notice bad', role: 'alert' },
    el('p', {}, saying(error)),
    again && button(t('trouble.again'), again));
}
