/*
 * Compares the goals for speed with the last runs of `npm run bench` and `npm run bench:stores`: what falls short comes first. For
 * developers; it is no gate.
 */
import { IN_MEMORY, CHECKER, VIEW, type Contestant } from './measure/contestants.js';
import { checkName, type Way } from './measure/checks.js';
import { lastRun } from './measure/results.js';
import { ASKS, STREAM_CASES } from './measure/streams.js';
import { markdown } from './measure/table.js';

interface Goal {
  readonly what: string;
  readonly bound: number;
  /** Default: the figure may be at most the bound. */
  readonly isLeast?: true;
  readonly unit: string;
  /** The figure, or two of which the first is divided by the second. */
  readonly figure: readonly [string, string?];
}

const most = (what: string, bound: number, unit: string, ...figure: readonly [string, string?]): Goal => ({ what, bound, unit, figure });
const least = (...goal: Parameters<typeof most>): Goal => ({ ...most(...goal), isLeast: true });

const call = (operation: string, what: string, us: number, overHand: number): readonly Goal[] => [
  most(`${what}, over the handler by hand`, overHand, 'x', `http/${operation}/over by hand`),
  most(`${what}, CPU of the server`, us, 'us', `http/${operation}/jit-access`),
];
const overCerbos = (operation: string, what: string): Goal =>
  most(`${what}, over Cerbos`, 0.25, 'x', `http/${operation}/jit-access`, `http/${operation}/Cerbos`);

const rate = (store: string, way: string, bound: number): Goal =>
  least(`${store}: ${way}, 64 in flight, of the bare driver`, bound, 'x', `store/${store}/64/${way}`, `store/${store}/64/bare driver`);

const imported = (name: string, ms: number): Goal => most(`import of ${name}, over an empty file`, ms, 'ms', `import/${name}`);

const unknown = (contestant: Contestant, way: Way): readonly Goal[] =>
  [1_000, 100_000, 1_000_000].map((grants) =>
    most(
      `${contestant.name}, no, subject unknown, ${grants.toLocaleString('en')} live, over LIMIT`,
      2.5,
      'x',
      checkName(grants, contestant, { way, answer: 'yes or no', kind: 'unknown' }),
    ),
  );

const GOALS: readonly Goal[] = [
  ...call('me', '`GET /me`', 65, 2.5),
  ...call('evaluation', 'an evaluation', 45, 2.5),
  ...call('evaluations', '20 evaluations', 110, 3),
  overCerbos('evaluation', 'an evaluation'),
  overCerbos('evaluations', '20 evaluations'),
  most('an ask and its approval, over the handler by hand', 1.4, 'x', 'http/ask and approve/over by hand'),
  ...Object.keys(STREAM_CASES).flatMap((name) =>
    ASKS.map((times) => most(`1,000 streams, ${name}, longest turn of ${times} asked and approved`, 30, 'ms', `streams/${name}/${times}`)),
  ),
  rate('PostgreSQL', 'auto-approved', 0.4),
  rate('PostgreSQL', 'after a review', 0.25),
  rate('Redis', 'auto-approved', 0.18),
  least('Redis: auto-approved, 64 in flight, of 8', 1, 'x', 'store/Redis/64/auto-approved', 'store/Redis/8/auto-approved'),
  rate('SQLite', 'auto-approved', 0.3),
  most('CPU of an auto-approved request over memory', 150, 'us', 'store/memory/1/CPU/auto-approved'),
  imported('jit-access', 9.5),
  imported('jit-access/view', 1.8),
  imported('jit-access/check', 1),
  imported('jit-access/client', 0.8),
  imported('jit-access/guard', 0.8),
  imported('jit-access/policy', 9),
  imported('jit-access/http', 15),
  most('size of jit-access/http', 90, 'kB', 'kB/jit-access/http'),
  ...unknown(IN_MEMORY, 'awaited'),
  ...unknown(VIEW, 'called'),
  ...[100_000, 1_000_000].map((grants) =>
    most(`first check of a grant, ${grants.toLocaleString('en')} live`, 3, 'us', `first check/${grants}`),
  ),
  ...[1_000, 100_000].map((grants) =>
    most(
      `${CHECKER.name}, yes, ${grants.toLocaleString('en')} live, over LIMIT`,
      2.5,
      'x',
      checkName(grants, CHECKER, { way: 'awaited', answer: 'yes or no', kind: 'held' }),
    ),
  ),
];

const runs = ['npm run bench', 'npm run bench:stores'].flatMap((command) => {
  const run = lastRun(command);
  console.log(run?.of ?? `${command} has not run here.`);
  return run === undefined ? [] : [run];
});

const medianOf = (name: string): number | undefined => {
  for (const { figures } of runs) if (figures[name] !== undefined) return figures[name].median;
  return undefined;
};

function measured({ figure: [name, over] }: Goal): number | undefined {
  const [value, divisor] = [medianOf(name), over === undefined ? 1 : medianOf(over)];
  return value === undefined || divisor === undefined ? undefined : value / divisor;
}

const print = (value: number, unit: string): string => `${value.toFixed(2)} ${unit}`;

const judged = GOALS.map((goal) => {
  const value = measured(goal);
  const part = value === undefined ? NaN : goal.isLeast === true ? goal.bound / value : value / goal.bound;
  return { goal, value, part };
});
const rank = (part: number): number => (part > 1 ? 0 : Number.isNaN(part) ? 1 : 2);
const rows = judged
  .sort((a, b) => rank(a.part) - rank(b.part))
  .map(({ goal: { what, bound, isLeast, unit }, value, part }) => [
    what,
    `${isLeast === true ? 'at least' : 'at most'} ${print(bound, unit)}`,
    value === undefined ? '-' : print(value, unit),
    ['falls short', 'not measured', 'met'][rank(part)] as string,
  ]);
const count = (wanted: number): number => judged.filter(({ part }) => rank(part) === wanted).length;
console.log(`\n${count(0)} of ${judged.length} goals fall short; ${count(1)} were not measured.\n`);
console.log(markdown(['goal', 'bound', 'measured', ''], rows));
