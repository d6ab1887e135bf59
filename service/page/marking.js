// What of a turn a filter objected to. Evidence quotes it, folded and shortened, after words of its own.

const WORDS = /[\p{L}\p{M}\p{N}_]+/gu;
// A number is one with its separators.
const LISTED = /\p{N}+(?:[.,'’\u00a0\u202f]\p{N}+)*(?![\p{L}\p{M}_])|[\p{L}\p{M}\p{N}_]+/gu;
const SENTENCE_END = /[.!?…:;](?=\s)|\n/g;
// Here the whole turn is what is wrong, or something that is not there.
const WHOLE = /^(duplicates\.|material\.|translation\.(length|structure|placeholders|numbers)|repetition\.turn|shape\.(empty|too_long|copied|echo)|language\.none)/;
// Here evidence ends in a list of words, each of them wrong.
const LISTS = /^(language\.gibberish|grounding\.)/;
const RUN = /^'(.)' (\d+) times in a row/su;
const QUOTED = /'([^']+)'|"([^"]+)"/u;
// A single word in common may be chance, except where words repeat.
const LEAST_LETTERS = 12;

/** Places in the text as `[start, end]`, in order and apart; none where the whole turn is meant. */
export function offending(text, { reason, evidence }) {
  if (WHOLE.test(reason)) return [];
  if (LISTS.test(reason)) return listed(text, evidence);
  const run = RUN.exec(evidence);
  if (run) return places(text, new RegExp(`(?:${escaped(run[1])}){${run[2]}}`, 'gu'));
  const quoted = QUOTED.exec(evidence);
  if (quoted && /^(shape\.role_marker|repetition\.(word|ngram))$/.test(reason)) {
    const found = phrase(text, quoted[1] ?? quoted[2]);
    if (found.length) return found;
  }
  return common(text, evidence, reason.startsWith('repetition.'));
}

/** Whether the turn as a whole is what was objected to. */
export const wholeTurn = (reason) => WHOLE.test(reason);

function listed(text, evidence) {
  const list = evidence.slice(evidence.search(/: (?!.*: )/) + 2).replace(/[^\s,]*…$/u, '');
  const wanted = new Set([...list.matchAll(LISTED)].map(([one]) => fold(one)));
  return [...text.matchAll(LISTED)].filter(([one]) => wanted.has(fold(one))).map((one) => [one.index, one.index + one[0].length]);
}

/** A phrase wherever it stands, whatever the case and the spaces between its words. */
function phrase(text, wanted) {
  const pieces = wanted.replace(/…$/u, '').trim().split(/\s+/u).map(escaped);
  const [before, after] = [/^[\p{L}\p{N}]/u, /[\p{L}\p{N}]$/u].map((edge) => edge.test(wanted));
  const exact = `${before ? '(?<![\\p{L}\\p{N}])' : ''}${pieces.join('[\\s\\p{P}]+')}${after ? '(?![\\p{L}\\p{N}])' : ''}`;
  return places(text, new RegExp(exact, 'giu'));
}

/** The longest run of the text's words that stands in the evidence, wherever the text has it. */
function common(text, evidence, single) {
  const ours = wordsIn(text);
  const theirs = wordsIn(evidence);
  const longest = longestRun(ours, theirs);
  if (!longest.words) return [];
  if (longest.words === 1 && !single && ours[longest.at].text.length < LEAST_LETTERS) return [];
  const cut = /…$/u.test(evidence) && longest.until >= theirs.length - 1;
  const found = [];
  for (let at = 0; at + longest.words <= ours.length; at += 1) {
    if (!same(ours, at, ours, longest.at, longest.words)) continue;
    const end = ours[at + longest.words - 1].end;
    found.push([ours[at].start, cut ? sentenceEnd(text, end) : withPunctuation(text, end)]);
    at += longest.words - 1;
  }
  return apart(found);
}

function longestRun(ours, theirs) {
  const starts = new Map();
  ours.forEach(({ text }, at) => starts.set(text, [...(starts.get(text) ?? []), at]));
  let best = { words: 0, at: 0, until: 0 };
  for (let from = 0; from < theirs.length; from += 1) {
    for (const at of starts.get(theirs[from].text) ?? []) {
      let words = 1;
      while (same(ours, at + words, theirs, from + words, 1)) words += 1;
      // What is quoted stands at the end of the evidence.
      if (words >= best.words) best = { words, at, until: from + words };
    }
  }
  // Which of the text's equal runs it was does not matter, but the first is the one that was seen.
  return best;
}

function same(some, at, others, from, words) {
  for (let step = 0; step < words; step += 1) {
    if (some[at + step] === undefined || some[at + step].text !== others[from + step]?.text) return false;
  }
  return true;
}

function wordsIn(text) {
  return [...text.matchAll(WORDS)].map((found) => ({ text: fold(found[0]), start: found.index, end: found.index + found[0].length }));
}

function sentenceEnd(text, from) {
  SENTENCE_END.lastIndex = from;
  const found = SENTENCE_END.exec(text);
  return found ? found.index + (found[0] === '\n' ? 0 : 1) : text.trimEnd().length;
}

function withPunctuation(text, end) {
  return end + /^[^\s\p{L}\p{N}<[({"'«“]*/u.exec(text.slice(end))[0].length;
}

function places(text, pattern) {
  return apart([...text.matchAll(pattern)].map((found) => [found.index, found.index + found[0].length]));
}

function apart(found) {
  return found.filter(([start, end], at) => end > start && (at === 0 || start >= found[at - 1][1]));
}

const fold = (text) => text.normalize('NFKC').toLowerCase();
const escaped = (text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
