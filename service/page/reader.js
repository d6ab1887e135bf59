// Reading the conversations of a build: accepted ones, or dropped drafts with what was wrong with them.

import { get } from './api.js';
import { conversation, languageOf, objection, scoresOf } from './conversation.js';
import { button, el, freshId } from './dom.js';
import { modelOf } from './funnel_model.js';
import { number, t, word } from './i18n.js';
import { joined, titleOf } from './job_parts.js';
import { announce, trouble } from './notices.js';
import { go, link } from './router.js';

const PAGE = 20;

export async function showReader(into, { parts: [, id], query, signal }) {
  const verdict = query.get('verdict') === 'dropped' ? 'dropped' : 'accepted';
  const reason = verdict === 'dropped' ? query.get('reason') ?? '' : '';
  const job = await get(`/v1/jobs/${id}`, {}, signal);
  const list = el('ol', { class: 'reading' });
  const said = el('div');
  const more = button(t('reader.more'), () => load().catch((error) => said.replaceChildren(trouble(error))), { hidden: true });
  const place = ['jobs', id, 'read'];
  let after = 0;

  async function load() {
    const page = await get(`/v1/jobs/${id}/conversations`, { verdict, reason, after, limit: PAGE }, signal);
    const nodes = page.items.map((item, at) => (verdict === 'dropped' ? droppedItem(item) : acceptedItem(item, list.children.length + at + 1)));
    list.append(...nodes);
    after = page.next;
    more.hidden = after === null;
    if (!list.children.length) said.replaceChildren(el('p', { class: 'empty' }, t(`reader.none_${verdict}`)));
    return nodes[0];
  }

  more.addEventListener('click', () => announce(t('reader.loading')));
  into.append(
    el('p', { class: 'crumbs' }, link(t('nav.jobs'), []), ' / ', link(titleOf(job), ['jobs', id])),
    el('div', { class: 'head' }, el('h1', {}, t(`reader.${verdict}`)),
      verdict === 'accepted' ? link(t('job.review'), ['jobs', id, 'review'], {}, { class: 'button' }) : null),
    el('nav', { class: 'tabs', 'aria-label': t('reader.which') },
      ['accepted', 'dropped'].map((one) => link(t(`reader.${one}`), place, one === 'dropped' ? { verdict: one } : {},
        { 'aria-current': one === verdict ? 'page' : null }))),
    verdict === 'dropped' ? reasons(job, reason, place) : null,
    list, said, el('div', { class: 'actions' }, more));
  await load();
}

/** A choice among the reasons that there are. */
function reasons(job, chosen, place) {
  const ends = job.funnel ? modelOf(job.funnel).gates.flatMap((step) => step.reasons) : [];
  const counts = new Map();
  for (const end of ends) counts.set(end.reason, (counts.get(end.reason) ?? 0) + end.drafts);
  if (chosen && !counts.has(chosen)) counts.set(chosen, 0);
  const sorted = [...counts].sort((one, other) => other[1] - one[1]);
  const field = el('select', { id: freshId('reason'), onchange: () => go(place, { verdict: 'dropped', reason: field.value }) },
    el('option', { value: '' }, t('reader.all')),
    sorted.map(([reason, n]) => el('option', { value: reason, selected: reason === chosen }, `${reason} (${number(n)})`)));
  return el('div', { class: 'filters' }, el('div', { class: 'field' }, el('label', { for: field.id }, t('column.reason')), field),
    el('p', { class: 'hint' }, t('reader.sample')));
}

function droppedItem(item) {
  return el('li', { class: 'card', 'data-id': item.draft_id },
    objection(item),
    conversation({ messages: item.messages, verdict: item, languages: item.messages.map(() => languageOf(item.mode)) }),
    el('p', { class: 'facts' }, joined([word('gate', item.gate), item.mode, el('code', {}, item.draft_id)])));
}

function acceptedItem(item, at) {
  return el('li', { class: 'card', 'data-id': item.id },
    el('p', { class: 'ordinal' }, number(at)),
    conversation({ messages: item.messages, languages: item.turn_languages.length ? item.turn_languages : item.messages.map(() => item.language) }),
    el('p', { class: 'facts' }, joined([item.mode, scoresOf(item.scores), t('reader.tokens', { n: item.completion_tokens }), el('code', {}, item.id)])));
}
