// The course of a build over time, from the progress that was kept and the events that follow.

import { chart } from './chart.js';
import { el } from './dom.js';
import { clock, compact, percent, t } from './i18n.js';

// Of a rate that is read off between two points, so much of the whole has to lie between them.
const SHARE_OF_TIME = 1 / 60;
const SHARE_OF_DRAFTS = 1 / 40;
const LEAST_DRAFTS = 20;
// A pause is a gap of so many usual steps.
const GAP_STEPS = 10;
const LEAST_GAP_MS = 60_000;
const TABLE_ROWS = 12;

export class History {
  constructor() {
    this.points = [];
    this.speed = chart({ title: t('chart.speed'), format: compact });
    this.acceptance = chart({ title: t('chart.acceptance'), format: percent, most: 1 });
    this.accepted = chart({ title: t('chart.accepted'), format: compact });
    this.table = el('tbody');
    this.node = el('section', { 'aria-labelledby': 'history', hidden: true },
      el('h2', { id: 'history' }, t('chart.title')),
      el('div', { class: 'charts' }, this.accepted.node, this.acceptance.node, this.speed.node),
      el('details', {}, el('summary', {}, t('chart.table')),
        el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': t('chart.table') },
          el('table', {}, el('thead', {}, el('tr', {},
            ['time', 'accepted', 'drafts', 'acceptance', 'tokens', 'cost'].map((name) => el('th', { scope: 'col' }, t(`column.${name}`))))), this.table))));
  }

  /** Begins with the points that the server has kept; returns the number of the last one, 0 without any. */
  begin(items) {
    this.points = items.map((item) => point(item));
    this.draw();
    return items.at(-1)?.number ?? 0;
  }

  add(event) {
    this.points.push(point(event));
    this.draw();
  }

  draw() {
    const { points } = this;
    this.node.hidden = points.length < 2;
    if (points.length < 2) return;
    const gap = longestStep(points);
    this.speed.draw([{ points: rates(points, gap) }]);
    this.acceptance.draw([
      { name: t('chart.recent'), points: recentAcceptance(points) },
      { name: t('chart.overall'), points: points.map(({ at, acceptance }) => ({ at, value: acceptance })), faint: true }]);
    this.accepted.draw([{ points: points.map(({ at, accepted }) => ({ at, value: accepted })) }], { goal: points.at(-1).target });
    const step = Math.max(1, Math.ceil(points.length / TABLE_ROWS));
    const rows = points.filter((_, at) => (points.length - 1 - at) % step === 0);
    const days = rows[0].at.toDateString() !== rows.at(-1).at.toDateString();
    this.table.replaceChildren(...rows.map((one) => el('tr', {},
      el('th', { scope: 'row' }, clock(one.at, days)), cell(compact(one.accepted)), cell(compact(one.drafts)),
      cell(one.acceptance === null ? '–' : percent(one.acceptance)), cell(compact(one.tokens)),
      cell(one.accepted ? compact(one.tokens / one.accepted) : '–'))));
  }
}

const cell = (text) => el('td', {}, text);

function point({ at, progress }) {
  return { at: new Date(at), ...progress };
}

/** The longest step between points that is no pause. */
function longestStep(points) {
  const steps = points.slice(1).map((one, at) => one.at - points[at].at).sort((one, other) => one - other);
  return Math.max(LEAST_GAP_MS, GAP_STEPS * steps[Math.floor(steps.length / 2)]);
}

/** Tokens a second between points far enough apart; none across a pause. */
export function rates(points, gap) {
  const wanted = Math.max(1000, (points.at(-1).at - points[0].at) * SHARE_OF_TIME);
  const found = [];
  let from = 0;
  for (let at = 1; at < points.length; at += 1) {
    if (points[at].at - points[at - 1].at > gap) {
      found.push({ at: points[at].at, value: null });
      from = at;
      continue;
    }
    while (points[at].at - points[from + 1].at >= wanted) from += 1;
    const span = points[at].at - points[from].at;
    if (span >= wanted) found.push({ at: points[at].at, value: (1000 * (points[at].tokens - points[from].tokens)) / span });
  }
  return found;
}

/** The acceptance among the latest drafts, at each point. */
export function recentAcceptance(points) {
  const wanted = Math.max(LEAST_DRAFTS, points.at(-1).drafts * SHARE_OF_DRAFTS);
  const found = [];
  let from = 0;
  for (let at = 1; at < points.length; at += 1) {
    while (points[at].drafts - points[from + 1].drafts >= wanted) from += 1;
    const drafts = points[at].drafts - points[from].drafts;
    if (drafts >= wanted) found.push({ at: points[at].at, value: (points[at].accepted - points[from].accepted) / drafts });
  }
  return found;
}
