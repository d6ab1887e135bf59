// All jobs, newest first, with what goes on in them.

import { get } from './api.js';
import { button, el, freshId, write } from './dom.js';
import { FINAL, sleep, visible } from './events.js';
import { ago, compact, duration, moment, percent, t, word } from './i18n.js';
import { badge, joined, meter, setBadge, titleOf, when } from './job_parts.js';
import { trouble } from './notices.js';
import { link, note } from './router.js';

const STATES = ['queued', 'running', 'pausing', 'paused', 'cancelling', 'cancelled', 'succeeded', 'failed'];
const PAGE = 30;
const BUSY_MS = 2_000;
const CALM_MS = 10_000;

export async function showJobs(into, { query, me, signal }) {
  const list = el('ol', { class: 'jobs', 'aria-label': t('nav.jobs') });
  const cards = new Map();
  const older = button(t('jobs.older'), () => load(next, false), { hidden: true });
  const said = el('div');
  const asked = Object.fromEntries(['state', 'kind', 'name', 'language', 'mine'].map((name) => [name, query.get(name) ?? '']));
  let next = null;
  let reading = 0;

  /** Reads a page; the first one replaces what is there, card by card. */
  async function load(cursor, first) {
    const mine = ++reading;
    const page = await get('/v1/jobs', { ...asked, cursor, limit: PAGE }, signal);
    if (mine !== reading) return;
    if (first) keep(new Set(page.items.map((job) => job.id)), page.items.at(-1));
    page.items.forEach((job, at) => put(job, first ? at : null));
    if (!first || cards.size <= page.items.length) next = page.next;
    older.hidden = next === null;
    said.replaceChildren(...(cards.size ? [] : [nothing(asked)]));
  }

  /** Takes away the cards that the first page no longer has. */
  function keep(ids, last) {
    for (const [id, card] of cards) {
      if (ids.has(id) || (last && card.created < last.created)) continue;
      card.node.remove();
      cards.delete(id);
    }
  }

  function put(job, at) {
    let card = cards.get(job.id);
    if (!card) {
      card = makeCard(job);
      cards.set(job.id, card);
      list.insertBefore(card.node, at === null ? null : list.children[at] ?? null);
    }
    card.set(job);
  }

  async function watch() {
    while (!signal.aborted) {
      const busy = [...cards.values()].some((card) => !FINAL.has(card.state) && card.state !== 'paused');
      await sleep(busy ? BUSY_MS : CALM_MS, signal);
      await visible(signal);
      if (signal.aborted) return;
      try {
        await load(null, true);
      } catch (error) {
        if (!signal.aborted) said.replaceChildren(trouble(error));
      }
    }
  }

  function changed() {
    note([], asked);
    cards.clear();
    list.replaceChildren();
    load(null, true).catch((error) => said.replaceChildren(trouble(error)));
  }

  into.append(
    el('div', { class: 'head' }, el('h1', {}, t('nav.jobs')), link(t('nav.new'), ['new'], {}, { class: 'button main' })),
    filters(asked, me, changed), list, said, el('div', { class: 'actions' }, older));
  await load(null, true);
  watch();
}

function filters(asked, me, changed) {
  const choose = (name, choices) => {
    const field = el('select', { id: freshId(name), onchange: () => { asked[name] = field.value; changed(); } },
      choices.map(([value, text]) => el('option', { value, selected: asked[name] === value }, text)));
    return el('div', { class: 'field' }, el('label', { for: field.id }, t(`jobs.${name}`)), field);
  };
  const search = el('input', { type: 'search', id: freshId('name'), value: asked.name, autocomplete: 'off' });
  const mine = el('input', { type: 'checkbox', id: freshId('mine'), checked: asked.mine !== '', onchange: () => {
    asked.mine = mine.checked ? 'true' : '';
    changed();
  } });
  return el('form', { class: 'filters', role: 'search', onsubmit: (event) => {
    event.preventDefault();
    asked.name = search.value.trim();
    changed();
  } },
    el('div', { class: 'field' }, el('label', { for: search.id }, t('jobs.name')), search),
    choose('state', [['', t('jobs.any')], ...STATES.map((state) => [state, word('state', state)])]),
    choose('kind', [['', t('jobs.any')], ['build', t('kind.build')], ['publication', t('kind.publication')]]),
    me.open ? null : el('div', { class: 'field check' }, mine, el('label', { for: mine.id }, t('jobs.mine'))));
}

function nothing(asked) {
  const filtered = Object.values(asked).some(Boolean);
  return el('p', { class: 'empty' }, t(filtered ? 'jobs.none_such' : 'jobs.none'), ' ',
    filtered ? null : link(t('jobs.first'), ['new']));
}

function makeCard(job) {
  const state = badge(job.state);
  const facts = el('p', { class: 'facts' }, joined([
    t(`kind.${job.kind}`), job.build_id && link(t('job.of_build'), ['jobs', job.build_id]), job.recipe?.language, job.recipe && String(job.recipe.backbone), job.key,
    when(job.created, moment(job.created))]));
  const bar = meter();
  const line = el('p', { class: 'line' });
  const wrong = el('p', { class: 'wrong', hidden: true });
  const node = el('li', { class: 'card' },
    el('div', { class: 'row' }, el('h2', {}, link(titleOf(job), ['jobs', job.id])), state), facts, bar.node, line, wrong);
  const card = { node, state: job.state, created: job.created };
  card.set = (now) => {
    card.state = now.state;
    setBadge(state, now.state);
    bar.set(now.progress);
    write(line, lineOf(now));
    line.hidden = line.textContent === '';
    wrong.hidden = !now.error;
    write(wrong, now.error ?? '');
  };
  return card;
}

/** A build in one line. */
function lineOf(job) {
  const { progress } = job;
  if (progress === null) return job.finished ? ago(job.finished) : '';
  return [
    progress.acceptance === null ? null : t('line.acceptance', { share: percent(progress.acceptance) }),
    t('line.tokens', { tokens: compact(progress.tokens) }),
    progress.tokens_per_accepted === null ? null : t('line.cost', { tokens: compact(progress.tokens_per_accepted) }),
    job.state === 'running' && progress.seconds_left !== null ? t('line.left', { time: duration(progress.seconds_left) }) : null,
    job.finished ? ago(job.finished) : null,
  ].filter(Boolean).join(' · ');
}
