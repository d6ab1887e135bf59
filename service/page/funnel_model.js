// The funnel as it is shown: where drafts ended, gate by gate, and what they cost.

const GATES = ['material', 'sampling', 'user_turn', 'reply', 'conversation'];

/**
 * `{drafts, accepted, tokens, kept, unfinished, notNeeded, saved, gates}`; each gate is
 * `{gate, reached, ended, tokens, saved, reasons}`, its reasons `{gate, reason, drafts, tokens, saved}`, most drafts first.
 */
export function modelOf(funnel) {
  const means = meanTurns(funnel.rows);
  const ends = new Map();
  for (const row of funnel.rows) {
    const key = `${row.gate} ${row.reason}`;
    const end = ends.get(key) ?? { gate: row.gate, reason: row.reason, drafts: 0, tokens: 0, saved: 0 };
    end.drafts += row.drafts;
    end.tokens += row.completion_tokens;
    end.saved += savedBy(row, means.get(row.mode));
    ends.set(key, end);
  }
  const all = [...ends.values()];
  const sum = (list, field) => list.reduce((total, one) => total + one[field], 0);
  let reached = funnel.drafts;
  const gates = GATES.map((gate) => {
    const reasons = all.filter((end) => end.gate === gate).sort((one, other) => other.drafts - one.drafts);
    const ended = sum(reasons, 'drafts');
    const step = { gate, reached, ended, tokens: sum(reasons, 'tokens'), saved: sum(reasons, 'saved'), reasons };
    reached -= ended;
    return step;
  }).filter((step) => step.ended);
  const notNeeded = all.find((end) => end.gate === 'not_needed') ?? null;
  return {
    drafts: funnel.drafts, accepted: funnel.accepted, tokens: funnel.completion_tokens,
    kept: sum(all.filter((end) => end.gate === 'accepted'), 'tokens'), unfinished: funnel.unfinished_completion_tokens,
    notNeeded, saved: sum(all, 'saved'), gates,
  };
}

/** How many tokens a user turn, and a reply, of each mode has on average. */
function meanTurns(rows) {
  const sums = new Map();
  for (const row of rows) {
    const mode = sums.get(row.mode) ?? { user_turns: 0, user_tokens: 0, replies: 0, reply_tokens: 0 };
    for (const field of Object.keys(mode)) mode[field] += row[field];
    sums.set(row.mode, mode);
  }
  return new Map([...sums].map(([mode, one]) => [mode, {
    turn: one.user_tokens / Math.max(1, one.user_turns), reply: one.reply_tokens / Math.max(1, one.replies),
  }]));
}

/** What the drafts of a row would have cost further; as the service estimates it. */
function savedBy(row, mean) {
  if (row.reason.startsWith('material.')) return 0;
  const begun = row.gate === 'sampling' ? row.completion_tokens - row.user_tokens - row.reply_tokens : 0;
  return Math.max(0, Math.round(row.user_turns_saved * mean.turn + row.replies_saved * mean.reply - begun));
}

/** The filter that a reason is of; it has a colour of its own. */
export const familyOf = (reason) => reason.split('.')[0];
