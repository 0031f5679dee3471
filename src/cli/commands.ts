import type { AccessClient, LockInput, RevokeAllInput } from '../client.js';
import type { Clock, GrantWithStatus } from '../index.js';
import { count, iso, lineOf, type Outcome } from './lines.js';
import { instantOf, OF_SERVICE, oneOf, textsOf, type CommandForm, type Given } from './options.js';
import { approve, ask, deny, inbox, release, status, unlock, wait } from './requests.js';

type Run = (client: AccessClient, given: Given, clock: Clock) => Promise<Outcome>;

/** A command: what it takes, how `help` shows it, and what it does. */
export interface Command extends CommandForm {
  /** What follows its name, and what it does. */
  readonly help: readonly [form: string, ...about: string[]];
  /** Calls a service. Absent: the command runs on this machine. */
  readonly run?: Run;
  /** What to do when no answer came. Default: nothing was changed. */
  readonly unanswered?: string;
}

const REPEAT = 'It may have been carried out. Run it again: a repeat restores no access.';
const REVIEWED = 'It may have been carried out. Run `jit-access inbox`: a request that you have reviewed is not listed.';

const who: Run = async (client, given) => {
  const [scope, at] = [String(given['scope']), instantOf(given, 'at')];
  const isPattern = scope.includes('*');
  const grants: GrantWithStatus[] = [];
  for await (const grant of client.whoHadAccess({ ...(isPattern ? { pattern: scope } : { scope }), ...at })) grants.push(grant);
  const when = at['at'] === undefined ? 'now' : `at ${iso(at['at'])}`;
  const none = `No grant covers ${isPattern ? 'any part of ' : ''}${scope} ${when}. Standing access is not listed.`;
  return { answer: grants, lines: grants.length === 0 ? [none] : grants.map(lineOf), ok: true };
};

const revoke: Run = async (client, given) => {
  const grant = await client.revoke(String(given['grantId']), textsOf(given, 'reason'));
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
  const report = await client.revokeAll({ ...target, ...textsOf(given, 'reason') } as RevokeAllInput);
  return { answer: report, lines: endedLines(report), ok: report.matched };
};

const lock: Run = async (client, given) => {
  const target = { ...oneOf(given, ['subject', 'scope']), ...instantOf(given, 'until'), ...textsOf(given, 'reason') };
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
    help: [
      '[--port <number>] [--sqlite <file>]',
      'shows the console over an example, on this machine, until Ctrl-C',
      '--port    default: 4280, or any that is free',
      '--sqlite  keeps the example in a file. Needs Node 22.16 or newer, and: npm install jit-access kysely',
    ],
    options: { port: 'string', sqlite: 'string' },
  },
  ask: {
    help: ['<scope> [--ttl <duration>] [--reason <text>] [--ticket <text>] [--subject <id>]', 'asks for access'],
    argument: 'scope',
    options: { ttl: 'string', reason: 'string', ticket: 'string', subject: 'string', ...OF_SERVICE },
    run: ask,
    unanswered: 'It may have been carried out. Run it again: while a request waits, an equal ask returns it.',
  },
  wait: {
    help: ['<requestId>', 'waits until a request is decided'],
    argument: 'requestId',
    options: OF_SERVICE,
    run: wait,
  },
  status: { help: ['', 'the access that you hold now'], options: OF_SERVICE, run: status },
  inbox: { help: ['', 'the requests that you may review'], options: OF_SERVICE, run: inbox },
  approve: {
    help: ['<requestId> [--ttl <duration>] [--reason <text>] [--comment <text>]', 'approves a request, or less time than it asks for'],
    argument: 'requestId',
    options: { ttl: 'string', reason: 'string', comment: 'string', ...OF_SERVICE },
    run: approve,
    unanswered: REVIEWED,
  },
  deny: {
    help: ['<requestId> [--reason <text>] [--comment <text>]', 'denies a request'],
    argument: 'requestId',
    options: { reason: 'string', comment: 'string', ...OF_SERVICE },
    run: deny,
    unanswered: REVIEWED,
  },
  release: {
    help: ['<grantId|requestId> [--reason <text>]', 'ends your own access early'],
    argument: 'id',
    options: { reason: 'string', ...OF_SERVICE },
    run: release,
    unanswered: REPEAT,
  },
  who: {
    help: ['<scope|pattern> [--at <instant>]', 'the grants that cover a scope or a part of a pattern, now or at an instant'],
    argument: 'scope',
    options: { at: 'string', ...OF_SERVICE },
    run: who,
  },
  revoke: {
    help: ['<grantId> [--reason <text>]', 'ends a grant'],
    argument: 'grantId',
    options: { reason: 'string', ...OF_SERVICE },
    run: revoke,
    unanswered: REPEAT,
  },
  'revoke-all': {
    help: ['--subject|--scope|--request|--ticket <value> [--reason <text>]', 'ends all access of one target, and cancels its requests'],
    options: { subject: 'string', scope: 'string', request: 'string', ticket: 'string', reason: 'string', ...OF_SERVICE },
    run: revokeAll,
    unanswered: REPEAT,
  },
  lock: {
    help: ['--subject|--scope <value> [--until <instant>] [--reason <text>]', 'ends the access, and refuses every ask until the lock ends'],
    options: { subject: 'string', scope: 'string', until: 'string', reason: 'string', ...OF_SERVICE },
    run: lock,
    unanswered: REPEAT,
  },
  unlock: {
    help: ['<lockId> [--reason <text>]', 'lifts a lock'],
    argument: 'lockId',
    options: { reason: 'string', ...OF_SERVICE },
    run: unlock,
    unanswered: REPEAT,
  },
  verify: {
    help: ['[--after <seq>.<hash>]', 'verifies the journal, from its start or after an anchor'],
    options: { after: 'string', ...OF_SERVICE },
    run: verify,
  },
  help: { help: ['[command]', 'prints this text, or the usage of one command'], options: {} },
};
