// The funnel as a picture: a stream of drafts from which each gate turns some away.

import { svg } from './dom.js';
import { familyOf, modelOf } from './funnel_model.js';
import { compact, number, percent, t, word } from './i18n.js';
import { drawSized } from './sized.js';

const TOP = 30;
const BEND = 14;
const BEFORE_GATE = 20;
const LINE = 19;
const HEADING = 24;
const BELOW_LABELS = 8;
// Reasons that a gate names in the picture; the table has them all.
const NAMED = 6;
const THINNEST = 1.5;

export function drawFunnel(node, funnel) {
  const model = modelOf(funnel);
  drawSized(node, (width) => node.replaceChildren(picture(model, width)));
}

function picture(model, width) {
  const narrow = width < 560;
  const stream = Math.round(width * (narrow ? 0.24 : 0.34));
  const labels = stream + BEND + (narrow ? 20 : 70);
  const scale = (drafts) => (stream * drafts) / Math.max(1, model.drafts);
  const parts = [svg('text', { class: 'total', x: 0, y: 18 }, t('funnel.drafts', { n: model.drafts, count: number(model.drafts) }))];
  let edge = stream;
  let y = TOP;
  for (const step of model.gates) {
    const gate = drawGate({ step, edge, y: y + BEFORE_GATE, labels, scale, narrow });
    parts.push(water(edge, y, BEFORE_GATE), gate.nodes);
    edge = Math.max(scale(step.reached - step.ended), THINNEST);
    y += BEFORE_GATE;
    parts.push(water(edge, y, gate.height));
    y += gate.height;
  }
  parts.push(water(edge, y, BEFORE_GATE), outlet(model, edge, y + BEFORE_GATE, labels, narrow));
  const height = y + BEFORE_GATE + 52;
  return svg('svg', { role: 'img', 'aria-label': summary(model), width, height, viewBox: `0 0 ${width} ${height}` }, parts);
}

/** A stretch of the stream; it overlaps the next one, so that no seam shows. */
function water(width, y, height) {
  return svg('rect', { class: 'stream', x: 0, y, width, height: height + 0.7 });
}

/** The ribbons that leave the stream at a gate, one for each reason, and what they are called. */
function drawGate({ step, edge, y, labels, scale, narrow }) {
  const end = labels - (narrow ? 20 : 34);
  const shown = named(step.reasons);
  const rows = narrow ? 2 : 1;
  const gate = word('gate', step.gate);
  const ended = t(narrow ? 'funnel.gate.short' : 'funnel.gate', { share: percent(step.ended / step.reached), n: number(step.ended), reached: number(step.reached) });
  const nodes = [
    svg('line', { class: 'gate', x1: 0, x2: labels - 10, y1: y, y2: y }),
    svg('text', { class: 'heading', x: labels, y: y + 4 }, narrow ? gate : `${gate} — ${ended}`),
    narrow ? svg('text', { class: 'cost', x: labels, y: y + LINE + 1 }, ended) : null];
  let right = edge;
  let from = y + BEND;
  let label = y + HEADING + (narrow ? LINE : 0);
  for (const one of shown) {
    const thick = scale(one.drafts);
    const family = familyOf(one.reason);
    const middle = label - 4;
    nodes.push(
      svg('path', { class: 'ribbon', 'data-family': family, d: ribbon(right, y, from - y, Math.max(thick, THINNEST), end) }),
      svg('path', { class: 'leader', d: `M${end},${from + thick / 2}L${labels - 12},${middle}H${labels - 8}` }),
      svg('circle', { class: 'dot', 'data-family': family, cx: labels - 5, cy: middle, r: 4 }),
      ...told(one, labels + 6, label, narrow));
    right -= thick;
    from += thick;
    label += LINE * rows;
  }
  return { nodes, height: Math.max(from - y, label - y - LINE) + BELOW_LABELS };
}

/** A band that comes down from the left of `right`, bends, and runs to `end`; `drop` below the gate. */
function ribbon(right, y, drop, thick, end) {
  const left = right - thick;
  const centre = Math.max(right, 0) + drop;
  const outer = drop + thick;
  return `M${right},${y}A${drop},${drop} 0 0 0 ${centre},${y + drop}H${Math.max(end, centre)}V${y + outer}H${centre}`
    + `A${centre - left},${outer} 0 0 1 ${left},${y}Z`;
}

function told(end, x, y, narrow) {
  const name = svg('tspan', { class: 'reason' }, end.name ?? end.reason);
  const count = svg('tspan', { class: 'count' }, ` ${number(end.drafts)}`);
  const cost = t(end.saved ? 'funnel.cost_saved' : 'funnel.cost', { tokens: compact(end.tokens), saved: compact(end.saved) });
  if (narrow) return [svg('text', { x, y }, name, count), svg('text', { class: 'cost', x, y: y + LINE - 4 }, cost)];
  return [svg('text', { x, y }, name, count, svg('tspan', { class: 'cost' }, `  ${cost}`))];
}

/** The first reasons by name, the rest together. */
function named(reasons) {
  if (reasons.length <= NAMED + 1) return reasons;
  const rest = reasons.slice(NAMED);
  const sum = (field) => rest.reduce((total, one) => total + one[field], 0);
  const name = t('funnel.more', { n: rest.length });
  return [...reasons.slice(0, NAMED), { reason: '', name, drafts: sum('drafts'), tokens: sum('tokens'), saved: sum('saved') }];
}

function outlet(model, width, y, labels, narrow) {
  const share = model.drafts ? percent(model.accepted / model.drafts) : '–';
  const text = t('funnel.accepted', { n: model.accepted, count: number(model.accepted), share });
  const cost = model.accepted ? t('funnel.per_accepted', { tokens: compact(model.tokens / model.accepted) }) : '';
  return [
    svg('path', { class: 'stream', d: `M0,${y}H${width}V${y + 14}L${width / 2},${y + 24}L0,${y + 14}Z` }),
    svg('line', { class: 'gate', x1: 0, x2: labels - 10, y1: y + 2, y2: y + 2 }),
    svg('text', { class: narrow ? 'heading accepted narrow' : 'heading accepted', x: labels, y: y + 6 }, text),
    svg('text', { class: 'cost', x: labels, y: y + 6 + LINE }, cost)];
}

function summary(model) {
  const gates = model.gates.map((step) => t('funnel.gate.said', {
    gate: word('gate', step.gate), n: number(step.ended), reasons: step.reasons.slice(0, 3).map(({ reason }) => reason).join(', ') }));
  return [t('funnel.said', { drafts: number(model.drafts), accepted: number(model.accepted) }), ...gates].join(' ');
}
