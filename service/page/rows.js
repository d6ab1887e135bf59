// The accepted rows of a build, read page by page as they are needed.

import { get } from './api.js';

const PAGE = 50;

export class Rows {
  constructor(jobId, signal) {
    this.path = `/v1/jobs/${jobId}/conversations`;
    this.signal = signal;
    this.rows = [];
    this.after = 0;
    this.reading = null;
  }

  /** The row at the place, counted from 0; null when there is none as yet. */
  async at(place) {
    while (place >= this.rows.length) {
      const before = this.rows.length;
      await this.more();
      if (this.rows.length === before) return null;
    }
    if (place + PAGE / 5 >= this.rows.length && this.after !== null) this.more().catch(() => {}); // asked for again when needed
    return this.rows[place];
  }

  /** The place of the first row that fits; null when none does. */
  async firstWhere(fits) {
    for (let place = 0; ; place += 1) {
      const row = await this.at(place);
      if (row === null) return null;
      if (fits(row)) return place;
    }
  }

  more() {
    this.reading ??= this.read().finally(() => { this.reading = null; });
    return this.reading;
  }

  async read() {
    if (this.after === null) return;
    const page = await get(this.path, { verdict: 'accepted', after: this.after, limit: PAGE }, this.signal);
    this.rows.push(...page.items);
    this.after = page.next;
  }
}
