// One conversation as it is read: its turns, and in a dropped one what was objected to.

import { el, unseen } from './dom.js';
import { percent, t, word } from './i18n.js';
import { offending, wholeTurn } from './marking.js';

/**
 * `item` has `messages`; with `verdict` ({reason, evidence, turn}) it was dropped. `languages` are of its user and assistant
 * messages, in order: screen readers pronounce a text by its language.
 */
export function conversation({ messages, verdict = null, languages = [] }) {
  let turn = -1;
  const nodes = messages.map((message, at) => {
    if (message.role !== 'system') turn += 1;
    const wrong = verdict !== null && (verdict.turn === at || (verdict.turn === null && messages.length === 1));
    return turnOf(message, { wrong: wrong ? verdict : null, language: languages[message.role === 'system' ? 0 : turn] });
  });
  return el('div', { class: 'conversation' }, nodes);
}

function turnOf({ role, content }, { wrong, language }) {
  const marks = wrong ? offending(content, wrong) : [];
  const whole = wrong !== null && (marks.length === 0 || wholeTurn(wrong.reason));
  return el('div', { class: 'turn', 'data-role': role, 'data-wrong': wrong ? 'true' : null },
    el('p', { class: 'role' }, word('role', role), wrong ? el('span', { class: 'objection' }, t('reader.objection')) : null),
    content.trim()
      ? el('div', { class: 'text', lang: language, dir: 'auto' }, whole ? mark(content) : marked(content, marks))
      : el('p', { class: 'text none' }, t('reader.no_text')));
}

function marked(text, marks) {
  const nodes = [];
  let from = 0;
  for (const [start, end] of marks) {
    nodes.push(text.slice(from, start), mark(text.slice(start, end)));
    from = end;
  }
  return [...nodes, text.slice(from)];
}

/** Said to begin and to end by style.css, so that it is heard but not copied. */
function mark(text) {
  return el('mark', { 'data-start': t('reader.mark_start'), 'data-end': t('reader.mark_end') }, text);
}

/** Why a draft was dropped, in words and as the filter said it. */
export function objection({ reason, evidence }) {
  const known = word('reason', reason);
  return el('p', { class: 'objection' },
    el('code', { class: 'reason' }, reason), known === reason ? null : [' ', el('span', {}, known)],
    evidence ? [unseen(': '), el('q', { class: 'evidence' }, evidence)] : null);
}

/** Scores of an accepted row in one line; shares are shown as such. */
export function scoresOf(scores) {
  return Object.entries(scores ?? {}).map(([name, value]) => `${name} ${value >= 0 && value <= 1 ? percent(value) : value}`).join(' · ');
}

/** The language that a mode such as `magpie-eu` makes. */
export const languageOf = (mode) => mode.slice(mode.indexOf('-') + 1);
