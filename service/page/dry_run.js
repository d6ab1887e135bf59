// What a dry run has found: what the job would cost, and five drafts to read.

import { conversation, languageOf, objection } from './conversation.js';
import { el, freshId } from './dom.js';
import { compact, duration, percent, t } from './i18n.js';

export function dryRun({ drafts, acceptance, tokens_per_accepted: cost, tokens_per_second: speed, measured, estimate, no_estimate: why, took_seconds: took }) {
  const heading = freshId('dry');
  const figure = (name, value) => el('div', {}, el('dt', {}, t(name)), el('dd', {}, value ?? '–'));
  const known = (value, write) => (value === null || value === undefined ? null : write(value));
  return el('section', { class: 'dry', 'aria-labelledby': heading },
    el('h2', { id: heading }, t('dry.title')),
    el('dl', { class: 'figures' },
      figure('dry.tokens', known(estimate?.tokens, compact)), figure('dry.time', known(estimate?.seconds, duration)),
      figure('figure.acceptance', known(acceptance, percent)), figure('figure.cost', known(cost, compact)),
      figure('figure.speed', known(speed, compact))),
    why ? el('p', { class: 'notice' }, why) : null,
    el('p', { class: 'hint' }, t(`dry.measured.${measured}`), ' ', t('dry.took', { time: duration(took) })),
    el('h3', {}, t('dry.drafts')),
    el('ol', { class: 'reading' }, drafts.map(draft)));
}

function draft({ accepted, messages, verdict, mode, tokens }) {
  const dropped = !accepted && verdict?.reason ? verdict : null;
  return el('li', { class: 'card' },
    dropped ? objection(dropped) : el('p', {}, el('span', { class: 'badge', 'data-state': 'succeeded' }, t('column.accepted'))),
    conversation({ messages, verdict: dropped, languages: messages.map(() => languageOf(mode)) }),
    el('p', { class: 'facts' }, `${mode} · ${t('reader.tokens', { n: tokens })}`));
}
