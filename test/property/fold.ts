import { expect } from 'vitest';
import type { AuditEntry, GrantStore, Review } from '../../src/index.js';
import type { Row } from '../../src/store.js';
import { readJournal } from '../../src/journal.js';
import {
  decodeActivity,
  decodeComment,
  decodeProvisioningChange,
  decodeGrant,
  decodeHolders,
  decodeLocks,
  decodeRequest,
  decodeReuse,
  decodeSubject,
  decodeUsage,
  decodeUse,
} from '../../src/records/index.js';

type Fields = Readonly<Record<string, unknown>>;

/** The records by kind and id, as the journal alone gives them: a replay of its own, which shares no code with the engine. */
export type Folded = Readonly<Record<keyof typeof DECODE, ReadonlyMap<string, Fields>>>;

const DECODE = {
  request: decodeRequest,
  grant: decodeGrant,
  usage: decodeUsage,
  use: decodeUse,
  reuse: decodeReuse,
  provisioning: decodeProvisioningChange,
  subject: decodeSubject,
  lock: decodeLocks,
  activity: decodeActivity,
  comment: decodeComment,
  holders: decodeHolders,
};

/** Rebuilds every record from entries alone (L27). Throws on an entry that does not follow from the earlier ones. */
export function fold(entries: readonly AuditEntry[]): Folded {
  const made = {
    request: new Map<string, Fields>(),
    grant: new Map<string, Fields>(),
    usage: new Map<string, Fields>(),
    use: new Map<string, Fields>(),
    reuse: new Map<string, Fields>(),
    provisioning: new Map<string, Fields>(),
    subject: new Map<string, Fields>(),
    lock: new Map<string, Fields>(),
    activity: new Map<string, Fields>(),
    comment: new Map<string, Fields>(),
    holders: new Map<string, Fields>(),
  };
  const versions = new Set<string>();
  for (const { type, requestId = '', grantId = '', data, seq, at, actor } of entries) {
    if (type === 'attempt.refused') continue;
    if (type === 'journal.purged') {
      const removed = (data['removed'] ?? []) as unknown as readonly { kind: keyof typeof made; id: string }[];
      for (const { kind, id } of removed) made[kind].delete(id);
      continue;
    }
    /** Applies an entry to a record. One transition may write several entries about one record, all of the version that it made. */
    const write = (kind: keyof typeof made, id: string, version: unknown, fields: Fields): Fields => {
      const before = made[kind].get(id);
      const last = Number(before?.['version'] ?? 0);
      if (version !== last + 1 && (version !== last || last === 0))
        throw new Error(`entry ${seq} (${type}) skips a version of ${kind} ${id}`);
      const next = { ...(before ?? { kind, id }), ...fields, version };
      made[kind].set(id, next);
      return next;
    };
    const {
      review,
      metadataHash: _hash,
      onBehalfOf: _owner,
      holders = [],
      subjectVersion,
      requesterVersion,
      usageVersion,
      version,
      ended = [],
      forgotten = [],
      groups: _groups,
      ...fields
    } = data as Fields & { review?: Review; ended?: readonly string[]; forgotten?: readonly string[]; holders?: readonly Fields[] };
    for (const { id, version: next, ...row } of holders) write('holders', id as string, next, row);
    if (type.startsWith('lock.')) {
      // Each entry holds the whole row.
      write('lock', 'open', version, { locks: fields['locks'], ended: data['ended'] });
    } else if (type.startsWith('provisioning.')) {
      // Each entry holds the whole record.
      const { provisioningId, ...whole } = fields;
      made.provisioning.delete(provisioningId as string);
      if (version !== 1 && !versions.has(`${provisioningId as string} ${Number(version) - 1}`))
        throw new Error(`entry ${seq} skips a version`);
      versions.add(`${provisioningId as string} ${version as number}`);
      made.provisioning.set(provisioningId as string, { kind: 'provisioning', id: provisioningId, version, ...whole });
    } else if (type === 'request.reused') {
      const { reuseId, subject, askDigest } = fields;
      if (made.reuse.has(reuseId as string)) throw new Error(`entry ${seq} has a key stand for something else`);
      get(made.request, requestId, seq);
      write('reuse', reuseId as string, 1, { subject, requestId, askDigest });
    } else if (type === 'request.commented') {
      get(made.request, requestId, seq);
      const { commentId, ...said } = fields;
      write('comment', commentId as string, 1, { requestId, by: actor, at, ...said });
    } else if (type === 'grant.seen') {
      get(made.grant, grantId, seq);
      const { activityVersion, ...seen } = fields;
      write('activity', grantId, activityVersion, seen);
    } else if (type === 'usage.closed') {
      write('usage', grantId, usageVersion, fields);
    } else if (type === 'grant.used') {
      const grant = get(made.grant, grantId, seq);
      const { useId, useScope, ...used } = fields;
      write('usage', grantId, usageVersion, used);
      if (useId === undefined) continue;
      const { subject, scope, expiresAt, maxUses } = grant;
      const usesLeft = Number(maxUses) - Number(used['uses']);
      write('use', useId as string, 1, { subject, scope: useScope ?? scope, grantId, at: used['usedAt'], expiresAt, usesLeft });
    } else if (type.startsWith('grant.')) {
      if ((type === 'grant.issued') === made.grant.has(grantId))
        throw new Error(`entry ${seq} (${type}) does not follow what is on record`);
      const {
        beforeMs: _beforeMs,
        alsoScopes: _also,
        noticeWith: _with,
        ...changed
      } = type === 'grant.issued' ? { warnedAt: [], ...fields } : fields;
      const grant = write('grant', grantId, version, { requestId, ...changed });
      const { subject, scope, startsAt, expiresAt, idleTtlMs, maxUses } = grant;
      const isCounted = idleTtlMs !== undefined || maxUses !== undefined;
      if (type === 'grant.issued' && isCounted) write('usage', grantId, 1, { subject, scope, startsAt, expiresAt, idleTtlMs, uses: 0 });
      // A revoke does not change the usage row: the sweep closes it later.
      if (usageVersion !== undefined) write('usage', grantId, usageVersion, { endedAt: (grant['end'] as { at: number }).at });
    } else {
      const before = made.request.get(requestId);
      if ((type === 'request.created') !== (before === undefined))
        throw new Error(`entry ${seq} (${type}) does not follow what is on record`);
      const others = ((before?.['reviews'] ?? []) as readonly Review[]).filter((other) => other.reviewer !== review?.reviewer);
      const request = write('request', requestId, version, review === undefined ? fields : { ...fields, reviews: [...others, review] });
      const { subject, requestedBy, end } = request as Fields & { subject: string; requestedBy: string; end?: { cause: string } };
      const owing = (id: string): readonly unknown[] => {
        const unreviewed = (made.subject.get(id)?.['unreviewed'] ?? []) as readonly unknown[];
        const others = unreviewed.filter((one) => one !== requestId);
        if (type === 'breakGlass.reviewed') return others;
        return type === 'request.approved' && end?.cause === 'break_glass' ? [...others, requestId] : unreviewed;
      };
      const listed = (id: string, list: string) => (made.subject.get(id)?.[list] ?? []) as readonly string[];
      const isDenial = type === 'request.denied' || type === 'request.reviewed';
      const opensForOther = type === 'request.created' && requesterVersion !== undefined;
      const denied = (id: string) => [...listed(id, 'denied').filter((one) => !forgotten.includes(one)), ...(isDenial ? [requestId] : [])];
      const opened = (id: string) => [
        ...listed(id, 'openedForOthers').filter((one) => !ended.includes(one)),
        ...(opensForOther ? [requestId] : []),
      ];
      if (subjectVersion !== undefined) {
        const lists = { openedForOthers: listed(subject, 'openedForOthers'), denied: denied(subject) };
        write('subject', subject, subjectVersion, { unreviewed: owing(subject), ...lists });
      }
      if (requesterVersion !== undefined) {
        const lists = { openedForOthers: opened(requestedBy), denied: listed(requestedBy, 'denied') };
        write('subject', requestedBy, requesterVersion, { unreviewed: owing(requestedBy), ...lists });
      }
    }
  }
  return made;
}

