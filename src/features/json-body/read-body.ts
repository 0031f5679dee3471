import { isJitError } from '../../core/errors.js';
import type { JsonObject } from '../../model/json.js';
import type { Clock } from '../../core/ports.js';
import { within } from '../../core/timers.js';
import { fromUtf8 } from '../../core/utf8.js';
import { headerOf } from './headers.js';
import { JsonTextError, parseJsonText } from './json-text.js';
import { ThinRequest } from './thin-request.js';

/** The greatest size of a body. Bytes. */
const MAX_BODY_BYTES = 65_536;

/** A body that cannot be used. `message` is for the client, and quotes no part of the body. */
export class BodyError extends Error {
  override readonly name = 'BodyError';
  /**
   * @param status 400: malformed; 408: too slow; 413: too large; 415: not JSON
   * @param headers further headers of the answer
   */
  constructor(
    readonly status: 400 | 408 | 413 | 415,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** Nothing reads the rest of the body, so its connection cannot serve another request. */
const CLOSES = { connection: 'close' } as const;

/** The greatest length of a `Content-Type`. Characters. */
const MAX_TYPE_LENGTH = 256;

export interface BodyLimits {
  /** The clock that bounds a slow body. */
  readonly clock: Clock;
  /** How long the whole body may take. Milliseconds. */
  readonly timeoutMs: number;
}

/** The object in the body of a request. @throws BodyError */
export async function readJsonObject(request: Request, limits: BodyLimits): Promise<JsonObject> {
  refuseOtherTypes(request);
  return parseObject(await readBodyText(request, limits));
}

/** The object in a body that may be empty or absent. @throws BodyError */
export async function readOptionalObject(request: Request, limits: BodyLimits): Promise<JsonObject> {
  const text = await readBodyText(request, limits);
  // A client that sends no body may still name a content type.
  if (text === '') return {};
  refuseOtherTypes(request);
  return parseObject(text);
}

function refuseOtherTypes(request: Request): void {
  if (!isJson(headerOf(request, 'content-type'))) throw new BodyError(415, 'the body must have the content type application/json');
}

function parseObject(text: string): JsonObject {
  const value = parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BodyError(400, 'the body must be a JSON object');
  return value as JsonObject;
}

/** Whether a `Content-Type` says JSON. A charset other than UTF-8 does not: RFC 8259 knows no other. */
function isJson(contentType: string | null): boolean {
  if (contentType === 'application/json') return true;
  if (contentType === null || contentType.length > MAX_TYPE_LENGTH) return false;
  const [type, ...parameters] = contentType.toLowerCase().split(';');
  const charset = parameters.map(readParameter).find(({ name }) => name === 'charset')?.value;
  return type?.trim() === 'application/json' && (charset === undefined || charset === 'utf-8' || charset === 'utf8');
}

/** The name and the value of a parameter of a header, without quotes. */
function readParameter(parameter: string): { readonly name: string; readonly value: string } {
  const [name = '', ...values] = parameter.split('=');
  const value = values.join('=').trim();
  const isQuoted = value.length > 1 && value.startsWith('"') && value.endsWith('"');
  return { name: name.trim(), value: isQuoted ? value.slice(1, -1) : value };
}

function parse(text: string) {
  try {
    return parseJsonText(text);
  } catch (error) {
    throw error instanceof JsonTextError ? new BodyError(400, error.message) : error;
  }
}

/** The body as text, which must be UTF-8 and within the limits. @throws BodyError */
async function readBodyText(request: Request, { clock, timeoutMs }: BodyLimits): Promise<string> {
  const coding = headerOf(request, 'content-encoding');
  if (coding !== null && coding.toLowerCase() !== 'identity')
    throw new BodyError(415, 'the body must have no content coding', { 'accept-encoding': 'identity' });
  if (Number(headerOf(request, 'content-length') ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  const reader = readerOf(request);
  if (reader === undefined) return '';
  const timeout = () => new BodyError(408, 'the body arrived too slowly', CLOSES);
  try {
    const bytes = await within(clock, timeoutMs, () => reader.bytes(MAX_BODY_BYTES), timeout);
    if (bytes === undefined) throw tooLarge();
    return decode(bytes);
  } catch (error) {
    reader.cancel();
    // A clock that fails is no fault of the client. Any other failure is a client that has gone, or a body that its sender cut short.
    throw error instanceof BodyError || isJitError(error) ? error : new BodyError(400, 'the body ended early');
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch {
    throw new BodyError(400, 'the body is not valid UTF-8');
  }
}

const tooLarge = () => new BodyError(413, `the body must have at most ${MAX_BODY_BYTES} bytes`, CLOSES);

interface BodyReader {
  /** @returns `undefined`: the body is longer */
  bytes(max: number): Promise<Uint8Array | undefined>;
  cancel(): void;
}

/** `undefined`: the request has no body. */
function readerOf(request: Request): BodyReader | undefined {
  const bytes = ThinRequest.reader(request);
  if (bytes !== undefined) return { bytes, cancel: () => undefined };
  if (request.body === null) return undefined;
  const reader = request.body.getReader();
  return {
    bytes: (max) => readUpTo(max, reader),
    // Not awaited: the source of a stalled body may never confirm.
    cancel: () => void reader.cancel().catch(() => undefined),
  };
}

async function readUpTo(max: number, reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    length += next.value.length;
    if (length > max) return undefined;
    chunks.push(next.value);
  }
  return joined(chunks, length);
}

/** The bytes of all chunks. @param length of all together */
export function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = chunks;
  if (first !== undefined && chunks.length === 1) return first;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
