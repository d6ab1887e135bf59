// What is shown of a job in the list as well as on its own page.

import { el, unseen, write } from './dom.js';
import { compact, duration, number, percent, t, word } from './i18n.js';

/** What a job is called. A publication has no recipe: it is called after its target. */
export function titleOf(job) {
  if (job.kind === 'build') return job.recipe?.name ?? job.id;
  return job.publication?.repo ?? t('job.folder');
}

export function badge(state) {
  return el('span', { class: 'badge', 'data-state': state }, word('state', state));
}

export function setBadge(node, state) {
  node.dataset.state = state;
  write(node, word('state', state));
}

/** How far a build is: a bar with its figures as text. */
export function meter() {
  const bar = el('progress', { max: '1', value: '0' });
  const text = el('span', { class: 'figures' });
  const node = el('div', { class: 'meter' }, bar, text);
  const set = (progress) => {
    node.hidden = progress === null;
    if (progress === null) return;
    const share = progress.target ? progress.accepted / progress.target : 0;
    if (bar.value !== share) bar.value = share;
    bar.setAttribute('aria-label', t('progress.label'));
    write(text, t('progress.of', { accepted: progress.accepted, target: progress.target }));
  };
  return { node, set };
}

/** The figures of a build as `[name, value, title]`, those that there are. */
export function figuresOf(progress) {
  const { acceptance, tokens_per_accepted: cost, tokens_per_second: speed, seconds_left: left } = progress;
  return [
    ['figure.drafts', compact(progress.drafts), number(progress.drafts)],
    ['figure.acceptance', acceptance === null ? '–' : percent(acceptance), t('figure.acceptance.hint')],
    ['figure.tokens', compact(progress.tokens), number(progress.tokens)],
    ['figure.cost', cost === null ? '–' : compact(cost), t('figure.cost.hint')],
    ['figure.speed', speed ? compact(speed) : '–', t('figure.speed.hint')],
    ['figure.left', left === null ? '–' : duration(left), t('figure.left.hint')],
  ];
}

/** The figures as a description list that can be set anew without being made anew. */
export function figures() {
  const node = el('dl', { class: 'figures' });
  const values = new Map();
  const set = (progress) => {
    node.hidden = progress === null;
    if (progress === null) return;
    for (const [name, value, title] of figuresOf(progress)) {
      if (!values.has(name)) {
        const cell = el('dd');
        values.set(name, cell);
        node.append(el('div', {}, el('dt', {}, t(name)), cell));
      }
      write(values.get(name), value);
      values.get(name).title = title;
    }
  };
  return { node, set };
}

export function when(value, shown) {
  return el('time', { datetime: value }, shown);
}

/** `, ` between parts for the eye; screen readers hear a comma too. */
export function joined(parts) {
  const there = parts.filter(Boolean).map((part) => el('span', { class: 'part' }, part));
  return there.flatMap((part, at) => (at ? [unseen(', '), el('span', { class: 'dot', 'aria-hidden': 'true' }, '·'), part] : [part]));
}