function get(map: ReadonlyMap<string, Fields>, id: string, seq: number): Fields {
  const found = map.get(id);
  if (found === undefined) throw new Error(`entry ${seq} is about ${id}, which is not on record`);
  return found;
}

/** L25 L26 L27: the records from the journal equal the rows in the store, row by row and field by field. */
export async function expectReplayed(store: GrantStore): Promise<void> {
  const entries: AuditEntry[] = [];
  for await (const entry of readJournal(store)) entries.push(entry);
  const folded = fold(entries);
  for (const kind of Object.keys(DECODE) as (keyof typeof DECODE)[]) {
    const rows = await rowsOf(store, kind);
    const stored = rows.map((row) => [row.id, plain(DECODE[kind](row))] as const);
    const replayed = [...folded[kind]].map(([id, record]) => [id, plain(record)] as const);
    expect(replayed.sort(byId)).toEqual(stored.sort(byId));
  }
}

async function rowsOf(store: GrantStore, kind: string): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
    const page = await store.find({ kind, after, limit: 200 });
    rows.push(...page.items);
    after = page.next;
  }
  return rows;
}

const byId = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

/** A record as plain JSON, without its metadata: the journal holds only the hash of it. */
const plain = (record: object): unknown => JSON.parse(JSON.stringify({ ...record, metadata: undefined }));
