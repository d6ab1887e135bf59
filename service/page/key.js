// The API key: asked for when the server wants one, kept for as long as the tab is open.

import { button, el, freshId } from './dom.js';
import { t } from './i18n.js';

const STORED = 'iturri.key';
let asking = null;

export const keyOf = () => sessionStorage.getItem(STORED);

export function forgetKey() {
  sessionStorage.removeItem(STORED);
  location.reload();
}

/** Waits until there is another key than the one that the server has refused. */
export function askForKey(refused) {
  if (keyOf() !== refused) return Promise.resolve();
  asking ??= new Promise((resolve) => {
    show(refused, (key) => {
      sessionStorage.setItem(STORED, key);
      asking = null;
      resolve();
    });
  });
  return asking;
}

function show(refused, done) {
  const title = freshId('title');
  const hint = freshId('hint');
  const field = el('input', {
    type: 'password', id: freshId('key'), autocomplete: 'off', required: true, spellcheck: 'false', 'aria-describedby': hint,
  });
  let answered = false;
  const form = el('form', { method: 'dialog', onsubmit: (event) => {
    event.preventDefault();
    answered = true;
    dialog.close();
    dialog.remove();
    done(field.value.trim());
  } },
    el('h2', { id: title }, t('key.title')),
    el('p', { id: hint, class: refused ? 'wrong' : null, role: refused ? 'alert' : null }, t(refused ? 'key.refused' : 'key.why')),
    el('label', { for: field.id }, t('key.label')), field,
    el('div', { class: 'actions' }, button(t('key.enter'), null, { type: 'submit', class: 'main' })));
  // Without a key there is nothing behind it, so Esc leads nowhere; a browser may close it all the same.
  const dialog = el('dialog', {
    'aria-labelledby': title, oncancel: (event) => event.preventDefault(), onclose: () => answered || dialog.showModal(),
  }, form);
  document.body.append(dialog);
  dialog.showModal();
  field.focus();
}
