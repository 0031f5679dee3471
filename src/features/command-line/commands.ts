import type { AccessClient } from '../client/access-client.js';
import type { LockInput, RevokeAllInput } from '../client/inputs.js';
import type { GrantWithStatus } from '../../engine/with-status.js';
import { instantOf, OF_SERVICE, oneOf, type CommandForm, type Given } from './options.js';

/** What a command found or did: the answers of the handler for `--json`, and lines for a person. */
export interface Outcome {
  readonly answer: unknown;
  readonly lines: readonly string[];
  /** `false`: nothing matched, or the journal is not valid. */
  readonly ok: boolean;
}

type Run = (client: AccessClient, given: Given) => Promise<Outcome>;

/** A command: what it takes, how `help` shows it, and what it does. */
export interface Command extends CommandForm {
  /** What follows its name, and what it does. */
  readonly help: readonly [form: string, ...about: string[]];
  /** Calls a service. Absent: the command runs on this machine. */
  readonly run?: Run;
}

const iso = (at: number): string => new Date(at).toISOString();
const lineOf = ({ id, subject, scope, startsAt, expiresAt, status, breakGlass }: GrantWithStatus): string =>
  `${subject}  ${scope}  ${iso(startsAt)} to ${iso(expiresAt)}  ${status}${breakGlass ? ', break-glass' : ''}  grant ${id}`;
const count = (items: readonly unknown[], name: string): string => `${items.length} ${name}${items.length === 1 ? '' : 's'}`;
const reasonOf = ({ reason }: Given): { readonly reason?: string } => (typeof reason === 'string' ? { reason } : {});

const who: Run = async (client, given) => {
  const [scope, at] = [String(given['scope']), instantOf(given, 'at')];
  const grants: GrantWithStatus[] = [];
  for await (const grant of client.whoHadAccess({ scope, ...at })) grants.push(grant);
  const when = at['at'] === undefined ? 'now' : `at ${iso(at['at'])}`;
  const none = `No grant covers ${scope} ${when}. Standing access is not listed.`;
  return { answer: grants, lines: grants.length === 0 ? [none] : grants.map(lineOf), ok: true };
};

const revoke: Run = async (client, given) => {
  const grant = await client.revoke(String(given['grantId']), reasonOf(given));
  const { by = '', at = 0, status } = grant.end ?? {};
  return { answer: grant, lines: [`Ended: ${lineOf(grant)}, ${String(status)} by ${by} at ${iso(at)}`], ok: true };
};

/** Says what was ended, and warns of a target that matched nothing: it may be misspelt. */
function endedLines({ grants, requests, matched, similar }: Awaited<ReturnType<AccessClient['revokeAll']>>): readonly string[] {
  const none = 'NOTHING MATCHED: no open grant and no pending request has this target. Check its spelling.';
  const hint = `Similar scopes: ${similar.join(', ')}. A pattern such as db-prod:** reaches all below db-prod.`;
  if (!matched) return similar.length === 0 ? [none] : [none, hint];
  const ended = `Ended ${count(grants, 'grant')}, cancelled ${count(requests, 'request')}.`;
  return [ended, ...grants.map(lineOf), ...requests.map(({ id, subject, scopes }) => `${subject}  ${scopes.join(', ')}  request ${id}`)];
}

const revokeAll: Run = async (client, given) => {
  const target = oneOf(given, ['subject', 'scope', 'request', 'ticket']);
  const report = await client.revokeAll({ ...target, ...reasonOf(given) } as RevokeAllInput);
  return { answer: report, lines: endedLines(report), ok: report.matched };
};

const lock: Run = async (client, given) => {
  const target = { ...oneOf(given, ['subject', 'scope']), ...instantOf(given, 'until'), ...reasonOf(given) };
  const result = await client.lock(target as LockInput);
  const { id, subject, scope = '', until } = result.lock;
  const end = until === undefined ? 'until a person lifts it' : `until ${iso(until)}`;
  return { answer: result, lines: [`LOCKED: ${subject ?? scope}, ${end} (lock ${id}).`, ...endedLines(result.ended)], ok: true };
};

const verify: Run = async (client, given) => {
  let after = given['after'] as string | undefined;
  for (let count = 0; ;) {
    const part = await client.verifyJournal(after === undefined ? {} : { after });
    if (!part.ok) return { answer: part, lines: [`NOT VALID: entry ${part.seq} ${part.problem}`], ok: false };
    count += part.count;
    const { seq, hash } = part.head;
    after = part.next;
    if (after === undefined) return { answer: { ...part, count }, lines: [`Valid: ${count} entries, up to ${seq}.${hash}`], ok: true };
  }
};

/** All commands, in the order of `help`. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  dev: {
    help: ['[--port <number>] [--sqlite <file>]', 'shows the console over an example, on this machine, until Ctrl-C'],
    options: { port: 'string', sqlite: 'string' },
  },
  who: {
    help: ['<scope> [--at <instant>]', 'the grants that cover a scope, now or at an instant'],
    argument: 'scope',
    options: { at: 'string', ...OF_SERVICE },
    run: who,
  },
  revoke: {
    help: ['<grantId> [--reason <text>]', 'ends a grant'],
    argument: 'grantId',
    options: { reason: 'string', ...OF_SERVICE },
    run: revoke,
  },
  'revoke-all': {
    help: ['--subject|--scope|--request|--ticket <value> [--reason <text>]', 'ends all access of one target, and cancels its requests'],
    options: { subject: 'string', scope: 'string', request: 'string', ticket: 'string', reason: 'string', ...OF_SERVICE },
    run: revokeAll,
  },
  lock: {
    help: ['--subject|--scope <value> [--until <instant>] [--reason <text>]', 'ends the access, and refuses every ask until the lock ends'],
    options: { subject: 'string', scope: 'string', until: 'string', reason: 'string', ...OF_SERVICE },
    run: lock,
  },
  verify: {
    help: ['[--after <seq>.<hash>]', 'verifies the journal, from its start or after an anchor'],
    options: { after: 'string', ...OF_SERVICE },
    run: verify,
  },
  help: { help: ['', 'prints this text'], options: {} },
};
