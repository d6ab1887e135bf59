// The funnel in figures: what the tokens went into, and a row for each reason.

import { el, svg } from './dom.js';
import { familyOf, modelOf } from './funnel_model.js';
import { compact, number, percent, t, word } from './i18n.js';
import { link } from './router.js';
import { drawSized } from './sized.js';

const HEIGHT = 20;

/** One bar of all tokens: of accepted drafts, of dropped ones, of what a stop cut off; and beside it what was saved. */
export function costPicture(node, funnel) {
  const model = modelOf(funnel);
  const cut = model.unfinished + (model.notNeeded?.tokens ?? 0);
  const parts = [
    ['kept', model.kept], ['dropped', model.tokens - model.kept - cut], ['cut', cut], ['saved', model.saved],
  ].filter(([, tokens]) => tokens > 0);
  const total = parts.reduce((sum, [, tokens]) => sum + tokens, 0);
  if (!total) return;
  if (!node.firstChild) node.append(el('h3', {}, t('cost.title')), el('div', { class: 'bar' }), el('ul', { class: 'legend' }));
  const [, bar, legend] = node.children;
  legend.replaceChildren(...parts.map(([name, tokens]) => el('li', { 'data-part': name },
    t(`cost.${name}`), ' ', el('strong', {}, compact(tokens)), name === 'saved' ? '' : ` (${percent(tokens / model.tokens)})`)));
  drawSized(bar, (width) => {
    let x = 0;
    const rects = parts.map(([name, tokens]) => {
      const wide = (width * tokens) / total;
      const rect = svg('rect', { 'data-part': name, x: x + 0.5, y: 0.5, width: Math.max(1, wide - 1.5), height: HEIGHT - 1, rx: 3 });
      x += wide;
      return rect;
    });
    // The list beneath says the same.
    bar.replaceChildren(svg('svg', { 'aria-hidden': 'true', width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}` }, rects));
  });
}

/** All reasons, with a way to the drafts that were dropped for each. */
export function reasonTable(node, funnel, jobId) {
  const model = modelOf(funnel);
  const body = el('tbody');
  for (const step of model.gates) {
    for (const end of step.reasons) body.append(row(end, model, link(end.reason, ['jobs', jobId, 'read'], { verdict: 'dropped', reason: end.reason })));
  }
  const accepted = { gate: 'accepted', reason: 'accepted', drafts: model.accepted, tokens: model.kept, saved: 0 };
  body.append(row(accepted, model, link(t('column.accepted'), ['jobs', jobId, 'read'])));
  if (model.notNeeded) body.append(row({ ...model.notNeeded, saved: 0 }, model, word('gate', 'not_needed')));
  const columns = ['gate', 'reason', 'drafts', 'share', 'tokens', 'saved'].map((name) => el('th', { scope: 'col' }, t(`column.${name}`)));
  const table = el('table', { class: 'reasons' }, el('thead', {}, el('tr', {}, columns)), body);
  const kept = node.querySelector('details');
  // A table that somebody reads is not taken from under them.
  if (kept?.contains(document.activeElement) && document.activeElement !== kept.querySelector('summary')) return;
  if (kept) kept.querySelector('table').replaceWith(table);
  else {
    node.append(el('details', {}, el('summary', {}, t('funnel.table')),
      el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': t('funnel.table') }, table)));
  }
}

function row(end, model, name) {
  return el('tr', {},
    el('td', {}, word('gate', end.gate)),
    el('th', { scope: 'row' }, el('span', { class: 'swatch', 'data-family': familyOf(end.reason), 'aria-hidden': 'true' }), name),
    el('td', {}, number(end.drafts)),
    el('td', {}, end.gate === 'not_needed' || !model.drafts ? '' : percent(end.drafts / model.drafts)),
    el('td', {}, number(end.tokens)),
    el('td', {}, end.saved ? number(end.saved) : ''));
}
