import { isJitError, messageOf } from '../../core/errors.js';
import { escapeUnshown } from '../../core/parse.js';
import { createClient } from '../client/client.js';
import { HttpClientError } from '../client/errors.js';
import type { ClientOptions } from '../client/transport.js';
import { COMMANDS } from './commands.js';
import { headersOf, readCommandLine, USAGE, UsageError } from './options.js';

/** Where the command line writes, and how it calls the handler. Tests replace them. */
export interface Terminal extends Pick<ClientOptions, 'fetch' | 'clock'> {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** @returns the exit code: 0 done; 1 failed, nothing matched, or the journal is not valid; 2 wrong usage */
export async function main(args: readonly string[], { env, out, err, fetch, clock }: Terminal): Promise<number> {
  // Only if it is asked alone: a script must not take a reason or an id `--help` for a command that was carried out.
  if (args.length === 1 && (args[0] === '--help' || args[0] === '-h')) {
    out(USAGE);
    return 0;
  }
  try {
    const given = readCommandLine(args);
    const client = createClient({ baseUrl: given.url, headers: headersOf(given, env['JIT_ACCESS_TOKEN']), fetch, clock });
    const { answer, lines, ok } = await (COMMANDS[given.command] as (typeof COMMANDS)[string])(client, given);
    out(shown(given['json'] === true ? JSON.stringify(answer, undefined, 2).split('\n') : lines));
    return ok ? 0 : 1;
  } catch (error) {
    const isUsage = error instanceof UsageError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
    const failed = `FAILED: ${messageOf(error)}${isJitError(error) ? ` (${error.code})` : ''}`;
    const hint = error instanceof HttpClientError ? hintOf(error, args[0]) : undefined;
    err(isUsage ? `${shown(messageOf(error).split('\n'))}\n${USAGE}` : shown(hint === undefined ? [failed] : [failed, hint]));
    return isUsage ? 2 : 1;
  }
}

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
      return 'Give --url with the base path of the handler.';
    case undefined:
      return command === 'who' || command === 'verify'
        ? 'Nothing was changed. Check --url, and that the service runs.'
        : 'It may have been carried out. Run it again: a repeat restores no access.';
    default:
      return undefined;
  }
}
