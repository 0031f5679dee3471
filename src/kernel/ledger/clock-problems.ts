import type { AuditEntry } from '../../records/index.js';

/** How many of the newest entries a purge compares the clock with. The middle one of their instants bounds its horizon. */
export const JUDGED_ENTRIES = 1_000;

const iso = (at: number): string => new Date(at).toISOString();

/** The text for an entry that lies ahead of this process's clock. */
export const aheadOf = ({ seq, at }: AuditEntry, now: number): string =>
  `entry ${seq} of the journal is stamped ${iso(at)}, and this process's clock shows ${iso(now)}: one of the two clocks is wrong`;

/** The text for a clock that lies behind the journal. */
export const behindJournal = (newest: number, now: number): string =>
  `this process's clock shows ${iso(now)}, and the journal's newest entry was stamped ${iso(newest)} before it: nothing may create access ` +
  `until the clock has passed that, another process writes an entry near this clock, or a person calls acceptClock(engine, { by, reason })`;

/** The text for a purge of a journal without an entry of the last day. */
export const silentJournal = (now: number, newest: number): string =>
  `purge: this process's clock shows ${iso(now)}, and the journal's newest entry is of ${iso(newest)}, more than a day before it: ` +
  `if the clock is right, purge with { force: true }`;

/** The text for a purge whose horizon the journal does not confirm. */
export const unconfirmedHorizon = (before: number, confirmed: number): string =>
  `purge: before ${iso(before)} lies above ${iso(confirmed)}, the latest instant that the journal's last ${JUDGED_ENTRIES} entries confirm: ` +
  `take an earlier one, or purge with { force: true } if the clock is right`;
