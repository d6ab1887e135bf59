// The marks of one reviewer on the rows of one build.

import { get, request } from './api.js';

const NONE = { language: null, content: null, note: null };
const PAGE = 200;

export class Reviews {
  constructor(jobId) {
    this.path = `/v1/jobs/${jobId}/reviews`;
    this.marks = new Map();
    this.saving = Promise.resolve();
  }

  /** Those that there are so far. */
  static async of(jobId, signal) {
    const reviews = new Reviews(jobId);
    let after = null;
    do {
      const page = await get(reviews.path, { mine: true, after, limit: PAGE }, signal);
      for (const { row_id: id, language, content, note } of page.items) reviews.marks.set(id, { language, content, note: note ?? null });
      after = page.next;
    } while (after !== null);
    return reviews;
  }

  of(rowId) {
    return this.marks.get(rowId) ?? NONE;
  }

  has(rowId) {
    return this.marks.has(rowId);
  }

  get size() {
    return this.marks.size;
  }

  /** Changes a review at once here, and on the server in the order of the changes. Where that fails, it is taken back. */
  set(rowId, change) {
    const before = this.marks.get(rowId);
    const now = { ...this.of(rowId), ...change };
    const empty = Object.values(now).every((value) => value === null);
    if (empty) this.marks.delete(rowId);
    else this.marks.set(rowId, now);
    const address = `${this.path}/${encodeURIComponent(rowId)}`;
    const send = () => (empty ? request('DELETE', address) : request('PUT', address, { body: now }));
    const sent = this.saving.then(send);
    this.saving = sent.catch(() => {
      if (before === undefined) this.marks.delete(rowId);
      else this.marks.set(rowId, before);
    });
    return sent;
  }
}
