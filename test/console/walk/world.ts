import { createHttpHandler, type HttpOptions } from '../../../src/http.js';
import { createClient, type AccessClient } from '../../../src/client.js';
import { JitEngine, MemoryGrantStore, patternScopes, type Approver } from '../../../src/index.js';
import { definePolicy } from '../../../src/policy.js';
import { ManualClock } from '../../../src/testing.js';
import { withNames } from '../../../src/console/app/frame/api.js';
import { ReadModel, type Query } from '../../../src/console/app/frame/read-model.js';
import type { Change } from '../../../src/console/app/frame/types.js';

export const [MAYA, RAJ, SAM, ANA, SEC] = ['user:maya', 'user:raj', 'user:sam', 'user:ana', 'user:sec'] as const;

/** Maya and Raj work. Sam and Ana review, and after some minutes also Sec, who sees everything. */
const policy = () =>
  definePolicy({
    groups: { engineers: [MAYA, RAJ], leads: [SAM, ANA], security: [SEC] },
    rules: [
      {
        id: 'database',
        scopes: ['db:*'],
        subjects: [{ group: 'engineers' }],
        requesters: [{ self: true }, SAM],
        maxTtl: '2h',
        maxTotal: '4h',
        maxStartAhead: '2h',
        review: { groups: { leads: 1 }, escalate: { to: 'security', after: '20m' } },
      },
      {
        id: 'payments',
        scopes: ['pay:*'],
        subjects: [{ group: 'engineers' }],
        maxTtl: '2h',
        review: { groups: { leads: 2 }, approvalTtl: '10m' },
      },
      { id: 'logs', scopes: ['logs:*'], subjects: [{ group: 'engineers' }], maxTtl: '2h', maxStartAhead: '2h', approve: true },
      { id: 'idle', scopes: ['idle:*'], subjects: [{ group: 'engineers' }], maxTtl: '2h', idleTtl: '10m', approve: true },
    ],
    breakGlass: [
      { id: 'outage', scopes: ['db:*'], subjects: [{ group: 'engineers' }], maxTtl: '15m', reviewers: ['leads'], reviewWithin: '1h' },
    ],
  });

/** How many turns the answer to a call may take: it waits for no timer. */
const TURNS = 6;
let calls = 0;

/** Lets everything that waits for no timer run: until no call was sent for some turns. */
export async function settle(): Promise<void> {
  for (let [turn, before] = [0, calls]; turn < TURNS; turn = before === calls ? turn + 1 : 0) {
    before = calls;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What a service gets from outside the journal. */
type Outside = Pick<HttpOptions<{ readonly subject: string }>, 'may' | 'people'> & { readonly approver?: Approver };

/** A service in this process, whose time the walk moves. */
export function aService({ approver = policy(), ...options }: Outside = {}) {
  const clock = new ManualClock(Date.UTC(2026, 2, 2, 9));
  const errors: unknown[] = [];
  const onError = (error: unknown) => void errors.push(error);
  const engine = new JitEngine({
    store: new MemoryGrantStore(),
    approver,
    scopes: patternScopes,
    clock,
    limits: { reviewWithin: '1h' },
    onError,
  });
  const handler = createHttpHandler<{ readonly subject: string }>(engine, {
    identify: (request) => ({ subject: request.headers.get('x-user') ?? '' }),
    // A reviewer with a right to the grants of some people hears no event of requests that others review: such a page reads each minute.
    may: ({ caller }) => caller.subject === SEC,
    ...options,
    onError,
  });
  const clientOf = (subject: string, onCall: () => void = () => undefined): AccessClient =>
    createClient({
      baseUrl: 'https://access.example.com',
      headers: { 'x-user': subject },
      clock,
      fetch: withNames(
        (url, init) => {
          calls++;
          if (!url.endsWith('/events')) onCall();
          return handler(new Request(url, init));
        },
        () => clock.elapsed(),
      ),
    });
  const after = (ms: number, call: () => void) => {
    const end = new AbortController();
    void clock.sleep(clock.now() + Math.max(0, ms), end.signal).then(() => {
      if (!end.signal.aborted) call();
    });
    return () => {
      end.abort();
    };
  };
  const modelOf = (client: AccessClient, spreadMs = 0) =>
    new ReadModel({ client, learn: () => undefined, now: () => clock.now(), elapsed: () => clock.elapsed(), after, spreadMs });
  /** Time passes in small steps, and the calls of each end. */
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 250) {
      await clock.advance(Math.min(250, left));
      await settle();
    }
  };
  return { engine, clock, errors, clientOf, modelOf, pass };
}

