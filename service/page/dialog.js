// Questions that are put before something is done.

import { button, el, freshId } from './dom.js';
import { t } from './i18n.js';

/**
 * A modal dialog with a form. `send` is called with nothing when the form is submitted; what it throws is shown by `said`
 * and the dialog stays. Esc, and the first button, close it. The focus goes back to where it was.
 */
export function ask({ title, body, send, confirm, danger = false, say }) {
  const heading = freshId('title');
  const before = document.activeElement;
  const said = el('div');
  const confirmed = button(confirm, null, { type: 'submit', class: danger ? 'danger' : 'main' });
  const form = el('form', { method: 'dialog', onsubmit: async (event) => {
    event.preventDefault();
    confirmed.disabled = true;
    try {
      await send();
      dialog.close();
    } catch (error) {
      said.replaceChildren(say(error));
      confirmed.disabled = false;
    }
  } },
    el('h2', { id: heading }, title), body, said,
    el('div', { class: 'actions' }, button(t('dialog.back'), () => dialog.close()), confirmed));
  const dialog = el('dialog', { 'aria-labelledby': heading, onclose: () => {
    dialog.remove();
    if (before?.isConnected && !before.disabled && !before.hidden) before.focus();
    else document.querySelector('main').focus();
  } }, form);
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
