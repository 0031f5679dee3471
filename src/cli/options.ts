import { parseArgs } from 'node:util';
import { parseDuration, type Duration } from '../index.js';
import { isSecureUrl, messageOf } from '../internal/cli.js';

/** The options of each command that calls a service. */
export const OF_SERVICE = { url: 'string', json: 'boolean', insecure: 'boolean' } as const;

/** What a command takes. */
export interface CommandForm {
  /** The name of its argument. Default: it takes only options. */
  readonly argument?: string;
  readonly options: Readonly<Record<string, 'string' | 'boolean'>>;
}

/** What the command line says. */
export type Given = Readonly<Record<string, string | boolean | undefined>> & { readonly command: string };

/** The command line is wrong. The message says what to correct. */
export class UsageError extends Error {}

/** @throws UsageError, which shows no value: it may be a token or a password; or the error of `parseArgs` with its code */
export function readCommandLine(args: readonly string[], commands: Readonly<Record<string, CommandForm>>): Given {
  const [command = '', ...rest] = args;
  const known = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (known === undefined) throw new UsageError(`the first argument must be ${Object.keys(commands).join(', ')}`);
  const options = Object.fromEntries(Object.entries(known.options).map(([name, type]) => [name, { type }]));
  const read = parseArgs({ args: rest, options, allowPositionals: true, tokens: true });
  const given = read.tokens.flatMap((token) => (token.kind === 'option' ? [token.name] : []));
  const repeated = given.find((name, i) => given.indexOf(name) < i);
  if (repeated !== undefined) throw new UsageError(`--${repeated} is given more than once`);
  const [argument, ...more] = read.positionals;
  if ((argument === undefined) !== (known.argument === undefined) || more.length > 0)
    throw new UsageError(
      `${command} takes ${command === 'help' ? 'one command' : known.argument === undefined ? 'only options' : `one ${known.argument}`}`,
    );
  return { ...read.values, ...(known.argument !== undefined && { [known.argument]: argument }), command };
}

/** The address of the service: the option, or `JIT_ACCESS_URL`. @throws UsageError, which does not show it */
export function urlOf({ url, insecure }: Given, variable: string | undefined): string {
  const [text, name] = typeof url === 'string' ? [url, '--url'] : [variable, variable === undefined ? '--url' : 'JIT_ACCESS_URL'];
  if (text === undefined || !/^https?:\/\/[^\s/?#@\\]+(\/[^\s?#]*)?$/i.test(text) || !URL.canParse(text))
    throw new UsageError(`${name} must be a URL such as https://ops.example.com/access, without a password, ? or #`);
  if (insecure !== true && !isSecureUrl(new URL(text)))
    throw new UsageError(
      `${name} must be https, or http to localhost, 127.0.0.1 or [::1]: the network could read the token (see --insecure)`,
    );
  return text;
}

/** A port. @throws UsageError */
export function portOf({ port }: Given): { readonly port?: number } {
  if (port === undefined) return {};
  if (!/^\d{1,5}$/.test(String(port)) || Number(port) > 65_535) throw new UsageError('--port must be a number from 0 to 65535');
  return { port: Number(port) };
}

/** The bearer token as a header. @throws UsageError, which does not show the token: the error of `fetch` for a wrong header does */
export function headersOf(token = ''): { readonly authorization?: string } {
  const text = token.trim();
  if (!/^[!-~]*$/.test(text)) throw new UsageError('JIT_ACCESS_TOKEN must be one word of visible ASCII characters');
  return text === '' ? {} : { authorization: `Bearer ${text}` };
}

/** The options that are texts and are given. */
export function textsOf<Name extends string>(given: Given, ...names: readonly Name[]): { readonly [Text in Name]?: string } {
  return Object.fromEntries(names.flatMap((name) => (typeof given[name] === 'string' ? [[name, given[name]]] : []))) as never;
}

/** A duration such as `30m`, as it was given: a text has its unit. @throws UsageError */
export function ttlOf({ ttl: text }: Given): { readonly ttl?: Duration } {
  if (typeof text !== 'string') return {};
  try {
    parseDuration(text, '--ttl');
    return { ttl: text as Duration };
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
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
