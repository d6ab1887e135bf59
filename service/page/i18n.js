// The interface in English and Basque.

import en from './i18n/en.js';
import eu from './i18n/eu.js';

const MESSAGES = { en, eu };
const STORED = 'iturri.language';

export const LANGUAGES = Object.keys(MESSAGES);
// Where a browser has no Basque, Spanish writes numbers in the same way.
const NUMBERS = { en: ['en'], eu: ['eu', 'es'] };

function preferred() {
  const kept = localStorage.getItem(STORED);
  if (kept in MESSAGES) return kept;
  const wanted = (navigator.languages || [navigator.language]).map((tag) => tag.split('-')[0]);
  return wanted.find((language) => language in MESSAGES) || 'en';
}

export let language = preferred();

export function setLanguage(chosen) {
  language = chosen;
  localStorage.setItem(STORED, chosen);
}

/** The message, with `{name}` replaced by values; numbers are written as the language writes them. */
export function t(key, values = {}) {
  let message = MESSAGES[language][key] ?? MESSAGES.en[key] ?? key;
  if (typeof message === 'object') message = values.n === 1 ? message.one : message.other;
  return message.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value === 'number' ? number(value) : String(value);
  });
}

/** The message where there is one, else the word itself: reasons and states may grow. */
export const word = (kind, name) => MESSAGES[language][`${kind}.${name}`] ?? MESSAGES.en[`${kind}.${name}`] ?? name;

export function number(value, digits = 0) {
  const options = { maximumFractionDigits: digits, minimumFractionDigits: 0, useGrouping: 'always' };
  return new Intl.NumberFormat(NUMBERS[language], options).format(value);
}

/** Short: 9,999, 12.3k, 4.5M. */
export function compact(value) {
  if (value < 10_000) return number(value, value < 100 && !Number.isInteger(value) ? 1 : 0);
  const [size, unit] = value < 999_500 ? [1e3, 'k'] : value < 999_500_000 ? [1e6, 'M'] : [1e9, 'G'];
  const scaled = value / size;
  return `${number(scaled, scaled < 100 ? 1 : 0)}\u202f${unit}`;
}

/** A share between 0 and 1 in percent. Basque puts the sign first. */
export function percent(share) {
  const digits = share > 0 && share < 0.1 ? 1 : 0;
  const text = number(100 * share, digits);
  return language === 'eu' ? `%\u00a0${text}` : `${text}%`;
}

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return t('time.seconds', { s: whole });
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return t('time.minutes', { m: minutes });
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return t('time.hours', { h: hours, m: minutes % 60 });
  return t('time.days', { d: Math.floor(hours / 24), h: hours % 24 });
}

export function ago(moment) {
  const seconds = (Date.now() - new Date(moment)) / 1000;
  return seconds < 10 ? t('time.now') : t('time.ago', { time: duration(seconds) });
}

/** Date and time of this machine, to the minute. */
export function moment(value) {
  const date = new Date(value);
  const two = (part) => String(part).padStart(2, '0');
  const [year, month, day] = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())];
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return language === 'eu' ? `${year}/${month}/${day} ${time}` : `${year}-${month}-${day} ${time}`;
}

export function clock(value, withDate) {
  const text = moment(value);
  return withDate ? text.slice(5) : text.slice(11);
}
