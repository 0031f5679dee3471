/** From what a {@link ThinRequest} is made. */
export interface RequestSource {
  readonly method: string;
  /** The URL as a `Request` has it. */
  readonly url: string;
  /** The headers as Node gives them, by lower-case names. */
  readonly lines: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** What else a `Request` is made of. The body is a stream over the same bytes as `bytes`. */
  readonly init: () => RequestInit;
  /** Reads the body. @returns `undefined`: it has more than `max` bytes */
  readonly bytes: (max: number) => Promise<Uint8Array | undefined>;
}

/** The headers of a request, from the lines that Node has read and joined. */
export function headersOf(lines: RequestSource['lines']): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(lines)) {
    // The pseudo-headers of HTTP/2.
    if (name.startsWith(':')) continue;
    for (const line of typeof value === 'string' ? [value] : (value ?? [])) headers.append(name, line);
  }
  return headers;
}

/**
 * A `Request` whose parts are made when they are read: most calls need its method, its URL and a header. It has the prototype of
 * `Request` and real `Headers`. Any other member makes the whole `Request`, and answers for it.
 */
export class ThinRequest {
  readonly #source: RequestSource;
  #headers: Headers | undefined;
  #whole: Request | undefined;
  #isRead = false;

  constructor(source: RequestSource) {
    this.#source = source;
  }

  static of(source: RequestSource): Request {
    if (!(ThinRequest.prototype instanceof Request)) inherit();
    return new ThinRequest(source) as unknown as Request;
  }

  /** A header as `request.headers.get` returns it. Also of any other request. */
  static header(request: Request, name: string): string | null {
    if (!(#source in request) || request.#headers !== undefined) return request.headers.get(name);
    const line = request.#source.lines[name];
    // `Headers` joins lists, and drops blanks at both ends.
    return typeof line === 'string' && !/^\s|\s$/.test(line) ? line : line === undefined ? null : request.headers.get(name);
  }

  /** Whether no line is longer. `false`: the request has a longer one, or only its `Headers` show that it has none. */
  static hasShortLines(request: Request, max: number): boolean {
    if (!(#source in request)) return false;
    const { lines } = request.#source;
    for (const name in lines) {
      const line = lines[name];
      if (typeof line !== 'string' || line.length > max) return false;
    }
    return true;
  }

  /** Reads the body as it arrives. `undefined`: it must be read from the `Request`. */
  static reader(request: Request): RequestSource['bytes'] | undefined {
    if (!(#source in request) || request.#whole !== undefined) return undefined;
    return (max) => {
      request.#isRead = true;
      return request.#source.bytes(max);
    };
  }

  static whole(request: ThinRequest): Request {
    if (request.#whole !== undefined) return request.#whole;
    const { method, url, init } = request.#source;
    const whole = new Request(url, { method, headers: (request as unknown as Request).headers, ...init() });
    // The handler has read the body: a second reader must not take the rest for all of it.
    if (request.#isRead) void whole.arrayBuffer().catch(() => undefined);
    return (request.#whole = whole);
  }

  get method(): string {
    return this.#source.method;
  }

  get url(): string {
    return this.#source.url;
  }

  get headers(): Headers {
    return this.#whole?.headers ?? (this.#headers ??= headersOf(this.#source.lines));
  }
}

/**
 * Gives the thin request all members of `Request`. At the first request, and never at import: some runtimes have no `Request`.
 * In Node before 24, the parts of a request are members with symbols of its own, by which `new Request(request)` reads them.
 */
function inherit(): void {
  const { prototype } = ThinRequest;
  Reflect.deleteProperty(prototype, 'constructor');
  const own = Reflect.ownKeys(prototype);
  const parts = Object.getOwnPropertySymbols(new Request('http://localhost'));
  for (const name of [...Reflect.ownKeys(Request.prototype), ...parts]) {
    if (own.includes(name) || name === 'constructor' || name === Symbol.toStringTag) continue;
    const isMethod = typeof Object.getOwnPropertyDescriptor(Request.prototype, name)?.value === 'function';
    Object.defineProperty(prototype, name, {
      get(this: ThinRequest): unknown {
        const whole = ThinRequest.whole(this) as unknown as Record<PropertyKey, unknown>;
        const value = whole[name];
        return isMethod ? (value as () => unknown).bind(whole) : value;
      },
    });
  }
  Object.setPrototypeOf(prototype, Request.prototype);
}
