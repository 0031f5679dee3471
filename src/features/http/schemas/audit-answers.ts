import type { AccessReport } from '../../../journal/report.js';
import type { Anchor, AuditEntry } from '../../../model/entry.js';
import { flag, instant, list, oneOf, optional, struct, text, whole } from '../../../records/fields.js';
import type { EngineStats, FollowerStats, StatCount } from '../../explain/stats.js';
import type { JournalPage, PartVerification } from '../journal-parts.js';
import type { Flat } from './answers.js';
import { about, anything, named, partOf, words } from './json-schema.js';

/* The bodies of the answers about a namespace as a whole. */

export const anchor = named('Anchor', struct<Anchor>()({ seq: whole, hash: text }));
const ofStats = struct<StatCount>()({ value: whole, atLeast: flag });
export const stats = named(
  'Stats',
  struct<EngineStats>()({
    at: instant,
    pendingRequests: ofStats,
    breakGlassReviews: ofStats,
    overdueEnds: ofStats,
    sweepLagMs: ofStats,
    followers: list(struct<FollowerStats>()({ name: text, behind: whole })),
    observed: struct<EngineStats['observed']>()({
      allowed: whole,
      unauthenticated: whole,
      'invalid-scope': whole,
      'access-required': whole,
      unavailable: whole,
      failed: whole,
    }),
    openLocks: about('Missing: the locks are unreadable, and every check denies.', optional(whole)),
  }),
);

const entry = named(
  'AuditEntry',
  struct<AuditEntry>()({
    v: oneOf(1),
    namespace: text,
    id: text,
    type: words<AuditEntry['type']>(),
    at: instant,
    actor: text,
    requestId: optional(text),
    grantId: optional(text),
    data: anything(),
    digest: text,
    seq: whole,
    prevHash: text,
    hash: text,
  }),
);
export const journalPage = struct<JournalPage>()({
  items: list(entry),
  next: about('The `after` of the next page. Missing: this is the last.', optional(text)),
  head: anchor,
});
export const verification = named(
  'Verification',
  struct<Flat<PartVerification>>()({
    ok: flag,
    count: optional(whole),
    head: optional(anchor),
    seq: optional(whole),
    problem: optional(text),
    next: about('The `after` of the next call. Missing: the journal is verified up to its head.', optional(text)),
  }),
);

/** The report of `accessReport`. Its tables are those of the library; their fields are not repeated here. */
export const report = named(
  'AccessReport',
  partOf(
    struct<Pick<AccessReport, 'from' | 'to' | 'scopes' | 'subjects' | 'heldMs'> & { readonly next: number | undefined }>()({
      from: instant,
      to: instant,
      scopes: list(anything()),
      subjects: list(anything()),
      heldMs: whole,
      next: optional(instant),
    }),
  ),
);
