import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import ts from 'typescript';
import { root } from './pages.js';

/** A law, in one sentence. */
interface Law {
  readonly says: string;
  /** What must be built before a test can hold it. */
  readonly needs?: string;
}

/** L1 to L48, in order. */
const laws: readonly (readonly [heading: string, laws: readonly Law[]])[] = [
  [
    'Time',
    [
      { says: 'No grant allows at or after `expiresAt - leewayMs`, regardless of sweeps, revokes, crashes and restarts.' },
      { says: 'No grant allows before `startsAt`.' },
      { says: 'There is no "forever": every window is bounded, and an over-long request is refused, not cut.' },
      {
        says: 'The window starts at the decision, not at the request; a late decision shifts no scheduled end, and `maxTotal` caps an extension chain.',
      },
      { says: 'A clock that goes back restores no access, and creates none until it has caught up.' },
      { says: 'Tolerance only shortens: ends come early, starts never.' },
      { says: 'An end needs no timer, and no timer is longer than the runtime allows.' },
    ],
  ],
  [
    'State',
    [
      { says: 'Records make only the transitions of the lifecycle table, and a record that has ended stays ended.' },
      { says: 'Of many concurrent decisions exactly one wins; the other callers receive it.' },
      { says: 'One grant for each scope that an approval gave, none otherwise; all of them or none.' },
      { says: 'The same idempotency key and body has one effect; another body is refused.' },
      {
        says: 'Once `revoke` has resolved, every later check denies, also by grants that extend it. `revoke` never rejects with a conflict.',
      },
      { says: 'No decision commits at or after the review deadline, swept or not.' },
    ],
  ],
  [
    'Review',
    [
      { says: 'A reviewer counts once, in one group.' },
      { says: 'The subject, and the requester who asked on its behalf, never count.' },
      { says: 'Denial before approval; an absent, empty or malformed quorum is never met; an approver that failed is asked again.' },
      { says: 'A review counts only while fresh, from a member of the group then and now.' },
      { says: 'The granted access is the reviewed access, and never more than each counted reviewer approved.' },
      { says: 'Two grants together never allow an action that neither allows alone.' },
    ],
  ],
  [
    'Scopes',
    [
      { says: 'Denied by default.' },
      { says: 'Exact by default; an approval must cover the scope, a revoke reaches every scope that overlaps.' },
      { says: 'Matching is linear, and builds no regular expression from input.' },
      { says: 'One canonical form for scopes, ids and texts; any other input is refused.' },
      { says: 'Composite keys are injective: two different keys never become one.' },
    ],
  ],
  [
    'Journal',
    [
      { says: 'A transition and its entries are one transaction.' },
      { says: 'The journal has no gaps and is chained: verification finds and names every changed entry and row.' },
      { says: 'The journal, the records and `whoHadAccess` say the same of the past.' },
      { says: 'A shared sink gets every entry at least once, in order, through any crash.' },
      { says: 'Refused attempts are recorded, few and counted; secrets and metadata never are.' },
    ],
  ],
  [
    'Failure',
    [
      { says: 'An error, a time-out, a malformed row, an unknown status denies.' },
      { says: 'A lost reply is resolved by committing the same change again.' },
      {
        says: 'After a kill anywhere the store holds whole commands, and all that were acknowledged.',
      },
      { says: 'A purge changes no answer about its horizon or later, and questions about earlier instants are refused.' },
    ],
  ],
  [
    'Cost',
    [
      { says: 'A check costs one indexed look-up, a sweep what is due; no timer for each grant.' },
      { says: 'The core needs no Node API, no schema library and no driver.' },
    ],
  ],
  [
    'Repeats, isolation, recovery',
    [
      {
        says: 'A repeat is not a permission: under a used key every verb says `reused`, and a repeated `consume` is a yes only while its grant allows.',
      },
      {
        says: 'No entry stops a follower permanently: an entry that a receiver refuses repeatedly is delivered without its texts.',
      },
      { says: 'A component that hangs or fails delays only itself, and one tenant delays no end of another.' },
      { says: "The journal's newest instants, not one process's clock, bound every irreversible operation." },
      {
        says: 'An engine notices a store that lacks an entry that it has seen, and creates no access until a person accepts the rollback.',
      },
      { says: 'An answer comes from the primary of its namespace; a store that the namespace has left allows and writes nothing.' },
      { says: 'Work is bounded: no pass, purge or list holds the event loop for long, and a change has a greatest size.' },
      { says: 'Access lent to an agent for one operator and job is valid for no other operator or job.' },
      { says: "Other callers cannot use up a subject's limits, and a denial stands against the same ask." },
      { says: 'After `revoke` resolves, every view denies within `maxStaleMs`.' },
      { says: 'Importing the package and constructing an engine draw no randomness, start no timer and do no I/O.' },
      {
        says: "A recorded instant that lies further ahead of a process's clock than a minute plus `leewayMs` is no base there for freshness, the next stamp, a due time or a horizon, and is reported.",
      },
    ],
  ],
  [
    'Console',
    [
      {
        says: 'One second after an event has reached it, and after an instant that an answer names, a page of the console shows what a reload would show, or counts what it holds back; what neither announces follows within a minute.',
      },
    ],
  ],
];

/** The files under test whose tests name a law, by the law's number. */
export const filesByLaw: ReadonlyMap<number, readonly string[]> = readFiles();

function readFiles(): ReadonlyMap<number, readonly string[]> {
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.test.ts'))
    .sort();
  const byLaw = new Map<number, string[]>();
  for (const file of files) {
    for (const law of lawsNamedBy(readFileSync(join(root, 'test', file), 'utf8'))) {
      byLaw.set(law, [...(byLaw.get(law) ?? []), file]);
    }
  }
  return byLaw;
}

/** The laws in the names of a file's tests and groups, not in its comments. */
function lawsNamedBy(source: string): ReadonlySet<number> {
  const named = new Set<number>();
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /^(it|describe)\b/.test(node.expression.getText())) {
      const [name] = node.arguments;
      for (const [, law] of name?.getText().matchAll(/\bL(\d+)\b/g) ?? []) named.add(Number(law));
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('test.ts', source, ts.ScriptTarget.ES2022, true));
  return named;
}

/** The expected page. */
export async function lawsPage(): Promise<string> {
  let number = 0;
  const sections = laws.map(([heading, list]) => {
    const items = list.map(({ says, needs }) => {
      number += 1;
      if (needs !== undefined) return `- **L${number}** ${says} Not held yet: it needs ${needs}.`;
      const files = filesByLaw.get(number) ?? [];
      const held = files.map((file) => `\`${file.replace('.test.ts', '')}\``).join(', ');
      return `- **L${number}** ${says} Held by ${held}.`;
    });
    return [`## ${heading}`, '', ...items, ''].join('\n');
  });
  const page = `# The laws

The properties that this package guarantees. The title of each test that holds a law starts with its number (\`it('L1 ...')\`). \`npm run generate\` writes this page from the titles, and shortens the name of a file: \`test/core/time.test.ts\` is \`core/time\`.

${sections.join('\n')}`;
  return format(page, { ...(await resolveConfig(join(root, 'docs/explanation/laws.md'))), parser: 'markdown' });
}

/** The sentences of the laws, from L1 on. */
export const sayings: readonly string[] = laws.flatMap(([, list]) => list.map(({ says }) => says));

export const lawCount = sayings.length;

/** The numbers of the laws that tests must hold. */
export const heldLaws: readonly number[] = laws.flatMap(([, list]) => list).flatMap(({ needs }, i) => (needs === undefined ? [i + 1] : []));
