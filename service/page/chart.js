// A line over time.

import { el, svg, write } from './dom.js';
import { clock, t } from './i18n.js';
import { drawSized } from './sized.js';

const HEIGHT = 150;
const MARGIN = { top: 8, right: 10, bottom: 22, left: 44 };
const LINES = 3;

/** A figure; `draw(series, {goal})` draws it anew. A series is `{points: [{at, value}], name, faint}`; no value, no line. */
export function chart({ title, format, most = null }) {
  const now = el('span', { class: 'now' });
  const picture = el('div', { class: 'plot' });
  const legend = el('p', { class: 'legend', hidden: true });
  const node = el('figure', { class: 'chart' }, el('figcaption', {}, el('span', {}, title), now), picture, legend);

  function draw(series, { goal = null } = {}) {
    const values = series.flatMap(({ points }) => points.map(({ value }) => value)).filter((value) => value !== null);
    node.hidden = values.length === 0;
    if (!values.length) return;
    const times = series.flatMap(({ points }) => points.map(({ at }) => Number(at)));
    const ceiling = nice(Math.max(...values, goal ?? 0)) || 1;
    const scale = { from: Math.min(...times), to: Math.max(...times), top: most === null ? ceiling : Math.min(most, ceiling) };
    const last = series[0].points.findLast(({ value }) => value !== null);
    const said = last ? format(last.value) : '';
    write(now, said);
    legend.hidden = series.length < 2;
    legend.replaceChildren(...series.map(({ name, faint }) => el('span', { class: faint ? 'faint' : 'strong' }, name)));
    const label = t('chart.label', { title, now: said, least: format(Math.min(...values)), most: format(Math.max(...values)) });
    drawSized(picture, (width) => {
      picture.replaceChildren(plot({ width, series, scale, goal, format, label, read: (text) => write(now, text ?? said) }));
    });
  }

  return { node, draw };
}

function plot({ width, series, scale, goal, format, label, read }) {
  const inner = { width: Math.max(1, width - MARGIN.left - MARGIN.right), height: HEIGHT - MARGIN.top - MARGIN.bottom };
  const x = (at) => MARGIN.left + (inner.width * (at - scale.from)) / Math.max(1, scale.to - scale.from);
  const y = (value) => MARGIN.top + inner.height * (1 - value / scale.top);
  const cursor = svg('line', { class: 'cursor', y1: MARGIN.top, y2: MARGIN.top + inner.height, visibility: 'hidden' });
  const node = svg('svg', { role: 'img', 'aria-label': label, width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}` },
    ticks(scale.top).map((value) => [
      svg('line', { class: 'grid', x1: MARGIN.left, x2: width - MARGIN.right, y1: y(value), y2: y(value) }),
      svg('text', { class: 'tick', x: MARGIN.left - 6, y: y(value) + 4, 'text-anchor': 'end' }, format(value))]),
    times(scale).map(([at, text, anchor]) => svg('text', { class: 'tick', x: x(at), y: HEIGHT - 6, 'text-anchor': anchor }, text)),
    goal === null ? null : svg('line', { class: 'goal', x1: MARGIN.left, x2: width - MARGIN.right, y1: y(goal), y2: y(goal) }),
    series.toReversed().map(({ points, faint }) => lines(points, x, y, faint)), cursor);

  node.addEventListener('pointermove', (event) => {
    const at = scale.from + ((event.offsetX - MARGIN.left) / inner.width) * (scale.to - scale.from);
    const near = nearest(series[0].points, at);
    if (!near) return;
    cursor.setAttribute('visibility', 'visible');
    cursor.setAttribute('x1', x(near.at));
    cursor.setAttribute('x2', x(near.at));
    read(`${format(near.value)} · ${clock(near.at, false)}`);
  });
  node.addEventListener('pointerleave', () => {
    cursor.setAttribute('visibility', 'hidden');
    read(null);
  });
  return node;
}

/** One path for each stretch without a gap; a strong line stands on a tinted area. */
function lines(points, x, y, faint) {
  const stretches = [[]];
  for (const point of points) {
    if (point.value === null) stretches.push([]);
    else stretches.at(-1).push(`${x(point.at).toFixed(1)},${y(point.value).toFixed(1)}`);
  }
  return stretches.filter((stretch) => stretch.length).map((stretch) => {
    const line = svg('path', { class: faint ? 'line faint' : 'line', d: `M${stretch.join('L')}` });
    if (faint) return line;
    const first = stretch[0].split(',')[0];
    return [svg('path', { class: 'area', d: `M${stretch.join('L')}V${y(0)}H${first}Z` }), line];
  });
}

function nearest(points, at) {
  const there = points.filter(({ value }) => value !== null);
  return there.reduce((best, one) => (best && Math.abs(best.at - at) <= Math.abs(one.at - at) ? best : one), null);
}

function ticks(top) {
  return Array.from({ length: LINES + 1 }, (_, at) => (top * at) / LINES);
}

/** The least of a few round numbers that is not below the value: a third of each is short too. */
function nice(value) {
  if (value <= 0) return 0;
  const size = 10 ** Math.floor(Math.log10(value));
  return size * ([1.2, 1.5, 3, 4.5, 6, 7.5, 9, 12].find((step) => value <= step * size) ?? 12);
}

function times({ from, to }) {
  const days = new Date(from).toDateString() !== new Date(to).toDateString();
  return [[from, clock(from, days), 'start'], [to, clock(to, days), 'end']];
}