export type Service = ReturnType<typeof aService>;

/** A page of one person: a model with its queries, and the events of its stream. */
export class WalkedPage {
  readonly model: ReadModel;
  readonly fresh: AccessClient;
  calls = 0;
  #stream = new AbortController();
  #held: Change[] = [];
  /** When an event reached the page last. */
  heardAt = -Infinity;
  /** What becomes of the next events: they arrive, wait, or are lost with the stream. */
  fate: 'arrive' | 'wait' = 'arrive';

  constructor(
    readonly service: Service,
    readonly person: string,
    readonly queries: readonly Query<never>[],
    spreadMs: number,
    readonly hears: (type: string) => boolean,
  ) {
    const client = service.clientOf(person, () => this.calls++);
    this.fresh = service.clientOf(person);
    this.model = service.modelOf(client, spreadMs);
    for (const query of queries) this.model.watch(query);
    void this.#follow(client);
  }

  async #follow(client: AccessClient): Promise<void> {
    for await (const event of client.events({ signal: this.#stream.signal })) {
      this.#held.push(event);
      if (this.fate === 'arrive') this.deliver();
    }
  }

  /** The events that waited arrive. */
  deliver(): void {
    this.fate = 'arrive';
    this.heardAt = this.service.clock.now();
    for (const event of this.#held.splice(0)) if (this.hears(event.type)) this.model.take(event);
  }

  /** Its connection breaks: events that waited are lost, and another stream begins. */
  cut(): void {
    this.#held = [];
    this.#stream.abort();
    this.#stream = new AbortController();
    void this.#follow(this.service.clientOf(this.person));
  }

  /** The answer that the page shows, and what another page would show that is opened now. */
  async compare(query: Query<never>): Promise<readonly [shown: unknown, reload: unknown]> {
    const { state, release } = this.model.watch(query);
    const shown = shapeOf(state.peek());
    release();
    return [shown, await this.reload(query)];
  }

  /** When time changes the answer next, as the page knows it. */
  changesAt(query: Query<never>): number | undefined {
    const { state, release } = this.model.watch(query);
    const { value } = state.peek();
    release();
    return value === undefined ? undefined : query.changesAt?.(value);
  }

  private async reload(query: Query<never>): Promise<unknown> {
    const model = this.service.modelOf(this.fresh);
    const { state } = model.watch(query);
    await settle();
    const shape = shapeOf(state.peek());
    model.end();
    return shape;
  }

  end(): void {
    this.#stream.abort();
    this.model.end();
  }
}

/** Fields that say when an answer was made, or are texts of it. */
const OUTSIDE = new Set(['at', 'badge', 'people', 'isLoading', 'isOverdue', 'inboxChangesAt']);

/** Ids, states, instants and counts of an answer, as JSON. The instants of records stay: the answer's own is omitted. */
function shapeOf({ value, error }: { readonly value: unknown; readonly error: unknown }): unknown {
  const top = typeof value === 'object' && value !== null ? { ...value, at: undefined } : value;
  const text = JSON.stringify({ value: top, error: error === undefined ? undefined : (error as Error).message }, (key, part: unknown) => {
    if (part instanceof Map) return [...(part as Map<string, unknown>)].sort(([a], [b]) => (a < b ? -1 : 1));
    if (key === 'status' && typeof part === 'object' && part !== null) return { ...part, at: undefined, badge: undefined };
    return OUTSIDE.has(key) && key !== 'at' ? undefined : part;
  });
  return JSON.parse(text);
}
