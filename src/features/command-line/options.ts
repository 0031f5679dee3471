/// <reference types="node" />
import { parseArgs } from 'node:util';
import { isSecureUrl } from '../../core/secure-url.js';

export const USAGE = `Usage: jit-access <command> --url <baseUrl> [options]

  who <scope> [--at <instant>]          the grants that cover a scope, now or at an instant
  revoke <grantId> [--reason <text>]    ends a grant
  revoke-all --subject|--scope|--request|--ticket <value> [--reason <text>]
                                        ends all access of one target, and cancels its requests
  lock --subject|--scope <value> [--until <instant>] [--reason <text>]
                                        ends the access, and refuses every ask until the lock ends
  verify [--after <seq>.<hash>]         verifies the journal, from its start or after an anchor

  --url <baseUrl>   where the handler of jit-access/http is mounted: https://ops.example.com/access
  --token <token>   sent as a bearer token. Default: JIT_ACCESS_TOKEN, which no list of processes shows
  --insecure        permits http to another machine: the network can then read the token
  --json            prints the answer as JSON
  An instant is ISO 8601 with a time zone: 2026-01-31T02:00:00Z.
  Exit codes: 0 done; 1 failed, nothing matched, or the journal is not valid; 2 wrong usage.
`;

/** What the command line says. */
export type Given = Readonly<Record<string, string | boolean | undefined>> & { readonly command: string; readonly url: string };

/** The command line is wrong. The message says what to correct. */
export class UsageError extends Error {}

const FLAGS: readonly string[] = ['json', 'insecure'];

/** The options of each command, and the name of its argument. */
const COMMANDS: Readonly<Record<string, { readonly argument?: string; readonly options: readonly string[] }>> = {
  who: { argument: 'scope', options: ['at'] },
  revoke: { argument: 'grantId', options: ['reason'] },
  'revoke-all': { options: ['subject', 'scope', 'request', 'ticket', 'reason'] },
  lock: { options: ['subject', 'scope', 'until', 'reason'] },
  verify: { options: ['after'] },
};

/** @throws UsageError, which shows no value: it may be a token or a password; or the error of `parseArgs` with its code */
export function readCommandLine(args: readonly string[]): Given {
  const [command = '', ...rest] = args;
  const known = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
  if (known === undefined) throw new UsageError(`the first argument must be ${Object.keys(COMMANDS).join(', ')}`);
  const names = [...known.options, 'url', 'token', ...FLAGS];
  const options = Object.fromEntries(names.map((name) => [name, { type: FLAGS.includes(name) ? 'boolean' : 'string' } as const]));
  const read = parseArgs({ args: rest, options, allowPositionals: true, tokens: true });
  const given = read.tokens.flatMap((token) => (token.kind === 'option' ? [token.name] : []));
  const repeated = given.find((name, i) => given.indexOf(name) < i);
  if (repeated !== undefined) throw new UsageError(`--${repeated} is given more than once`);
  const { url } = read.values;
  if (typeof url !== 'string' || !/^https?:\/\/[^\s/?#@\\]+(\/[^\s?#]*)?$/i.test(url) || !URL.canParse(url))
    throw new UsageError('--url must be a URL such as https://ops.example.com/access, without a password, ? or #');
  if (read.values['insecure'] !== true && !isSecureUrl(new URL(url)))
    throw new UsageError(
      '--url must be https, or http to localhost, 127.0.0.1 or [::1]: the network could read the token (see --insecure)',
    );
  const [argument, ...more] = read.positionals;
  if ((argument === undefined) !== (known.argument === undefined) || more.length > 0)
    throw new UsageError(known.argument === undefined ? `${command} takes only options` : `${command} takes one ${known.argument}`);
  return { ...read.values, ...(known.argument !== undefined && { [known.argument]: argument }), command, url };
}

/** The bearer token as a header. @throws UsageError, which does not show the token: the error of `fetch` for a wrong header does */
export function headersOf({ token }: Given, variable = ''): { readonly authorization?: string } {
  const text = (typeof token === 'string' ? token : variable).trim();
  if (!/^[!-~]*$/.test(text)) throw new UsageError('the token must be one word of visible ASCII characters');
  return text === '' ? {} : { authorization: `Bearer ${text}` };
}

/** The one option that is given of several. @throws UsageError */
export function oneOf(given: Given, names: readonly string[]): Readonly<Record<string, string>> {
  const [name, ...more] = names.filter((option) => typeof given[option] === 'string');
  if (name === undefined || more.length > 0) throw new UsageError(`${given.command} takes exactly one of --${names.join(', --')}`);
  return { [name === 'request' ? 'requestId' : name]: given[name] as string };
}

/** Epoch milliseconds of an ISO instant, with a time zone: without one it depends on the machine. @throws UsageError */
export function instantOf(given: Given, name: string): { readonly [name: string]: number } {
  const text = given[name];
  if (typeof text !== 'string') return {};
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : NaN;
  // `Date` takes February 31 as March 3.
  if (Number.isNaN(at) || new Date(text.slice(0, 10)).getUTCDate() !== Number(text.slice(8, 10)))
    throw new UsageError(`--${name} must be an instant with a time zone, such as 2026-01-31T02:00:00Z`);
  return { [name]: at };
}
