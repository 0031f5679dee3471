import type { JsonObject } from '../../../model/json.js';
import { invalid, readBoundedList, readOptions, readPort } from '../../../core/parse.js';
import type { Clock, MaybePromise } from '../../../core/ports.js';
import { SingleFlight } from '../../../core/single-flight.js';
import { Stopwatch } from '../../../core/stopwatch.js';
import { systemClock } from '../../../core/clock.js';
import { within } from '../../../core/timers.js';
import { isObject } from '../../../records/index.js';
import { parseJsonText } from '../../json-body/json-text.js';

/** Signs and verifies the binding tokens of requestable denials. `joseSigner` makes one; a key service may implement its own. */
export interface TokenSigner {
  /** Signs claims as a JWS in the compact form, with a `kid`. */
  sign(claims: JsonObject): Promise<string>;
  /** The claims of a token that one of the keys has signed; `undefined` for any other text. It judges the signature alone, and no claim. */
  verify(token: string): Promise<JsonObject | undefined>;
  /** The public keys as JWKs, each with `kid` and `use: 'sig'`. Never a private member. */
  jwks(): MaybePromise<readonly JsonObject[]>;
}

/** A private key. */
export interface SigningKey {
  /** The private key as a JWK, for example from `jose.exportJWK`. */
  readonly jwk: object;
  /** Names the key in tokens and in the JWK set: 1-64 of `[A-Za-z0-9_.-]`. */
  readonly kid: string;
  /** The algorithm: an asymmetric one of JWS. */
  readonly alg: (typeof ALGORITHMS)[number];
}

/** The parts of `jose` that the signer calls. Pass the module: `import * as jose from 'jose'`. */
export interface JoseModule {
  importJWK(jwk: never, alg?: string): Promise<unknown>;
  readonly CompactSign: new (payload: Uint8Array) => {
    setProtectedHeader(header: { readonly alg: string; readonly kid: string; readonly typ: string }): { sign(key: never): Promise<string> };
  };
  compactVerify(
    jws: string,
    key: never,
    options: { algorithms: string[] },
  ): Promise<{ readonly payload: Uint8Array; readonly protectedHeader: { readonly typ?: string } }>;
}

const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const;
const KID = /^[\w.-]{1,64}$/;
/** A token of another kind that the same key has signed never passes as a binding token. */
const TYPE = 'jit-binding+jwt';
/** A tuple counts by its hash, so a token is short, unless the context has very many members. */
export const MAX_TOKEN = 8_192;
/** JWK members that are not secret (RFC 7517, RFC 7518, RFC 8037). */
const PUBLIC = ['kty', 'crv', 'x', 'y', 'n', 'e'] as const;

/** The options of `joseSigner`. */
export interface JoseSignerOptions {
  /**
   * The keys: 1 to 16. The first one signs, and all verify. To rotate, put a new key in front of the old one, and drop the old key when
   * its tokens have expired. A function is called at the first use. It is called again when a token names an unknown `kid`, at most once
   * a minute, so that each process finds the keys of the others. If such a call fails, or does not settle within 10 seconds, the keys
   * so far stay.
   */
  readonly keys: readonly SigningKey[] | (() => MaybePromise<readonly SigningKey[]>);
  /** Measures the minute and the 10 seconds. Default: the system clock. */
  readonly clock?: Clock | undefined;
}

/** How long an unknown `kid` loads no keys after another one did. A caller may send many tokens with unknown ids. */
const RELOAD_MS = 60_000;

/** How long a load may take. All calls that need its keys share it, so a load that hangs would keep them waiting for ever. */
const LOAD_MS = 10_000;

interface ImportedKey {
  readonly kid: string;
  readonly alg: string;
  readonly key: unknown;
  readonly verifier: unknown;
  readonly published: JsonObject;
}

/**
 * A signer over the package `jose`, which the caller passes. So this entry imports no peer, and works the same in ESM and in CommonJS.
 *
 * @throws InvalidArgumentError naming the option. Keys that a function returns are read at their first use
 * @example
 * import * as jose from 'jose';
 * const { privateKey } = await jose.generateKeyPair('ES256', { extractable: true });
 * const signer = joseSigner(jose, { keys: [{ kid: '2026-01', alg: 'ES256', jwk: await jose.exportJWK(privateKey) }] });
 */
export function joseSigner(jose: JoseModule, options: JoseSignerOptions): TokenSigner {
  const module = readJose(jose);
  const { keys, clock = systemClock } = readOptions<keyof JoseSignerOptions>('options', options, ['keys', 'clock']);
  const checked = readPort<Clock>('clock', clock, ['now']);
  const load = typeof keys === 'function' ? (keys as () => MaybePromise<readonly SigningKey[]>) : undefined;
  const given = load === undefined ? readSigningKeys(keys) : undefined;
  const cache = new KeyCache(
    async () => Promise.all((given ?? readSigningKeys(await load?.())).map((key) => importKey(module, key))),
    checked,
    given !== undefined,
  );
  return Object.freeze<TokenSigner>({
    async sign(claims) {
      const [{ kid, alg, key }] = (await cache.current()) as [ImportedKey];
      const payload = new TextEncoder().encode(JSON.stringify(claims));
      return new module.CompactSign(payload).setProtectedHeader({ alg, kid, typ: TYPE }).sign(key as never);
    },
    async verify(token) {
      const key = token.length > MAX_TOKEN ? undefined : await cache.find(kidOf(token));
      return key && verifyWith(module, key, token);
    },
    jwks: async () => (await cache.current()).map(({ published }) => published),
  });
}

