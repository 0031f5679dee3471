import {
  isJitError,
  JitEngine,
  MemoryGrantStore,
  type AccessAsk,
  type AskProblem,
} from 'jit-access';
import { definePolicy } from 'jit-access/policy';
import { ManualClock } from 'jit-access/testing';
import { preview } from 'jit-access/explain';

/** A request form that shows every problem beside its input, first as a preview and then at the request itself. */
const engine = new JitEngine({
  store: new MemoryGrantStore(),
  clock: new ManualClock(),
  limits: { maxTtl: '4h' },
  approver: definePolicy({
    groups: { sre: ['user:maya'] },
    rules: [
      {
        id: 'production',
        scopes: ['db-prod:*'],
        subjects: [{ group: 'sre' }],
        maxTtl: '1h',
        require: { justification: true, ticket: 'INC-####' },
        approve: true,
      },
    ],
  }),
});

const minutes = (ms: AskProblem['limit']) =>
  `${Number(ms) / 60_000} minutes`;

/** The texts are yours, in the language of your users. The compiler requires one for each code. */
const TEXTS: Readonly<
  Record<AskProblem['code'], (problem: AskProblem) => string>
> = {
  missing: () => 'fill this in',
  malformed: ({ limit, got }) => `write it like ${limit}, not ${got}`,
  not_allowed: ({ limit }) => `choose one of ${limit}`,
  too_short: ({ limit }) => `at least ${minutes(limit)}`,
  too_long: ({ limit }) => `at most ${minutes(limit)}`,
  too_far_ahead: ({ limit }) => `starts at most ${minutes(limit)} from now`,
  assurance: () => 'sign in again',
  nothing_left: ({ limit }) => `the other approvals leave ${limit}`,
  outside_hours: ({ field, limit }) =>
    `${field === 'ttl' ? 'must end by' : 'may start at'} ${limit === undefined ? '-' : new Date(limit).toISOString()}`,
};

/** One line for each input. Of several bounds of one input it shows the strictest. */
function show(problems: readonly AskProblem[]): void {
  for (const field of new Set(problems.map((problem) => problem.field))) {
    const [first, ...others] = problems.filter(
      (problem) => problem.field === field,
    );
    const isStricter = (a: number, b: number) =>
      first!.code === 'too_short' ? a > b : a < b;
    const strictest = others.reduce(
      (best, next) =>
        isStricter(Number(next.limit), Number(best.limit)) ? next : best,
      first!,
    );
    console.log(`  ${field}: ${TEXTS[strictest.code](strictest)}`);
  }
}

async function submit(ask: AccessAsk): Promise<void> {
  try {
    const { outcome } = await engine.requestAccess(ask);
    console.log(`submitted: ${outcome}`);
  } catch (error) {
    if (!isJitError(error)) throw error;
    console.log(error.code);
    if (error.code === 'ERR_JIT_REQUIREMENTS') show(error.problems);
    if (error.code === 'ERR_JIT_INELIGIBLE')
      console.log(`  ${error.reason}`);
  }
}

async function main() {
  const ask = {
    subject: 'user:maya',
    scope: 'db-prod:write',
    ttl: '8h',
    ticket: '4711',
  } as const;

  // While the person types: nothing is stored, except a count of dry runs.
  const answer = await preview(engine, ask);
  console.log(`preview: ${answer.outcome}`);
  if (answer.outcome === 'refused') show(answer.problems);

  await submit({ ...ask, ttl: '1h' });
  await submit({
    ...ask,
    ttl: '1h',
    ticket: 'INC-4711',
    justification: 'order 1138 is stuck',
  });

  // Without the right, no value helps, and the error names none.
  await submit({ ...ask, subject: 'user:eve' });
}

void main();
