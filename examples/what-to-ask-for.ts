import {
  JitEngine,
  MemoryGrantStore,
  patternScopes,
  runSubject,
} from 'jit-access';
import { requestable, type Requestable } from 'jit-access/explain';
import { definePolicy } from 'jit-access/policy';
import { ManualClock } from 'jit-access/testing';

/** What may I ask for? A form for people and the list of tools of an agent, both made from the rules that decide. */
const engine = new JitEngine({
  store: new MemoryGrantStore(),
  clock: new ManualClock(),
  limits: { maxTtl: '4h' },
  approver: definePolicy({
    groups: {
      sre: ['user:maya'],
      dba: ['user:ana', 'user:kim'],
      leads: ['user:rob'],
    },
    catalogue: [
      {
        scope: 'db-prod:orders',
        title: 'Orders',
        description: 'Read and correct orders',
        risk: 'high',
      },
      { scope: 'db-prod:payroll', title: 'Payroll', risk: 'critical' },
    ],
    rules: [
      {
        id: 'no-payroll',
        scopes: ['db-prod:payroll'],
        deny: 'payroll is opened by finance',
      },
      {
        id: 'production',
        title: 'Any production database',
        risk: 'high',
        scopes: ['db-prod:*'],
        subjects: [{ group: 'sre' }],
        maxTtl: '1h',
        require: { justification: true, ticket: 'INC-####' },
        review: { groups: { dba: 1 } },
      },
      {
        id: 'lookup',
        scopes: ['orders:*:read'],
        subjects: ['agent:support-7'],
        runs: true,
        maxTtl: '10m',
        approve: true,
      },
      {
        id: 'refund',
        scopes: ['orders:*:refund'],
        subjects: ['agent:support-7'],
        runs: true,
        maxTtl: '10m',
        review: { groups: { leads: 1 } },
      },
    ],
    breakGlass: [
      {
        id: 'outage',
        title: 'Outage',
        scopes: ['db-prod:*'],
        subjects: [{ group: 'sre' }],
        maxTtl: '15m',
        reviewers: ['leads'],
        reviewWithin: '1d',
      },
    ],
  }),
});

const minutes = (ms: number) => `${ms / 60_000} min`;

function describe({
  outcome,
  quorumInWords,
  reviewers,
}: Requestable): string {
  if (outcome === 'approve') return 'granted at once';
  if (outcome === 'break_glass') return 'at once, reviewed afterwards';
  return `${quorumInWords} must approve (${reviewers?.join(', ') ?? 'not listed'})`;
}

/** The item that applies to an ask: the first that covers the scope, unless the scope is excluded or locked. */
function itemFor(
  items: readonly Requestable[],
  scope: string,
): Requestable | undefined {
  const first = items.find(
    (item) =>
      item.outcome !== 'break_glass' &&
      patternScopes.covers(item.scope, scope),
  );
  const isRefused =
    first?.locked === true ||
    first?.except.some((excluded) =>
      patternScopes.overlaps(excluded, scope),
    );
  return isRefused === true ? undefined : first;
}

/** The tools of the agent, each with the scopes that its calls need. */
const TOOLS = {
  lookUpOrder: 'orders:*:read',
  refundOrder: 'orders:*:refund',
  dropTable: 'db-prod:*',
};

async function main() {
  // A form: one entry for each item, with the inputs that the ask needs.
  const form = await requestable(engine, 'user:maya');
  for (const item of form.items) {
    const inputs = [
      item.needs.justification && 'justification',
      item.needs.ticket !== undefined && `ticket like ${item.needs.ticket}`,
    ];
    console.log(
      `${item.title ?? item.scope} (risk: ${item.risk ?? 'not stated'}), at most ${minutes(item.maxTtlMs)}: ${describe(item)}`,
    );
    console.log(
      `  inputs: ${inputs.filter((input) => input !== false).join(', ')}${item.breakGlass ? '; break-glass is open' : ''}`,
    );
    if (item.except.length > 0)
      console.log(`  except ${item.except.join(', ')}`);
  }
  console.log('complete:', form.complete);

  // A list of tools: the model learns only of the tools whose access its run may ask for.
  const run = { agent: 'agent:support-7', operator: 'user:olga' };
  const { items } = await requestable(engine, runSubject(run, engine), {
    operator: run.operator,
  });
  for (const [tool, scope] of Object.entries(TOOLS)) {
    const item = itemFor(items, scope);
    if (item !== undefined)
      console.log(
        `tool ${tool}: at most ${minutes(item.maxTtlMs)}, ${describe(item)}`,
      );
  }
}

void main();
