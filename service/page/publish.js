// Publishing a build: to the Hub, or into the server's publications folder.

import { onceKey, request } from './api.js';
import { ask } from './dialog.js';
import { el, freshId } from './dom.js';
import { t } from './i18n.js';
import { titleOf } from './job_parts.js';
import { trouble } from './notices.js';
import { go } from './router.js';

export function askToPublish(job, me) {
  const once = onceKey();
  const wanted = job.recipe?.publish ?? {};
  const repo = el('input', { type: 'text', id: freshId('repo'), value: wanted.repo ?? '', spellcheck: 'false', autocapitalize: 'none',
    autocomplete: 'off', placeholder: t('publish.placeholder'), pattern: '[A-Za-z0-9_][A-Za-z0-9_.\\-]*/[A-Za-z0-9_][A-Za-z0-9_.\\-]*' });
  const tag = el('input', { type: 'text', id: freshId('tag'), value: '', spellcheck: 'false', autocapitalize: 'none', autocomplete: 'off',
    maxlength: '100', pattern: '[A-Za-z0-9][A-Za-z0-9_\\-]*([.][A-Za-z0-9_\\-]+)*' });
  const secret = el('input', { type: 'checkbox', id: freshId('private'), checked: wanted.private ?? false });
  const hint = freshId('hint');
  const tagHint = freshId('hint');
  const mayHub = me.namespaces.length > 0;
  const to = (value, text) => {
    const field = el('input', { type: 'radio', name: 'to', value, id: freshId('to'), checked: value === (wanted.repo && mayHub ? 'hub' : 'folder'), disabled: value === 'hub' && !mayHub, onchange: choose });
    return [field, el('div', { class: 'field check' }, field, el('label', { for: field.id }, text))];
  };
  const [folder, folderField] = to('folder', t('publish.folder'));
  const [hub, hubField] = to('hub', t('publish.hub'));
  const onHub = el('div', { class: 'inset' },
    el('div', { class: 'field' }, el('label', { for: repo.id }, t('publish.repo')), repo, el('p', { id: hint, class: 'hint' }, t('publish.hint'))),
    el('div', { class: 'field' }, el('label', { for: tag.id }, t('publish.tag')), tag, el('p', { id: tagHint, class: 'hint' }, t('publish.tag_hint'))),
    el('div', { class: 'field check' }, secret, el('label', { for: secret.id }, t('publish.private'))));
  repo.setAttribute('aria-describedby', hint);
  tag.setAttribute('aria-describedby', tagHint);

  function choose() {
    onHub.hidden = !hub.checked;
    repo.required = hub.checked;
  }

  choose();
  ask({
    title: t('publish.title', { name: titleOf(job) }),
    body: [
      el('p', {}, t('publish.body', { n: job.progress?.accepted ?? 0 })),
      el('fieldset', {}, el('legend', {}, t('publish.where')), folderField, hubField, mayHub ? onHub : el('p', { class: 'hint' }, t('publish.nowhere')))],
    confirm: t('action.publish'),
    say: trouble,
    send: async () => {
      const body = folder.checked ? {} : { repo: repo.value.trim(), private: secret.checked, tag: tag.value.trim() || null };
      const made = await request('POST', `/v1/jobs/${job.id}/publish`, { body, headers: { 'Idempotency-Key': once } });
      go(['jobs', made.id]);
    },
  });
}