/** The imported keys. Each load runs aside, and replaces them only when it has succeeded in time. */
class KeyCache {
  readonly #load: () => Promise<readonly ImportedKey[]>;
  readonly #clock: Clock;
  readonly #areFixed: boolean;
  readonly #loads = new SingleFlight<readonly ImportedKey[]>();
  #keys: readonly ImportedKey[] | undefined;
  /** Runs since an unknown `kid` last loaded the keys. */
  #sinceReload: Stopwatch | undefined;

  /** @param areFixed whether each load gives the same keys, so that an unknown `kid` loads none */
  constructor(load: () => Promise<readonly ImportedKey[]>, clock: Clock, areFixed: boolean) {
    this.#load = load;
    this.#clock = clock;
    this.#areFixed = areFixed;
  }

  async current(): Promise<readonly ImportedKey[]> {
    return this.#keys ?? this.#reload();
  }

  async find(kid: unknown): Promise<ImportedKey | undefined> {
    const find = (keys: readonly ImportedKey[]) => keys.find((key) => key.kid === kid);
    const known = find(await this.current());
    if (known !== undefined || typeof kid !== 'string' || !KID.test(kid)) return known;
    // A token that comes during a load waits for it: the load may bring its key.
    const loading = this.#loads.get();
    if (loading !== undefined) return find(await loading);
    if (this.#areFixed || (this.#sinceReload !== undefined && this.#sinceReload.ms < RELOAD_MS)) return undefined;
    this.#sinceReload = new Stopwatch(this.#clock);
    return find(await this.#reload());
  }

  #reload(): Promise<readonly ImportedKey[]> {
    const timeout = () => new Error(`the signing keys were not loaded within ${LOAD_MS / 1_000} seconds`);
    return this.#loads.join(async () => (this.#keys = await within(this.#clock, LOAD_MS, this.#load, timeout)));
  }
}

async function verifyWith(jose: JoseModule, { verifier, alg }: ImportedKey, token: string): Promise<JsonObject | undefined> {
  try {
    const { payload, protectedHeader } = await jose.compactVerify(token, verifier as never, { algorithms: [alg] });
    if (protectedHeader.typ !== TYPE) return undefined;
    const claims = parseJsonText(new TextDecoder('utf-8', { fatal: true }).decode(payload));
    return isObject(claims) && !Array.isArray(claims) ? (claims as JsonObject) : undefined;
  } catch {
    // jose throws for every text that is no valid token of this key.
    return undefined;
  }
}

/** The `kid` of the unverified header. It only selects the key. */
function kidOf(token: string): unknown {
  const [head = '', ...rest] = token.split('.');
  if (rest.length !== 2 || !/^[\w-]+$/.test(head)) return undefined;
  try {
    const header = parseJsonText(atob(head.replaceAll('-', '+').replaceAll('_', '/')));
    return isObject(header) && Object.hasOwn(header, 'kid') ? (header as JsonObject)['kid'] : undefined;
  } catch {
    return undefined;
  }
}

function readJose(jose: unknown): JoseModule {
  const names = ['importJWK', 'CompactSign', 'compactVerify'];
  return readPort<JoseModule>('jose', jose, names, "the module: import * as jose from 'jose'");
}

function readSigningKeys(value: unknown): readonly SigningKey[] {
  const kids = new Set<string>();
  return readBoundedList('keys', value, 1, 16).map((item, i) => {
    const at = `keys[${i}]`;
    const { kid, alg, jwk } = readOptions<keyof SigningKey>(at, item, ['kid', 'alg', 'jwk']);
    if (typeof kid !== 'string' || !KID.test(kid) || kids.has(kid))
      throw invalid(`${at}.kid`, '1-64 characters from [A-Za-z0-9_.-], different from the other kids', kid);
    kids.add(kid);
    if (!ALGORITHMS.includes(alg as never)) throw invalid(`${at}.alg`, `one of ${ALGORITHMS.join(', ')}`, alg);
    const members = isObject(jwk) ? ({ ...jwk } as Readonly<Record<string, unknown>>) : {};
    if (typeof members['kty'] !== 'string' || typeof members['d'] !== 'string') throw invalid(`${at}.jwk`, 'a private JWK', jwk);
    return { kid, alg: alg as SigningKey['alg'], jwk: members };
  });
}

async function importKey(jose: JoseModule, { kid, alg, jwk }: SigningKey): Promise<ImportedKey> {
  const secret = jwk as Readonly<Record<string, string>>;
  const open = Object.fromEntries(PUBLIC.filter((name) => typeof secret[name] === 'string').map((name) => [name, secret[name] as string]));
  const key = await jose.importJWK(jwk as never, alg);
  const verifier = await jose.importJWK(open as never, alg);
  return { kid, alg, key, verifier, published: { ...open, kid, alg, use: 'sig' } };
}
