// The fields of a recipe that most people change, and the whole of it as JSON for the others.

import { el, freshId } from './dom.js';
import { number, t } from './i18n.js';

/** `set(recipe)`, `read()` (null while the JSON is no JSON), `complain(errors)` gives links to the fields. */
export function recipeFields({ languages, backbones }) {
  const whole = el('textarea', { id: freshId('whole'), rows: '22', spellcheck: 'false', autocapitalize: 'none', class: 'code' });
  const priority = el('input', { type: 'number', id: freshId('priority'), min: '-100', max: '100', step: '1', value: '0' });
  const fields = [
    textField('name', { pattern: '[a-z0-9][a-z0-9._\\-]{0,63}', required: true }),
    choice('language', languages.map(({ code, name, autonym }) => [code, autonym && autonym !== name ? `${autonym} (${name})` : name])),
    choice('backbone', backbones.map((one) => [one.name, backboneText(one)])),
    numberField('target.conversations', { min: '1', required: true }),
    textField('publish.licence'), textField('publish.title')];
  const problems = new Map(fields.map((field) => [field.path, field]));
  let recipe = {};

  for (const field of fields) {
    field.input.addEventListener('input', () => {
      put(recipe, field.path.split('.'), field.value());
      whole.value = JSON.stringify(recipe, null, 2);
    });
  }
  whole.addEventListener('input', () => {
    try {
      recipe = JSON.parse(whole.value);
      complainAt(wholeField, null);
      show();
    } catch (error) {
      complainAt(wholeField, t('form.no_json', { detail: error.message }));
    }
  });
  const wholeField = framed('recipe', whole, t('form.whole_label'));
  const details = el('details', {}, el('summary', {}, t('form.whole')), wholeField.node);
  const priorityField = framed('priority', priority, t('form.priority'), t('form.priority.hint'));

  function show() {
    for (const field of fields) field.show(at(recipe, field.path.split('.')));
  }

  return {
    node: el('div', {}, el('div', { class: 'grid' }, fields.map(({ node }) => node), priorityField.node), details),
    priority: () => Number(priority.value) || 0,
    set: (given) => {
      recipe = structuredClone(given);
      whole.value = JSON.stringify(recipe, null, 2);
      show();
    },
    read: () => {
      try {
        return JSON.parse(whole.value);
      } catch (error) {
        details.open = true;
        complainAt(wholeField, t('form.no_json', { detail: error.message }));
        whole.focus();
        return null;
      }
    },
    /** Each message at its field; those of the rest at the whole recipe. */
    complain: (errors) => {
      for (const field of [...fields, wholeField, priorityField]) complainAt(field, null);
      return errors.map(({ field: path, message }) => {
        const field = problems.get(path) ?? (path === 'priority' ? priorityField : wholeField);
        if (field === wholeField) details.open = true;
        complainAt(field, field === wholeField ? `${path}: ${message}` : message);
        return el('a', { href: `#${field.input.id}`, onclick: (event) => { event.preventDefault(); field.input.focus(); } }, `${path}: ${message}`);
      });
    },
  };
}

function framed(path, input, text, hint = null) {
  const wrong = el('p', { class: 'wrong', id: freshId('wrong'), hidden: true });
  const about = hint && el('p', { class: 'hint', id: freshId('hint') }, hint);
  input.setAttribute('aria-describedby', [about?.id, wrong.id].filter(Boolean).join(' '));
  return { path, input, wrong, node: el('div', { class: 'field' }, el('label', { for: input.id }, text), input, about, wrong) };
}

function complainAt({ input, wrong }, message) {
  wrong.hidden = message === null;
  wrong.textContent = message ?? '';
  if (message === null) input.removeAttribute('aria-invalid');
  else input.setAttribute('aria-invalid', 'true');
}

const label = (path) => t(`field.${path}`);

function textField(path, attributes = {}) {
  const input = el('input', { type: 'text', id: freshId('field'), autocomplete: 'off', spellcheck: 'false', ...attributes });
  return { ...framed(path, input, label(path)), value: () => input.value.trim() || undefined, show: (value) => { input.value = value ?? ''; } };
}

function numberField(path, attributes) {
  const input = el('input', { type: 'number', id: freshId('field'), step: '1', inputmode: 'numeric', ...attributes });
  return { ...framed(path, input, label(path)), value: () => (input.value === '' ? undefined : Number(input.value)), show: (value) => { input.value = value ?? ''; } };
}

/** A choice among what the server has; what a recipe names besides stays, and the server says what is wrong with it. */
function choice(path, choices) {
  const input = el('select', { id: freshId('field') }, choices.map(([value, text]) => el('option', { value }, text)));
  const show = (value) => {
    const named = typeof value === 'string' ? value : '';
    if (![...input.options].some((one) => one.value === named)) input.append(el('option', { value: named }, named || t('form.choose')));
    input.value = named;
  };
  return { ...framed(path, input, label(path)), value: () => input.value || undefined, show };
}

function backboneText({ name, ready, problem, tokens_per_second: speed }) {
  if (!ready) return t('form.not_ready', { name, problem: problem ?? '' });
  return speed ? t('form.speed', { name, speed: number(speed) }) : name;
}

function at(value, path) {
  return path.reduce((inside, part) => inside?.[part], value);
}

function put(value, path, wanted) {
  const last = path.at(-1);
  const inside = path.slice(0, -1).reduce((found, part) => (found[part] ??= {}), value);
  if (wanted === undefined) delete inside[last];
  else inside[last] = wanted;
}
