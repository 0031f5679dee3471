import type { AuditEntry } from '../../src/index.js';
import { link } from '../../src/store.js';
import { verifyJournal } from '../../src/journal.js';
import { digestOfEntry, GENESIS } from '../../src/journal/link.js';
import { referenceDigest, referenceHash } from '../journal/reference.js';
import { scaled, type Proof } from './proof.js';

const AT = 1_767_225_600_000;
/** Texts that two JSON writers might serialise differently. */
const TEXTS = ['plain', 'a "quoted" \\ one', 'line\nline\ttab', '\u00e4\u20ac\ud83d\ude80', '\u2028\u2029\u007f', '</script>', '1e21', ''];

/** Numbers that they might serialise differently: the instants of entries, and the examples of RFC 8785. */
const NUMBERS = [0, -0, 1, -1, 0.5, 1e21, 1e-7, 5e-324, 333333333.3333333, 2 ** 53 - 1, AT];

function* entries(count: number, seed: number): Generator<AuditEntry> {
  let head = GENESIS;
  for (let i = 0; i < count; i++) {
    const n = (Math.imul(i + 1, 2_654_435_761) + seed) >>> 0;
    const data = {
      version: 1 + (n % 3),
      text: TEXTS[n % TEXTS.length] as string,
      number: NUMBERS[n % NUMBERS.length] as number,
      b: [n, null, true],
      a: { '\ufb33': n, '\u20ac': 1, '\r': 2 },
    };
    const draft = {
      v: 1,
      namespace: 'default',
      id: `c${i}.1`,
      type: 'grant.issued',
      at: AT + i,
      actor: `user:${n % 7}`,
      requestId: `r${i}`,
      data,
    } as const;
    const [entry] = link(head, [{ ...draft, digest: digestOfEntry(draft) }]);
    head = { seq: (entry as AuditEntry).seq, hash: (entry as AuditEntry).hash };
    yield entry as AuditEntry;
  }
}

/** Seals, verifies and seals again by the second implementation. */
export const journal: Proof = {
  name: 'journal',
  laws: ['L26'],
  what: 'a journal of 100,000 entries verifies, is sealed as by hand from RFC 8785 and with SHA-256 of Node, and an edit anywhere is located',
  async run({ seed, scale }) {
    const count = scaled(100_000, scale);
    const violations: string[] = [];
    const all = [...entries(count, seed)];
    let prevHash = '0'.repeat(64);
    for (const entry of all) {
      const digest = referenceDigest(entry);
      const hash = referenceHash(prevHash, entry.seq, digest);
      if (entry.digest !== digest || entry.hash !== hash || entry.prevHash !== prevHash)
        violations.push(`entry ${entry.seq} is sealed otherwise`);
      prevHash = hash;
    }
    const head = { seq: count, hash: prevHash };
    const whole = await verifyJournal(all, { head });
    if (!whole.ok) violations.push(`it does not verify: entry ${whole.seq} ${whole.problem}`);
    for (const i of [0, Math.floor(count / 2), count - 1]) {
      const edited = await verifyJournal(all.with(i, { ...(all[i] as AuditEntry), actor: 'user:eve' }), { head });
      if (edited.ok || edited.seq !== i + 1) violations.push(`an edit of entry ${i + 1} is found at ${edited.ok ? 'none' : edited.seq}`);
    }
    return { count, unit: 'entries', violations };
  },
};
