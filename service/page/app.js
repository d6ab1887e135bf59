// The page: which view is shown, in which language, and where the focus goes.

import { get, Problem } from './api.js';
import { el, write } from './dom.js';
import { language, LANGUAGES, setLanguage, t } from './i18n.js';
import { showJob } from './job.js';
import { showJobs } from './jobs.js';
import { forgetKey, keyOf } from './key.js';
import { trouble } from './notices.js';
import { showReader } from './reader.js';
import { showRecipeForm } from './recipe_form.js';
import { showReview } from './review.js';
import { place } from './router.js';

const main = document.querySelector('main');
let leaving = new AbortController();
let shown = null;

function viewOf({ parts }) {
  const [room, id, what] = parts;
  if (room === undefined) return showJobs;
  if (room === 'new') return showRecipeForm;
  if (room === 'jobs' && id) return { undefined: showJob, read: showReader, review: showReview }[what];
  return undefined;
}

/** Shows the place of the address. The focus goes to its heading, except when the page has just been opened. */
async function show() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const here = place();
  const opened = shown === null;
  shown = here;
  markNavigation(here.parts[0] ?? '');
  main.setAttribute('aria-busy', 'true');
  const into = el('div', { class: 'view' });
  try {
    const view = viewOf(here);
    if (view === undefined) throw new Problem(404, t('app.nowhere'));
    const me = await get('/v1/me', {}, signal);
    showMe(me);
    await view(into, { ...here, me, signal });
  } catch (error) {
    if (signal.aborted) return;
    into.replaceChildren(el('h1', {}, t('app.trouble')), trouble(error, { again: show }));
  }
  if (signal.aborted) return;
  main.replaceChildren(into);
  main.removeAttribute('aria-busy');
  const heading = into.querySelector('h1');
  document.title = `${heading?.textContent ?? ''} · Iturri`;
  if (opened || !heading) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function markNavigation(room) {
  for (const anchor of document.querySelectorAll('header nav a')) {
    const here = anchor.getAttribute('href') === `#/${room}`;
    if (here) anchor.setAttribute('aria-current', 'page');
    else anchor.removeAttribute('aria-current');
  }
}

function showMe(me) {
  write(document.querySelector('#me'), me.open ? t('app.open') : me.name);
  document.querySelector('#forget').hidden = !keyOf();
}

/** What stands in index.html names its message in data-t. */
function translate() {
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll('[data-t]')) write(node, t(node.dataset.t));
  for (const node of document.querySelectorAll('[data-t-label]')) node.setAttribute('aria-label', t(node.dataset.tLabel));
  for (const choice of document.querySelectorAll('#languages button')) {
    choice.setAttribute('aria-pressed', String(choice.dataset.language === language));
  }
}

for (const choice of document.querySelectorAll('#languages button')) {
  choice.addEventListener('click', () => {
    if (!LANGUAGES.includes(choice.dataset.language)) return;
    setLanguage(choice.dataset.language);
    translate();
    shown = null; // the focus stays on the switch
    show();
  });
}
document.querySelector('#forget').addEventListener('click', forgetKey);
document.querySelector('#skip').addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener('hashchange', show);
translate();
show();
