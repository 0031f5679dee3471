import { IdempotencyError, InvalidArgumentError } from '../../core/errors.js';
import type { Duration } from '../../core/duration.js';
import type { Instant } from '../../core/instant.js';
import type { JsonObject } from '../../model/json.js';
import { invalid, readId, readMetadata, readOptions, readText } from '../../core/parse.js';
import { derivedId, newId } from '../../kernel/ledger/ids.js';
import type { CallLimit } from '../../kernel/call-limit.js';
import type { Kernel } from '../../kernel/kernel.js';
import { afterRecording } from '../../kernel/approver/after-record.js';
import type { Settings } from '../../kernel/settings/settings.js';
import { amendedAsk, amendRequest, refuseToAmend, type Amended } from '../../lifecycle/amend.js';
import { asksForTheSame, differencesFrom, type Ask } from '../../lifecycle/ask.js';
import type { OpeningContext } from '../../lifecycle/request.js';
import { moment, noChange, type Transition } from '../../lifecycle/transition.js';
import { decodeRequest, type AccessRequest } from '../../records/index.js';
import type { AccessResult } from '../answers.js';
import { parseLength } from './ask.js';
import { draftOf, openingContext } from './draft.js';
import { decideRequest } from './requests.js';

/** The argument of `amend`. At least one of the amended values; a value that is omitted stays. */
export interface Amendment {
  /** The requester, which your code has authenticated. */
  readonly by: string;
  /** The new length of the window: milliseconds, or a string like `'30m'`. */
  readonly ttl?: Duration | undefined;
  /** The new end of the window, instead of `ttl`: epoch milliseconds or a `Date`. */
  readonly until?: Instant | undefined;
  /** Why. Text of at most 4 KiB. */
  readonly justification?: string | undefined;
  /** The ticket that the access is for. Text of at most 4 KiB. */
  readonly ticket?: string | undefined;
  /** JSON of the caller, at most 8 KiB. It replaces all metadata of the request. */
  readonly metadata?: JsonObject | undefined;
  /** An id of your own records, for the new request. Alone it is no amendment. */
  readonly correlation?: string | undefined;
  /** Makes a repeat safe: the same key and values return the same new request, and the engine refuses others. */
  readonly idempotencyKey?: string | undefined;
}

/** An amendment whose values are checked. */
export interface ParsedAmendment {
  readonly by: string;
  readonly amended: Amended;
  readonly key: string | undefined;
}

const VALUES = ['ttl', 'until', 'justification', 'ticket', 'metadata'] as const;

/** @throws InvalidArgumentError */
export function parseAmendment(settings: Pick<Settings, 'readId' | 'minNumberMs'>, given: unknown): ParsedAmendment {
  const fields = readOptions<keyof Amendment>('options', given, ['by', ...VALUES, 'correlation', 'idempotencyKey']);
  const { ttl, until, correlation, idempotencyKey } = fields;
  const by = settings.readId('by', fields.by);
  if (VALUES.every((name) => fields[name] === undefined)) throw invalid('options', `an object with one of ${VALUES.join(', ')}`, given);
  return {
    by,
    amended: {
      ...(ttl === undefined && until === undefined ? {} : parseLength(settings, { ttl, until })),
      justification: readText('justification', fields.justification),
      ticket: readText('ticket', fields.ticket),
      metadata: readMetadata('metadata', fields.metadata),
      correlation: correlation === undefined ? undefined : readId('correlation', correlation),
    },
    key: idempotencyKey === undefined ? undefined : readId('idempotencyKey', idempotencyKey),
  };
}

/** Replaces a pending request by a new one with the amended values, and has the approver decide that one. */
export async function amend(kernel: Kernel, id: string, amendment: ParsedAmendment, limit: CallLimit | undefined): Promise<AccessResult> {
  const { by, amended, key } = amendment;
  const { ledger } = kernel;
  const newRequestId = key === undefined ? newId() : derivedId(ledger.store.namespace, 'amend', by, key);
  const isRepeated = async () => key !== undefined && (await isAmended(kernel, id, newRequestId, amended));
  const amending = () => attempt(kernel, id, newRequestId, amendment, isRepeated, limit);
  const reused = (await isRepeated()) || (await ledger.run(amending, { limit }));
  const result = await afterRecording(newRequestId, () => decideRequest(kernel, newRequestId, limit));
  return { ...result, reused };
}

/** @returns whether an earlier call with the same key has amended the request */
async function attempt(
  kernel: Kernel,
  id: string,
  newRequestId: string,
  { by, amended }: ParsedAmendment,
  isRepeated: () => Promise<boolean>,
  limit: CallLimit | undefined,
): Promise<Transition<boolean>> {
  const { clock, ledger, settings } = kernel;
  const before = await ledger.request(id);
  const ask = amendedAsk(before, id, amended);
  if (before.end !== undefined && (await isRepeated())) return noChange(true);
  const context = await contextOf(kernel, before, ask, newRequestId, by, limit);
  // Looks for a repeat also after all other reads: a limit may be met only by the request of a concurrent call with the same key.
  if (await isRepeated()) return noChange(true);
  return { ...amendRequest(before, ask, newRequestId, settings.limits, context, moment(clock, by)), result: false };
}

/** Asks no approver about a request that cannot be amended, or if nothing would change. */
async function contextOf(
  kernel: Kernel,
  before: AccessRequest,
  ask: Ask,
  newRequestId: string,
  by: string,
  limit: CallLimit | undefined,
): Promise<OpeningContext> {
  refuseToAmend(before, moment(kernel.clock, by));
  if (differencesFrom(ask, before).length === 0) {
    throw new InvalidArgumentError('options', 'an object with a value that differs from the request', 'the values of the request');
  }
  return openingContext(kernel, await draftOf(kernel, newRequestId, ask), { limit });
}

/**
 * Whether an earlier call with this key has amended the request. A purge may have removed the amended request. Then the values that
 * the caller gives are compared with those of the new one.
 *
 * @throws IdempotencyError if the key was used for another request, or with other values
 */
async function isAmended({ ledger }: Kernel, id: string, newRequestId: string, amended: Amended): Promise<boolean> {
  const [old, made] = await ledger.rows([
    { kind: 'request', id },
    { kind: 'request', id: newRequestId },
  ]);
  if (made === undefined) return false;
  const request = decodeRequest(made);
  const before = old === undefined ? request : decodeRequest(old);
  if (!asksForTheSame(request, amendedAsk(before, id, amended))) throw new IdempotencyError(newRequestId);
  return true;
}
