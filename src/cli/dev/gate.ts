import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** The gate lets the call pass. */
export interface Passed {
  /** The id that the viewer has chosen; `''`: none. */
  readonly person: string;
}

/** The gate answers the call. */
export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** Every user and page of a machine reaches the loopback: the gate lets only the browser through that opened the printed address. */
export interface Gate {
  /** The address to print, with its token: each use makes another one. */
  readonly address: string;
  readonly origin: string;
  /** @param target the path and the query, as they arrived */
  readonly judge: (target: string, headers: IncomingHttpHeaders) => Passed | Answered;
  /** The value of the header `Set-Cookie` that chooses a person. */
  readonly choose: (person: string) => string;
}

const secret = (): string => randomBytes(32).toString('base64url');

/** Compares in the same time for every text. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

const answer = (status: number, text: string, headers: Readonly<Record<string, string>> = {}): Answered => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', ...headers },
  text: `${text}\n`,
});

/**
 * @param port the port on which the server listens on 127.0.0.1
 * @param onUse called with the next address. An address works once: a copy in a history or a log opens nothing
 */
export function openGate(port: number, onUse: (next: string) => void): Gate {
  const session = secret();
  // The printed address has no name: another user's server could answer to `localhost` on [::1], and would receive the token.
  const host = `127.0.0.1:${String(port)}`;
  const origin = `http://${host}`;
  const others = [`localhost:${String(port)}`, `[::1]:${String(port)}`];
  // A browser sends a cookie to every port of a host.
  const [sessionCookie, personCookie] = [`jit-dev-${String(port)}`, `jit-dev-person-${String(port)}`];
  const cookie = (name: string, value: string) => `${name}=${value}; Path=/; HttpOnly; SameSite=Strict`;
  const another = (): string => `/?token=${secret()}`;
  let exchange = another();
  return {
    get address() {
      return `${origin}${exchange}`;
    },
    origin,
    choose: (person) => cookie(personCookie, encodeURIComponent(person)),
    judge(target, headers) {
      const isOwn = headers.host === host;
      // A name of an attacker that resolves to the loopback arrives with its own `Host` (DNS rebinding).
      if (!isOwn && !others.includes(headers.host ?? '')) return answer(421, 'This host is not served here.');
      if (isSame(target, exchange)) {
        // One origin, because a cookie belongs to one host, and the API refuses pages of any other.
        if (!isOwn) return answer(303, 'Continue.', { location: `${origin}${exchange}` });
        exchange = another();
        onUse(`${origin}${exchange}`);
        return answer(303, 'Continue.', { location: '/', 'set-cookie': cookie(sessionCookie, session) });
      }
      const cookies = cookiesOf(headers.cookie ?? '');
      if (!isOwn || !isSame(cookies.get(sessionCookie) ?? '', session))
        return answer(401, 'Open the address that jit-access dev printed last. Each address works once.');
      return { person: cookies.get(personCookie) ?? '' };
    },
  };
}

function cookiesOf(header: string): ReadonlyMap<string, string> {
  const pairs = header.split(';').map((pair) => pair.trim().split('='));
  return new Map(pairs.map(([name = '', value = '']) => [name, decoded(value)]));
}

/** A person is passed on as a header, and a server of another port can set this cookie: other characters name no person. */
function decoded(value: string): string {
  try {
    const text = decodeURIComponent(value);
    return /^[!-~]*$/.test(text) ? text : '';
  } catch {
    return '';
  }
}
