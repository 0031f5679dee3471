/// <reference types="node" />
import { isJitError, messageOf } from '../../core/errors.js';
import { createClient } from '../client/client.js';
import { HttpClientError } from '../client/errors.js';
import type { ClientOptions } from '../client/transport.js';
import { COMMANDS } from './commands.js';
import { readCommandLine, USAGE, UsageError } from './options.js';

/** Where the command line writes, and how it calls the handler. Tests replace them. */
export interface Terminal extends Pick<ClientOptions, 'fetch' | 'clock'> {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** @returns the exit code: 0 done; 1 failed, nothing matched, or the journal is not valid; 2 wrong usage */
export async function main(args: readonly string[], { env, out, err, fetch, clock }: Terminal): Promise<number> {
  try {
    const given = readCommandLine(args);
    const token = given['token'] ?? env['JIT_ACCESS_TOKEN'];
    const headers = typeof token === 'string' ? { authorization: `Bearer ${token}` } : {};
    const client = createClient({ baseUrl: given.url, headers, fetch, clock });
    const { answer, lines, ok } = await (COMMANDS[given.command] as (typeof COMMANDS)[string])(client, given);
    out(given['json'] === true ? `${JSON.stringify(answer, undefined, 2)}\n` : `${lines.join('\n')}\n`);
    return ok ? 0 : 1;
  } catch (error) {
    const isUsage = error instanceof UsageError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
    err(isUsage ? `${messageOf(error)}\n\n${USAGE}` : `${failureOf(error)}\n`);
    return isUsage ? 2 : 1;
  }
}

function failureOf(error: unknown): string {
  const failed = `FAILED: ${messageOf(error)}${isJitError(error) ? ` (${error.code})` : ''}`;
  const { status } = (error instanceof HttpClientError ? error : {}) as Partial<HttpClientError>;
  if (status === 401) return `${failed}\nThe service does not know you: give --token or JIT_ACCESS_TOKEN.`;
  if (status === 403) return `${failed}\nYou are signed in, and the service does not permit you this.`;
  if (error instanceof HttpClientError && status === undefined)
    return `${failed}\nIt may have been carried out. Run it again: a repeat restores no access.`;
  return failed;
}
