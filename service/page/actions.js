// What can be done with a job: pause, resume, cancel, retry, publish, delete, begin a new one from its recipe.

import { request } from './api.js';
import { ask } from './dialog.js';
import { button, el } from './dom.js';
import { FINAL } from './events.js';
import { t } from './i18n.js';
import { titleOf } from './job_parts.js';
import { trouble } from './notices.js';
import { askToPublish } from './publish.js';
import { go } from './router.js';

// From which states each action is taken.
const FROM = {
  pause: ['queued', 'running'],
  resume: ['paused'],
  cancel: ['queued', 'running', 'paused', 'pausing'],
  retry: ['failed', 'cancelled'],
};

/** Buttons, of which those are there that the job's state allows. `changed` gets the job after an action. */
export function actionsOf(me, changed, said) {
  const node = el('div', { class: 'actions', role: 'group', 'aria-label': t('job.actions') });
  const buttons = new Map();
  let job = null;

  const may = (scope) => me.scopes.includes(scope) || me.scopes.includes('admin');
  /** Jobs are changed by the key that made them, or an admin's; a new one may be begun from anybody's recipe. */
  const mayChange = (name) => may(name === 'publish' ? 'publish' : 'submit')
    && (name === 'again' || me.scopes.includes('admin') || job.key === me.name);
  const allowed = {
    pause: () => job.kind === 'build' && FROM.pause.includes(job.state),
    resume: () => job.kind === 'build' && FROM.resume.includes(job.state),
    cancel: () => FROM.cancel.includes(job.state),
    retry: () => FROM.retry.includes(job.state),
    publish: () => job.kind === 'build' && publishable(job),
    again: () => job.kind === 'build',
    remove: () => FINAL.has(job.state) || job.state === 'paused',
  };
  const others = { publish: () => askToPublish(job, me), again: () => go(['new'], { from: job.id }), remove: askToDelete, cancel: askToCancel };
  for (const name of Object.keys(allowed)) {
    const kind = name === 'publish' ? 'main' : name === 'remove' || name === 'cancel' ? 'danger' : null;
    const press = others[name] ?? (() => send(name).catch((error) => said.replaceChildren(trouble(error))));
    buttons.set(name, button(t(`action.${name}`), press, { class: kind, hidden: true }));
    node.append(buttons.get(name));
  }

  async function send(action) {
    said.replaceChildren();
    changed(await request('POST', `/v1/jobs/${job.id}/${action}`));
  }

  function askToCancel() {
    ask({
      title: t('cancel.title', { name: titleOf(job) }), body: el('p', {}, t('cancel.body')), confirm: t('action.cancel'),
      danger: true, send: () => send('cancel'), say: trouble,
    });
  }

  function askToDelete() {
    ask({
      title: t('delete.title', { name: titleOf(job) }), body: el('p', {}, t(`delete.${job.kind}`)), confirm: t('action.remove'),
      danger: true, say: trouble,
      send: async () => {
        await request('DELETE', `/v1/jobs/${job.id}`);
        go([]);
      },
    });
  }

  return { node, set: (now) => {
    job = now;
    const focused = [...buttons.values()].find((one) => one === document.activeElement);
    for (const [name, one] of buttons) {
      one.hidden = !(mayChange(name) && allowed[name]());
    }
    // A button that has had its effect goes; who pressed it by keyboard stays among the others.
    if (focused?.hidden) [...buttons.values()].find((one) => !one.hidden)?.focus();
  } };
}

/** Whether there is something to publish: a build that has succeeded, or another that stands still and has rows. */
function publishable(job) {
  return job.state === 'succeeded' || (['cancelled', 'failed', 'paused'].includes(job.state) && job.progress?.accepted > 0);
}
