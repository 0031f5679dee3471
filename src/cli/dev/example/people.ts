import type { HttpPeople, HttpPermission } from '../../../http.js';
import { definePolicy, type BreakGlassRule, type CatalogueItem, type Policy, type PolicyRule } from '../../../policy.js';

/** A person of the world that `dev` shows. */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly detail: string;
}

export const MAYA = 'user:maya';
export const LEE = 'user:lee';
export const ANA = 'user:ana';
export const KOSTA = 'user:kosta';
export const SAM = 'user:sam';
export const NOOR = 'user:noor';
/** It holds access and reviews nothing. */
export const ROBOT = 'agent:release-bot';
/** A contractor who has left. */
export const ZED = 'user:zed';

/** The six people that a viewer can be. */
export const PEOPLE: readonly Person[] = [
  { id: MAYA, name: 'Maya Lindqvist', detail: 'On-call engineer, payments' },
  { id: LEE, name: 'Lee Okafor', detail: 'On-call engineer, orders' },
  { id: ANA, name: 'Ana Ruiz', detail: 'Database lead: approves, and asks for the engineers' },
  { id: KOSTA, name: 'Konstantinos Papadimitriou', detail: 'Database administrator: approves' },
  { id: SAM, name: 'Sam Weber', detail: 'Security: sees, revokes and locks everything' },
  { id: NOOR, name: 'Noor Haddad', detail: 'Auditor: sees everything and changes nothing' },
];

/** All that have a name: the six people, and those whom they meet in lists. */
const NAMED: readonly Person[] = [
  ...PEOPLE,
  { id: ROBOT, name: 'Release bot', detail: 'Agent' },
  { id: ZED, name: 'Zed Marlow', detail: 'Contractor until last week' },
];

const TEAMS: readonly (readonly string[])[] = [
  [MAYA, LEE],
  [ANA, KOSTA],
];

/** A caller who acts for others finds each person, and any other caller the own team. */
export const directory: HttpPeople = {
  describe: () => Object.fromEntries(NAMED.map(({ id, ...person }) => [id, person])),
  search: (text, { caller }) => {
    const team = TEAMS.find((members) => members.includes(caller.subject)) ?? [];
    const mayFindAll = (['requestFor', 'lock', 'listGrants'] as const).some((action) => may({ caller, action, target: {} }));
    const words = text.toLowerCase();
    return NAMED.filter(({ id, name }) => (mayFindAll || team.includes(id)) && (id === text || name.toLowerCase().includes(words)));
  },
};

const CHANGES = new Set<string>(['requestFor', 'cancelFor', 'revoke', 'revokeAll', 'lock', 'unlock']);

/** Security may do everything, the auditor reads everything, and the database lead asks for the engineers and sees what they hold. */
export function may({ caller: { subject }, action, target }: HttpPermission): boolean {
  if (subject === SAM) return true;
  if (subject === NOOR) return !CHANGES.has(action);
  if (subject !== ANA) return false;
  // The page asks without a target whether it shows a field for it.
  if (target.subject === undefined) return action === 'requestFor';
  return (action === 'requestFor' || action === 'listGrants') && (target.subject === MAYA || target.subject === LEE);
}

/** Refused for every person. */
const DENIED: readonly PolicyRule[] = [
  { id: 'no-payroll', scopes: ['db-prod:payroll:*'], deny: 'Finance opens payroll. Ask in #finance-access.' },
];

/** Approved by the policy itself: no reviewer decides. */
const APPROVED: readonly PolicyRule[] = [
  {
    id: 'logs',
    title: 'Read production logs',
    description: 'Log search of all services, for 30 days back.',
    risk: 'low',
    scopes: ['logs:**'],
    subjects: [{ group: 'on-call' }, ROBOT],
    maxTtl: '8h',
    approve: true,
  },
  {
    id: 'staging',
    title: 'Staging databases',
    description: 'Copies without personal data. Read and write.',
    risk: 'low',
    scopes: ['db-staging:*:*'],
    subjects: [{ group: 'on-call' }, { group: 'dba' }],
    maxTtl: '8h',
    approve: true,
  },
];

