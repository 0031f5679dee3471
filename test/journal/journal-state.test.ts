import { describe, expect, it } from 'vitest';
import { applyEntry } from '../../src/journal/replay/apply-entry.js';
import { Rebuild } from '../../src/journal/replay/rebuild.js';
import { compare, expectedOf, whyUnproven } from '../../src/journal/verify-store/journal-state.js';
import type { JournalReading } from '../../src/journal/verify-store/reading.js';
import { START_AT } from '../../src/testing.js';
import { MAYA, SAM } from '../engine/an-engine.js';
import { created, journal, purged, type Told } from './story.js';

const asked = (id: string, subjectVersion: number) => created(id, { data: { ...created(id).data, subjectVersion } });
const denied = (id: string, subjectVersion: number): Told => ({
  type: 'request.denied',
  requestId: id,
  data: { version: 2, end: { status: 'denied', cause: 'approver', at: START_AT, by: SAM }, subjectVersion },
});
const TOLD = [asked('gone', 1), denied('gone', 2), asked('kept', 3), denied('kept', 4), asked('open', 5)];
const PURGE = purged({ horizon: START_AT, removed: [{ kind: 'request', id: 'gone' }], trimmedTo: 10 });

/** The row of a subject whose entries say that two of its requests were denied, and rows that name others. */
function aSubject(told: readonly Told[], seq: number) {
  const rebuild = new Rebuild(seq);
  for (const entry of journal(told, { seq, hash: '1'.repeat(64) })) applyEntry(rebuild, entry);
  const reading = { rebuild } as unknown as JournalReading;
  const draft = rebuild.now.of('subject').get(MAYA);
  if (draft === undefined) throw new Error('no subject');
  const { row } = expectedOf(reading, draft);
  const naming = (names: readonly unknown[], more = 0) => {
    const body = { ...row.body, denied: names.length === 0 ? undefined : names };
    return { ...row, version: row.version + more, body: body as typeof row.body };
  };
  return { reading, naming };
}

const KEY = { kind: 'subject', id: MAYA } as const;

describe("the lists in a subject's row", () => {
  it.each([
    [['gone', 'kept'], true],
    [['gone', 'kept', 'never'], false],
    [['kept'], false],
    [[], false],
  ])('L26 are checked against a journal that starts at its first entry: %j, %s', (names, isRight) => {
    const { reading, naming } = aSubject(TOLD, 0);
    expect(compare(reading, KEY, naming(names)) === undefined).toBe(isRight);
    expect(whyUnproven(reading, KEY, naming(names, 1))).toBeUndefined();
  });

  it.each([
    [['gone', 'kept'], true],
    [['kept'], true],
    [['other', 'kept'], true],
    [['gone'], false],
    [[], false],
    [['gone', 'kept', 'open'], false],
    [['kept', 7], false],
  ])('L26 L33 are checked against the kept requests after a purge: %j, %s', (names, isRight) => {
    const { reading, naming } = aSubject([...TOLD, PURGE], 10);
    expect(compare(reading, KEY, naming(names)) === undefined).toBe(isRight);
    expect(whyUnproven(reading, KEY, naming(names))).toBeUndefined();
  });

  it.each([
    [['gone', 'kept'], true],
    [['kept'], true],
    [[], true],
    [['kept', 'open'], false],
    [['open'], false],
    [['kept', 7], false],
  ])('L33 are unproven in a later row whose entries are purged, if they could only lack names: %j, %s', (names, isUnproven) => {
    const { reading, naming } = aSubject([...TOLD, PURGE], 10);
    expect(whyUnproven(reading, KEY, naming(names, 1)) !== undefined).toBe(isUnproven);
  });
});
