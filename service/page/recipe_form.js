// A new job: a form that starts from a recipe, tries it with a dry run, and submits it.

import { get, onceKey, request } from './api.js';
import { dryRun } from './dry_run.js';
import { button, el, freshId } from './dom.js';
import { t } from './i18n.js';
import { announce, trouble } from './notices.js';
import { recipeFields } from './recipe_fields.js';
import { go } from './router.js';

export async function showRecipeForm(into, { query, me, signal }) {
  const from = query.get('from');
  const [recipes, languages, backbones, source] = await Promise.all([
    get('/v1/recipes', {}, signal), get('/v1/languages', {}, signal), get('/v1/backbones', {}, signal),
    from ? get(`/v1/jobs/${from}`, {}, signal) : null]);
  const starts = [...(source?.recipe ? [{ name: source.recipe.name, title: t('form.from_job', { name: source.recipe.name }), description: '', recipe: source.recipe }] : []), ...recipes.items].filter(({ recipe }) => Object.keys(recipe).length);
  const fields = recipeFields({ languages: languages.items, backbones: backbones.items });
  const said = el('div', { tabindex: '-1' });
  const tried = el('div', { 'aria-live': 'polite' });
  const trying = button(t('form.try'), () => send(dry, trying));
  const submitting = button(t('form.submit'), null, { type: 'submit', class: 'main' });
  const about = el('p', { class: 'hint', id: freshId('about') });
  const start = el('select', { id: freshId('start'), 'aria-describedby': about.id, onchange: () => begin(Number(start.value)) },
    starts.map((one, at) => el('option', { value: at }, one.title.includes(one.name) ? one.title : `${one.title} (${one.name})`)));
  const form = el('form', { class: 'recipe', novalidate: '', onsubmit: (event) => { event.preventDefault(); send(submit, submitting); } },
    el('div', { class: 'field wide' }, el('label', { for: start.id }, t('form.start')), start, about),
    fields.node, said,
    el('div', { class: 'actions' }, trying, submitting), tried);
  const may = me.scopes.includes('submit') || me.scopes.includes('admin');
  // What is sent once more, because an answer was lost, must not become a second job.
  let sent = { text: null, key: null };

  function begin(at) {
    about.textContent = [starts[at].description, starts[at].problem && t('form.problem', { problem: starts[at].problem })].filter(Boolean).join(' ');
    fields.set(starts[at].recipe);
    tried.replaceChildren();
    said.replaceChildren();
  }

  async function send(what, pressed) {
    fields.complain([]);
    said.replaceChildren();
    const recipe = fields.read();
    if (recipe === null) return;
    pressed.disabled = true;
    try {
      await what(recipe);
    } catch (error) {
      if (signal.aborted) return;
      complain(error);
    } finally {
      pressed.disabled = false;
    }
  }

  function complain(error) {
    const links = fields.complain(error.errors ?? []);
    said.replaceChildren(links.length
      ? el('div', { class: 'notice bad', role: 'alert' }, el('p', {}, t('form.wrong')), el('ul', {}, links.map((one) => el('li', {}, one))))
      : trouble(error));
    said.focus();
  }

  async function dry(recipe) {
    tried.replaceChildren(el('p', { class: 'waiting' }, t('form.trying')));
    try {
      const found = await request('POST', '/v1/jobs', { body: recipe, query: { dry_run: 1 }, signal });
      tried.replaceChildren(dryRun(found));
      announce(t('form.tried'));
    } catch (error) {
      tried.replaceChildren();
      throw error;
    }
  }

  async function submit(recipe) {
    const priority = fields.priority();
    const text = JSON.stringify([recipe, priority]);
    if (sent.text !== text) sent = { text, key: onceKey() };
    const job = await request('POST', '/v1/jobs', { body: recipe, query: { priority }, headers: { 'Idempotency-Key': sent.key }, signal });
    go(['jobs', job.id]);
  }

  into.append(el('h1', {}, t('nav.new')));
  if (!may) { into.append(el('p', { class: 'notice' }, t('form.may_not'))); return; }
  if (!starts.length) { into.append(el('p', { class: 'notice' }, t('form.no_recipes'))); return; }
  into.append(form);
  begin(0);
}
