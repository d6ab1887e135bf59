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
  const result = outcome(job);
  const actions = actionsOf(me, (changed) => { renew(changed); if (!following) watch().catch(failed); }, said);
  let watching = new AbortController();
  let following = false;

  into.append(
    el('p', { class: 'crumbs' }, link(t('nav.jobs'), [])),
    el('div', { class: 'head' }, el('h1', {}, titleOf(job)), state, live),
    facts(job), said, actions.node, result.node, ...parts.nodes);

  function renew(now) {
    const before = job.state;
    job = { ...job, ...now };
    if (before !== job.state) announce(t('job.is_now', { state: word('state', job.state) }));
    setBadge(state, job.state);
    actions.set(job);
    result.set(job);
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
    const after = await parts.begin(id, mine);
    const later = async () => {
      if (due) return;
      due = true;
      await sleep(FUNNEL_MS, mine);
      due = false;
      if (!mine.aborted) await refresh();
    };
    if (FINAL.has(job.state)) return;
    following = true;
    await follow(id, (event) => {
      if (event.kind === 'progress') parts.add(event);
      // What has happened before the job was read is in what was read.
      if (event.at <= job.updated) return;
      renew({ state: event.state, progress: event.progress ?? job.progress, error: event.error ?? job.error });
      (event.kind === 'state' ? refresh() : later()).catch(failed);
    }, { after, signal: mine, onStatus: (now) => { live.hidden = false; show(now); } })
      .finally(() => { following = false; live.hidden = true; });
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

/** How it ended: the error, or what it has made. Nodes stay, so that a focus on a link does. */
function outcome(job) {
  const wrong = el('p', { class: 'notice bad' });
  const target = el('code');
  const published = el('p', {}, t('job.published_to'), ' ', target);
  const read = link('', ['jobs', job.id, 'read'], {}, { class: 'button' });
  const links = el('p', { class: 'links' }, read,
    link(t('job.read_dropped'), ['jobs', job.id, 'read'], { verdict: 'dropped' }, { class: 'button' }),
    link(t('job.review'), ['jobs', job.id, 'review'], {}, { class: 'button' }));
  return { node: el('div', { class: 'result' }, wrong, published, links), set: (now) => {
    wrong.hidden = !now.error;
    write(wrong, now.error ?? '');
    published.hidden = !now.result?.target;
    write(target, now.result?.target ?? '');
    links.hidden = now.kind !== 'build' || !now.progress?.drafts;
    write(read, t('job.read', { n: now.progress?.accepted ?? 0 }));
  } };
}
