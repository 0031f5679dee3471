import { isJitError, systemClock } from '../index.js';
import { BUILD, escapeUnshown, lastingText, messageOf } from '../internal/cli.js';
import { createClient, HttpClientError, type ClientOptions } from '../client.js';
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
  const [form, ...about] = known.help;
  return `Usage: jit-access ${`${name} ${form}`.trimEnd()}\n\n  ${about.join('\n  ')}\n${known.run === undefined ? '' : `\n${OF_SERVICE}`}`;
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
    const answer = answerOf(error);
    const isUsage = error instanceof UsageError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
    if (isUsage) {
      err(asksForHelp(args, error) ? usage(args[0]) : `${shown(messageOf(error).split('\n'))}\n${usage(args[0])}`);
      return 2;
    }
    const code = codeOf(error, answer);
    // `dev` calls no service, and no repeat ends a failure that lasts.
    const hint = code === 2 || baseUrl === '' || lastingText(error) !== undefined ? undefined : hintOf(answer, args[0], baseUrl);
    const failed = `FAILED: ${messageOf(error)}${isJitError(error) ? ` (${error.code})` : ''}`;
    err(shown(hint === undefined ? [failed] : [failed, hint], colours?.err));
    return code;
  }
}

/** The failed call. The errors of the engine have it as their cause. `undefined`: there was none, or its answer is not one of the handler. */
function answerOf(error: unknown): HttpClientError | undefined {
  const { cause } = error as { readonly cause?: unknown };
  return [error, isJitError(error) ? cause : undefined].find((failure) => failure instanceof HttpClientError);
}

/** 1 only if the handler has refused: with any other answer it is not known what was done. */
function codeOf(error: unknown, answer: HttpClientError | undefined): 1 | 2 | 3 {
  // The client has refused an argument before it called.
  if (answer === undefined && isJitError(error)) return 2;
  return answer?.problem !== undefined && (answer.status ?? 500) < 500 ? 1 : 3;
}

const HELP = ['--help', '-h'];

/** Whether a command that calls a service got `--help`: it prints its usage and ends with 2, so that no script takes it for carried out. */
const asksForHelp = ([, ...rest]: readonly string[], error: unknown): boolean =>
  (error as { readonly code?: unknown }).code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' && rest.some((text) => HELP.includes(text));

/** `help`, `help <command>`, `dev help`, `dev --help` and `--version`, only if asked alone: see {@link asksForHelp}. */
function helpOf([first = '', second, ...more]: readonly string[]): string | undefined {
  const isAlone = second === undefined;
  if (first === '--version' && isAlone) return `${BUILD.split(' ')[0] ?? ''}\n`;
  if (first === 'help' && second !== undefined && Object.hasOwn(COMMANDS, second) && more.length === 0) return usage(second);
  const words = ['help', ...HELP];
  if (second !== undefined && words.includes(second) && Object.hasOwn(COMMANDS, first) && COMMANDS[first]?.run === undefined)
    return usage(first);
  return words.includes(first) && isAlone ? usage() : undefined;
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

/** Escapes each line: a text of a record or of a service could break the line, or send the terminal a command. */
const shown = (lines: readonly string[], coloured = false): string =>
  `${lines
    .map(escapeUnshown)
    .map(coloured ? painted : String)
    .join('\n')}\n`;

/** Green for what was given, red for the rest. */
const painted = (line: string): string =>
  line.replace(/^[A-Z ]+(?=:)/, (word) => `\u001b[${/^(?:GRANTED|APPROVED|UNLOCKED)$/.test(word) ? 32 : 31}m${word}\u001b[0m`);

/** What to do after a failed call. @param answer `undefined`: the answer is not one of the handler */
function hintOf(answer: HttpClientError | undefined, command = '', baseUrl: string): string | undefined {
  const { status = 0, problem } = answer ?? {};
  const effect = COMMANDS[command]?.unanswered ?? 'Nothing was changed.';
  if (problem !== undefined && status >= 500) return effect;
  // An error of the engine says itself what to do.
  if ((problem as { readonly code?: unknown } | undefined)?.code !== undefined) return undefined;
  if (status === 401) return 'The service does not know you. Set JIT_ACCESS_TOKEN to your token: it is sent as a bearer token.';
  if (status === 403) return 'You are signed in, and the service does not permit you this.';
  if (status === 404) return 'Give --url or JIT_ACCESS_URL with the base path of the handler.';
  return problem === undefined ? `${effect} Check that a service runs at ${baseUrl}, and --url or JIT_ACCESS_URL.` : undefined;
}
