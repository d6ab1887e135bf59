// One job, live: how it stands, its funnel, its course over time, and what can be done with it.

import { get } from './api.js';
import { actionsOf } from './actions.js';
import { el, write } from './dom.js';
import { FINAL, follow, sleep } from './events.js';
import { drawFunnel } from './funnel.js';
import { costPicture, reasonTable } from './funnel_table.js';
import { History } from './history.js';
import { moment, number, percent, t, word } from './i18n.js';
import { badge, figures, joined, meter, setBadge, titleOf, when } from './job_parts.js';
import { announce, saying, trouble } from './notices.js';
import { link } from './router.js';

const FUNNEL_MS = 3_000;
const STEP = 0.25;

export async function showJob(into, { parts: [, id], me, signal }) {
  let job = await get(`/v1/jobs/${id}`, {}, signal);
  const parts = job.kind === 'build' ? buildParts() : { nodes: [], set: () => {}, add: () => {}, begin: async () => 0 };
  const state = badge(job.state);
  const live = el('span', { class: 'live', hidden: true }, t('job.live'));
  const said = el('div');
  const result = el('div', { class: 'result' });
  const actions = actionsOf(me, (changed) => { renew(changed); watch(); }, said);
  let watching = new AbortController();

  into.append(
    el('p', { class: 'crumbs' }, link(t('nav.jobs'), [])),
    el('div', { class: 'head' }, el('h1', {}, titleOf(job)), state, live),
    facts(job), said, actions.node, result, parts.nodes);

  function renew(now) {
    const before = job.state;
    job = { ...job, ...now };
    if (before !== job.state) announce(t('job.is_now', { state: word('state', job.state) }));
    setBadge(state, job.state);
    actions.set(job);
    result.replaceChildren(...outcome(job));
    parts.set(job);
  }

  async function refresh() {
    renew(await get(`/v1/jobs/${id}`, {}, signal));
  }

  /** Follows the events until the job has ended; the funnel, which events do not carry, is read again now and then. */
  async function watch() {
    watching.abort();
    watching = new AbortController();
    signal.addEventListener('abort', () => watching.abort(), { once: true, signal: watching.signal });
    const mine = watching.signal;
    let due = false;
    let after = await parts.begin(id, mine);
    const later = async () => {
      if (due) return;
      due = true;
      await sleep(FUNNEL_MS, mine);
      due = false;
      if (!mine.aborted) await refresh();
    };
    if (FINAL.has(job.state)) return;
    await follow(id, (event) => {
      after = event.number;
      if (event.progress) parts.add(event);
      renew({ state: event.state, progress: event.progress ?? job.progress, error: event.error ?? job.error });
      (event.kind === 'state' ? refresh() : later()).catch(failed);
    }, { after, signal: mine, onStatus: (now) => { live.hidden = false; show(now); } });
    live.hidden = true;
  }

  function show(now) {
    live.dataset.status = now;
    write(live, t(now === 'live' ? 'job.live' : 'job.reconnecting'));
  }

  function failed(error) {
    if (signal.aborted || error.name === 'AbortError') return;
    said.replaceChildren(trouble(error, { again: () => { said.replaceChildren(); watch().catch(failed); } }));
  }

  renew(job);
  watch().catch(failed);
}

/** What only builds have: progress, funnel, charts. */
function buildParts() {
  const bar = meter();
  const facts = figures();
  const picture = el('div', { class: 'picture' });
  const cost = el('div');
  const table = el('div');
  const alarms = el('div');
  const history = new History();
  const funnel = el('section', { 'aria-labelledby': 'funnel', hidden: true },
    el('h2', { id: 'funnel' }, t('funnel.title')), alarms, picture, cost, table);
  let quarter = null;

  function set(job) {
    bar.set(job.progress);
    facts.set(job.progress);
    tellQuarters(job.progress);
    const there = Boolean(job.funnel?.rows.length);
    funnel.hidden = !there;
    if (!there) return;
    alarms.replaceChildren(...(job.funnel.diversity?.alarms ?? []).map((alarm) => el('p', { class: 'notice' }, alarm)));
    drawFunnel(picture, job.funnel);
    costPicture(cost, job.funnel);
    reasonTable(table, job.funnel, job.id);
  }

  /** Says each quarter of the way, and nothing in between. */
  function tellQuarters(progress) {
    if (!progress?.target) return;
    const share = progress.accepted / progress.target;
    const now = Math.floor(share / STEP);
    if (quarter !== null && now > quarter) announce(t('job.quarter', { share: percent(now * STEP), n: progress.accepted }));
    quarter = now;
  }

  return {
    nodes: [bar.node, facts.node, funnel, history.node],
    set,
    add: (event) => history.add(event),
    begin: async (id, signal) => history.begin((await get(`/v1/jobs/${id}/progress`, {}, signal)).items),
  };
}

function facts(job) {
  const build = job.kind === 'publication' && link(t('job.of_build'), ['jobs', job.build_id]);
  return el('p', { class: 'facts' }, joined([
    t(`kind.${job.kind}`), build, job.recipe?.language, job.recipe && String(job.recipe.backbone), job.key,
    when(job.created, moment(job.created)), el('code', {}, job.id)]));
}

/** How it ended: the error, or what it has made. */
function outcome(job) {
  const nodes = [];
  if (job.error) nodes.push(el('p', { class: 'notice bad' }, job.error));
  if (job.result?.target) nodes.push(el('p', {}, t('job.published_to'), ' ', el('code', {}, job.result.target)));
  if (job.kind === 'build' && (job.progress?.accepted || job.progress?.drafts)) {
    nodes.push(el('p', { class: 'links' },
      link(t('job.read', { n: job.progress.accepted }), ['jobs', job.id, 'read'], {}, { class: 'button' }),
      link(t('job.read_dropped'), ['jobs', job.id, 'read'], { verdict: 'dropped' }, { class: 'button' }),
      link(t('job.review'), ['jobs', job.id, 'review'], {}, { class: 'button' })));
  }
  return nodes;
}
