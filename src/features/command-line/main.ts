import { systemClock } from '../../core/clock.js';
import { isJitError, messageOf } from '../../core/errors.js';
import { escapeUnshown } from '../../core/parse.js';
import { BUILD } from '../../core/shared.js';
import { createClient } from '../client/client.js';
import { HttpClientError } from '../client/errors.js';
import type { ClientOptions } from '../client/transport.js';
import { COMMANDS, type Command } from './commands.js';
import { headersOf, portOf, readCommandLine, urlOf, UsageError, type Given } from './options.js';

/** Where the command line writes, and how it calls the handler. Tests replace them. */
export interface Terminal extends Pick<ClientOptions, 'fetch' | 'clock'> {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Which of the two shows colours. Default: neither. */
  readonly colours?: { readonly out: boolean; readonly err: boolean };
  /** Aborts when a person stops the program. Only `dev` calls it: it replaces the signals that would end the process. Default: never. */
  readonly stop?: () => AbortSignal;
}

const OF_SERVICE = `  --url <baseUrl>   where the handler of jit-access/http is mounted: https://ops.example.com/access. Default: JIT_ACCESS_URL
  --insecure        permits http to another machine: the network can then read the token
  --json            prints the answer as JSON
  The variable JIT_ACCESS_TOKEN is sent as a bearer token.
  A duration is a text such as 30m. An instant is ISO 8601 with a time zone: 2026-01-31T02:00:00Z.
  Exit codes: 0 allowed or done; 1 denied, nothing matched, or the journal is not valid; 2 wrong usage; 3 no answer.
`;

/** The usage of one command, if it is known. */
function usage(name = ''): string {
  const known = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (known === undefined)
    return `Usage: jit-access <command> [options]\n\n${Object.entries(COMMANDS).map(usageOf).join('')}\n${OF_SERVICE}`;
  const [form, about] = known.help;
  return `Usage: jit-access ${`${name} ${form}`.trimEnd()}\n\n  ${about}\n${known.run === undefined ? '' : `\n${OF_SERVICE}`}`;
}

/** The column in which `help` says what a command does. */
const ABOUT = 40;

function usageOf([name, { help }]: readonly [string, Command]): string {
  const [form, about] = help;
  const line = `  ${name} ${form}`.trimEnd();
  return line.length < ABOUT - 1 ? `${line.padEnd(ABOUT)}${about}\n` : `${line}\n${''.padEnd(ABOUT)}${about}\n`;
}

/** @returns the exit code: 0 done; 1 denied, nothing matched, or the journal is not valid; 2 wrong usage; 3 no answer */
export async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  const { env, out, err, colours, clock = systemClock } = terminal;
  const help = helpOf(args);
  if (help !== undefined) {
    out(help);
    return 0;
  }
  let baseUrl = '';
  try {
    const given = readCommandLine(args, COMMANDS);
    const { run } = COMMANDS[given.command] as Command;
    if (run === undefined) return await runHere(given, terminal);
    const { fetch } = terminal;
    baseUrl = urlOf(given, env['JIT_ACCESS_URL']);
    const client = createClient({ baseUrl, headers: headersOf(env['JIT_ACCESS_TOKEN']), fetch, clock });
    const { answer, lines, ok } = await run(client, given, clock);
    out(given['json'] === true ? shown(JSON.stringify(answer, undefined, 2).split('\n')) : shown(lines, colours?.out));
    return ok ? 0 : 1;
  } catch (error) {
    const isUsage = error instanceof UsageError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
    const failed = `FAILED: ${messageOf(error)}${isJitError(error) ? ` (${error.code})` : ''}`;
    const hint = error instanceof HttpClientError ? hintOf(error, args[0], baseUrl) : undefined;
    if (isUsage) err(`${shown(messageOf(error).split('\n'))}\n${usage(args[0])}`);
    else err(shown(hint === undefined ? [failed] : [failed, hint], colours?.err));
    if (isUsage) return 2;
    return error instanceof HttpClientError && isUnanswered(error) ? 3 : 1;
  }
}

/** `help`, `help <command>` and `--version`, only if asked alone: a script must not take an id `--help` for a command that was carried out. */
function helpOf([first = '', second, ...more]: readonly string[]): string | undefined {
  const isAlone = second === undefined;
  if (first === '--version' && isAlone) return `${BUILD.split(' ')[0] ?? ''}\n`;
  if (first === 'help' && second !== undefined && Object.hasOwn(COMMANDS, second) && more.length === 0) return usage(second);
  return ['help', '--help', '-h'].includes(first) && isAlone ? usage() : undefined;
}

/** `dev`. Loaded only then: every other command needs no engine. */
async function runHere(given: Given, { env, out, err, stop = () => new AbortController().signal }: Terminal): Promise<number> {
  if (env['NODE_ENV'] === 'production')
    throw new UsageError('dev is an example whose six people anyone can be: it refuses to run with NODE_ENV=production');
  const { sqlite } = given;
  const options = { ...portOf(given), ...(typeof sqlite === 'string' && { sqlite }) };
  const { runDev } = await import('./dev/dev.js');
  await runDev(options, { out, err, stop: stop() });
  return 0;
}

/** No answer came, or one of a proxy whose service does not answer: it is not known whether the call was carried out. */
const isUnanswered = ({ status }: HttpClientError): boolean => status === undefined || status >= 500;

/** Escapes each line: a text of a record or of a service could break the line, or send the terminal a command. */
const shown = (lines: readonly string[], coloured = false): string =>
  `${lines
    .map(escapeUnshown)
    .map(coloured ? painted : String)
    .join('\n')}\n`;

/** Green for what was given, red for the rest. */
const painted = (line: string): string =>
  line.replace(/^[A-Z ]+(?=:)/, (word) => `\u001b[${/^(?:GRANTED|APPROVED|UNLOCKED)$/.test(word) ? 32 : 31}m${word}\u001b[0m`);

/** What to do after a failed call. */
function hintOf({ status }: HttpClientError, command = '', baseUrl: string): string | undefined {
  switch (status) {
    case 401:
      return 'The service does not know you. Set JIT_ACCESS_TOKEN to your token: it is sent as a bearer token.';
    case 403:
      return 'You are signed in, and the service does not permit you this.';
    case 404:
      return 'Give --url or JIT_ACCESS_URL with the base path of the handler.';
    case undefined:
      return `${COMMANDS[command]?.unanswered ?? 'Nothing was changed.'} Check that a service runs at ${baseUrl}, and --url or JIT_ACCESS_URL.`;
    default:
      return undefined;
  }
}
