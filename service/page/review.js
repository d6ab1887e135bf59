// Review: a speaker marks accepted conversations good or bad, for language and for content, without leaving the keyboard.

import { get } from './api.js';
import { conversation } from './conversation.js';
import { ask } from './dialog.js';
import { button, el, freshId, write } from './dom.js';
import { t } from './i18n.js';
import { joined, titleOf } from './job_parts.js';
import { announce, trouble } from './notices.js';
import { Reviews } from './reviews.js';
import { link } from './router.js';
import { Rows } from './rows.js';

const STORED = 'iturri.review.';
// Each key marks one aspect; g and b, h and n lie under the two hands.
const KEYS = { g: ['language', 'good'], b: ['language', 'bad'], h: ['content', 'good'], n: ['content', 'bad'] };
const ASPECTS = ['language', 'content'];

export async function showReview(into, { parts: [, id], signal }) {
  const job = await get(`/v1/jobs/${id}`, {}, signal);
  const reviews = await Reviews.of(id, signal);
  const rows = new Rows(id, signal);
  const text = el('div', { class: 'card', tabindex: '-1' });
  const where = el('p', { class: 'facts' });
  const said = el('div');
  const marks = new Map();
  const options = { keys: option('keys'), advance: option('advance') };
  const noted = el('textarea', { id: freshId('note'), rows: '2', maxlength: '2000', onchange: () => mark({ note: noted.value.trim() || null }) });
  let at = 0;
  let row = null;

  into.append(
    el('p', { class: 'crumbs' }, link(t('nav.jobs'), []), ' / ', link(titleOf(job), ['jobs', id])),
    el('div', { class: 'head' }, el('h1', {}, t('review.title')), button(t('review.keys'), help, { 'aria-keyshortcuts': 'Shift+?' })),
    where, said,
    el('div', { class: 'review' }, text,
      el('div', { class: 'marks' },
        ASPECTS.map(aspectChoice),
        el('div', { class: 'field' }, el('label', { for: noted.id }, t('review.note')), noted),
        el('div', { class: 'actions' }, button(t('review.previous'), () => step(-1), { 'aria-keyshortcuts': 'k' }),
          button(t('review.next'), () => step(1), { 'aria-keyshortcuts': 'j', class: 'main' })),
        checkbox('advance'), checkbox('keys'))));

  function aspectChoice(aspect) {
    const choices = ['good', 'bad'].map((value) => {
      const key = Object.keys(KEYS).find((one) => KEYS[one][0] === aspect && KEYS[one][1] === value);
      const one = button(t(`review.${value}`), () => mark({ [aspect]: toggled(aspect, value) }), {
        class: `mark ${value}`, 'aria-pressed': 'false', 'aria-keyshortcuts': key });
      one.append(el('kbd', { 'aria-hidden': 'true' }, key));
      marks.set(`${aspect}.${value}`, one);
      return one;
    });
    return el('fieldset', {}, el('legend', {}, t(`review.${aspect}`)), el('div', { class: 'pair' }, choices));
  }

  function checkbox(name) {
    const field = el('input', { type: 'checkbox', id: freshId(name), checked: options[name], onchange: () => {
      options[name] = field.checked;
      localStorage.setItem(STORED + name, field.checked ? 'yes' : 'no');
    } });
    return el('div', { class: 'field check' }, field, el('label', { for: field.id }, t(`review.option.${name}`)));
  }

  /** The same mark a second time takes it back. */
  const toggled = (aspect, value) => (reviews.of(row.id)[aspect] === value ? null : value);

  async function mark(change) {
    if (row === null) return;
    const marked = row.id;
    const before = reviews.of(marked);
    const saving = reviews.set(marked, change);
    const now = reviews.of(marked);
    showMarks();
    const [aspect] = Object.keys(change);
    if (aspect !== 'note') announce(t(change[aspect] ? `review.said.${change[aspect]}` : 'review.said.none', { aspect: t(`review.${aspect}`) }));
    try {
      await saving;
      said.replaceChildren();
      if (aspect === 'note') announce(t('review.noted'));
    } catch (error) {
      if (signal.aborted) return;
      said.replaceChildren(trouble(error));
      showMarks();
      return;
    }
    const whole = (review) => ASPECTS.every((one) => review[one]);
    if (options.advance && aspect !== 'note' && whole(now) && !whole(before) && row?.id === marked) await step(1);
  }

  async function step(by) {
    const wanted = at + by;
    if (wanted < 0) return;
    const found = await rows.at(wanted).catch((error) => { said.replaceChildren(trouble(error)); return undefined; });
    if (found === undefined) return;
    if (found === null) {
      announce(t('review.end'));
      said.replaceChildren(el('p', { class: 'notice' }, t('review.end')));
      return;
    }
    said.replaceChildren();
    at = wanted;
    row = found;
    showRow();
  }

  function showRow() {
    const languages = row.turn_languages.length ? row.turn_languages : row.messages.map(() => row.language);
    text.replaceChildren(conversation({ messages: row.messages, languages }));
    write(where, '');
    where.append(...joined([t('review.place', { at: at + 1, total: job.progress?.accepted ?? job.funnel?.accepted ?? 0 }), row.mode,
      el('span', { class: 'count' }, t('review.count', { n: reviews.size }))]));
    noted.value = reviews.of(row.id).note ?? '';
    showMarks();
    text.focus({ preventScroll: true });
    text.scrollIntoView({ block: 'nearest' });
  }

  function showMarks() {
    const review = reviews.of(row.id);
    for (const aspect of ASPECTS) {
      for (const value of ['good', 'bad']) marks.get(`${aspect}.${value}`).setAttribute('aria-pressed', String(review[aspect] === value));
    }
    write(where.querySelector('.count'), t('review.count', { n: reviews.size }));
  }

  function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
    if (event.target.matches('input:not([type=checkbox]), textarea, select')) {
      if (event.key === 'Escape') text.focus();
      return;
    }
    if (event.key === '?') help();
    else if (!options.keys || row === null) return;
    else if (KEYS[event.key]) mark({ [KEYS[event.key][0]]: toggled(...KEYS[event.key]) });
    else if (event.key === 'j') step(1);
    else if (event.key === 'k') step(-1);
    else if (event.key === 'm') noted.focus();
    else return;
    event.preventDefault();
  }

  // The whole page listens, so that the keys work wherever the focus is; the switch above turns them off.
  document.addEventListener('keydown', press, { signal });
  const first = await rows.firstWhere((one) => !reviews.has(one.id));
  if (first === null) {
    const none = (await rows.at(0)) === null;
    said.replaceChildren(el('p', { class: 'notice' }, t(none ? 'reader.none_accepted' : 'review.all')));
    if (none) { into.querySelector('.review').hidden = true; return; }
  }
  at = first ?? 0;
  row = await rows.at(at);
  showRow();
}

function help() {
  const keys = [...Object.entries(KEYS).map(([key, [aspect, value]]) => [key, `${t(`review.${aspect}`)}: ${t(`review.${value}`)}`]),
    ['j', t('review.next')], ['k', t('review.previous')], ['m', t('review.write_note')], ['Esc', t('review.leave_note')], ['?', t('review.keys')]];
  ask({
    title: t('review.keys'), confirm: t('review.close'), send: async () => {}, say: trouble,
    body: [el('p', {}, t('review.how')), el('dl', { class: 'keys' }, keys.map(([key, what]) => el('div', {}, el('dt', {}, el('kbd', {}, key)), el('dd', {}, what))))],
  });
}

/** A switch of the reviewer's, on unless it was turned off in this browser. */
function option(name) {
  return localStorage.getItem(STORED + name) !== 'no';
}