/** Production databases: the database administrators review. */
const DATABASES: readonly PolicyRule[] = [
  {
    id: 'prod-read',
    title: 'Read a production database',
    description: 'Personal data is visible. Each query is logged.',
    risk: 'medium',
    scopes: ['db-prod:*:read'],
    subjects: [{ group: 'on-call' }, { group: 'dba' }],
    requesters: [{ self: true }, ANA],
    maxTtl: '4h',
    warnBefore: '10m',
    require: { justification: true },
    review: { groups: { dba: 1 }, reviewWithin: '8h' },
  },
  {
    id: 'prod-write',
    title: 'Write to a production database',
    description: 'Repairs during an incident. Name its ticket.',
    risk: 'high',
    scopes: ['db-prod:*:write'],
    subjects: [{ group: 'on-call' }, { group: 'dba' }],
    requesters: [{ self: true }, ANA],
    maxTtl: '2h',
    maxTotal: '6h',
    maxStartAhead: '7d',
    warnBefore: '10m',
    require: { justification: true, ticket: 'INC-####' },
    review: { groups: { dba: 1 }, reviewWithin: '2d', escalate: { to: 'security', after: '1h' } },
  },
];

/** Access with a limit of its own: one holder at a time, or one use. */
const LIMITED: readonly PolicyRule[] = [
  {
    id: 'deploy',
    title: 'Deploy to production',
    description: 'One person at a time.',
    risk: 'medium',
    scopes: ['deploy:prod'],
    subjects: [{ group: 'on-call' }, ROBOT],
    maxTtl: '1h',
    maxHolders: 1,
    require: { ticket: 'CHG-####', fields: { region: { oneOf: ['eu', 'us'] } } },
    review: { groups: { 'on-call': 1 }, reviewWithin: '4h' },
  },
  {
    id: 'keys',
    title: 'Root key of the vault',
    description: 'Two groups decide, and the key can be used once.',
    risk: 'critical',
    scopes: ['vault:root-key'],
    subjects: [{ group: 'on-call' }, { group: 'dba' }],
    maxTtl: '30m',
    maxUses: 1,
    require: { justification: true, ticket: 'INC-####' },
    review: { groups: { dba: 1, security: 1 }, reviewWithin: '1d' },
  },
];

/** Access in an emergency, which is reviewed afterwards. */
const BREAK_GLASS: readonly BreakGlassRule[] = [
  {
    id: 'outage',
    title: 'Emergency: any production database',
    description: 'For an outage in which no reviewer answers.',
    risk: 'critical',
    scopes: ['db-prod:*:*'],
    subjects: [{ group: 'on-call' }],
    maxTtl: '30m',
    reviewers: ['dba', 'security'],
    reviewWithin: '1d',
  },
];

/** The scopes that a requester can pick from a list. */
const CATALOGUE: readonly CatalogueItem[] = [
  { scope: 'db-prod:orders:read', title: 'Orders: read' },
  { scope: 'db-prod:orders:write', title: 'Orders: write' },
  { scope: 'db-prod:customers:read', title: 'Customers: read', description: 'Names and addresses of customers.' },
  { scope: 'db-prod:billing:write', title: 'Billing: write', description: 'Invoices and refunds.' },
  { scope: 'logs:checkout', title: 'Logs of the checkout' },
  { scope: 'db-staging:orders:write', title: 'Staging orders: write' },
];

/** The policy of the world: each outcome that a rule can have, with texts for people. */
export const policy = (): Policy =>
  definePolicy({
    groups: { 'on-call': [MAYA, LEE], dba: [ANA, KOSTA], security: [SAM] },
    rules: [...DENIED, ...APPROVED, ...DATABASES, ...LIMITED],
    breakGlass: BREAK_GLASS,
    catalogue: CATALOGUE,
  });
