import { isJitError, messageOf } from '../../core/errors.js';
import { escapeUnshown } from '../../core/parse.js';
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
  /** Aborts when a person stops the program. Only `dev` calls it: it replaces the signals that would end the process. Default: never. */
  readonly stop?: () => AbortSignal;
}

const FORM = 'Usage: jit-access <command> [options]';

const usage = (): string => `${FORM}

${Object.entries(COMMANDS).map(usageOf).join('')}
  --url <baseUrl>   where the handler of jit-access/http is mounted: https://ops.example.com/access. Default: JIT_ACCESS_URL
  --token <token>   sent as a bearer token. Default: JIT_ACCESS_TOKEN, which no list of processes shows
  --insecure        permits http to another machine: the network can then read the token
  --json            prints the answer as JSON
  An instant is ISO 8601 with a time zone: 2026-01-31T02:00:00Z.
  Exit codes: 0 done; 1 denied, nothing matched, or the journal is not valid; 2 wrong usage; 3 no answer.
`;

/** The column in which `help` says what a command does. */
const ABOUT = 40;

function usageOf([name, { help }]: readonly [string, Command]): string {
  const [form, about] = help;
  const line = `  ${name} ${form}`.trimEnd();
  return line.length < ABOUT - 1 ? `${line.padEnd(ABOUT)}${about}\n` : `${line}\n${''.padEnd(ABOUT)}${about}\n`;
}

/** @returns the exit code: 0 done; 1 denied, nothing matched, or the journal is not valid; 2 wrong usage; 3 no answer */
export async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  const { env, out, err } = terminal;
  // Only if it is asked alone: a script must not take a reason or an id `--help` for a command that was carried out.
  if (args.length === 1 && ['help', '--help', '-h'].includes(args[0] as string)) {
    out(usage());
    return 0;
  }
  try {
    const given = readCommandLine(args, COMMANDS);
    const { run } = COMMANDS[given.command] as Command;
    if (run === undefined) return await runHere(given, terminal);
    const { fetch, clock } = terminal;
    const baseUrl = urlOf(given, env['JIT_ACCESS_URL']);
    const client = createClient({ baseUrl, headers: headersOf(given, env['JIT_ACCESS_TOKEN']), fetch, clock });
    const { answer, lines, ok } = await run(client, given);
    out(shown(given['json'] === true ? JSON.stringify(answer, undefined, 2).split('\n') : lines));
    return ok ? 0 : 1;
  } catch (error) {
    const isUsage = error instanceof UsageError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
    const failed = `FAILED: ${messageOf(error)}${isJitError(error) ? ` (${error.code})` : ''}`;
    const hint = error instanceof HttpClientError ? hintOf(error, args[0]) : undefined;
    err(isUsage ? `${shown(messageOf(error).split('\n'))}\n${usage()}` : shown(hint === undefined ? [failed] : [failed, hint]));
    if (isUsage) return 2;
    return error instanceof HttpClientError && isUnanswered(error) ? 3 : 1;
  }
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
const shown = (lines: readonly string[]): string => `${lines.map(escapeUnshown).join('\n')}\n`;

/** What to do after a failed call. */
function hintOf({ status }: HttpClientError, command: string | undefined): string | undefined {
  switch (status) {
    case 401:
      return 'The service does not know you: give --token or JIT_ACCESS_TOKEN.';
    case 403:
      return 'You are signed in, and the service does not permit you this.';
    case 404:
      return 'Give --url or JIT_ACCESS_URL with the base path of the handler.';
    case undefined:
      return command === 'who' || command === 'verify'
        ? 'Nothing was changed. Check --url, and that the service runs.'
        : 'It may have been carried out. Run it again: a repeat restores no access.';
    default:
      return undefined;
  }
}
