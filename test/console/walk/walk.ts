import { isJitError, type AccessRequest } from '../../../src/index.js';
import type { Query } from '../../../src/console/app/frame/read-model.js';
import { mineQuery } from '../../../src/console/app/views/access/read.js';
import { reviewsQuery } from '../../../src/console/app/views/break-glass/read.js';
import { inboxQuery } from '../../../src/console/app/views/inbox/read.js';
import { heldQuery, locksQuery } from '../../../src/console/app/views/live/read.js';
import { requestQuery } from '../../../src/console/app/views/request/read.js';
import { Dice } from '../../model/dice.js';
import { openAt } from '../../../src/console/app/views/live/open.js';
import { Still } from '../../../src/console/app/parts/still.js';
import { ANA, aService, MAYA, RAJ, SAM, SEC, settle, WalkedPage, type Service } from './world.js';

const MINUTE = 60_000;
const NO_FILTER = { person: undefined, scope: undefined, ticket: undefined };
const SCOPES: readonly string[] = ['db:a', 'db:b', 'pay:a', 'logs:a', 'logs:b', 'idle:a'];

/** What the walk has done: also how many calls the pages sent. */
export interface Walked {
  readonly steps: number;
  readonly comparisons: number;
  readonly calls: number;
  /** The most calls that one page sent within a second after a step. */
  readonly mostCalls: number;
}

/** A difference between what a page shows and what it would show when it is loaded again. */
export class FalsePage extends Error {
  constructor(
    readonly step: number,
    readonly done: string,
    readonly key: string,
    readonly shown: unknown,
    readonly reload: unknown,
  ) {
    super(`step ${String(step)}, ${done}: "${key}" differs from a reload at ${differenceOf(shown, reload)}`);
  }
}

/** The first place at which two values differ, and both values there. */
function differenceOf(shown: unknown, reload: unknown, path = ''): string {
  if (typeof shown === 'object' && typeof reload === 'object' && shown !== null && reload !== null) {
    for (const key of new Set([...Object.keys(shown), ...Object.keys(reload)])) {
      const [a, b] = [(shown as Record<string, unknown>)[key], (reload as Record<string, unknown>)[key]];
      if (JSON.stringify(a) !== JSON.stringify(b)) return differenceOf(a, b, `${path}.${key}`);
    }
  }
  return `${path}: it shows ${JSON.stringify(shown)}, a reload ${JSON.stringify(reload)}`;
}

/** What a mutant does wrong. */
export interface Wrong {
  readonly query?: (query: Query<never>) => Query<never>;
  /** Whether an event reaches the page. */
  readonly hears?: (type: string) => boolean;
  readonly still?: () => Still<Item>;
}

interface Item {
  readonly id?: string;
  readonly request?: Pick<AccessRequest, 'id' | 'createdAt' | 'quorum'>;
  readonly expiresAt: number;
}
const keyOf = ({ id, request }: Item): string => id ?? request?.id ?? '';

/** The lists that stand still under their reader, by the key of their query. */
const LISTS: Readonly<Record<string, (items: readonly Item[], at: number) => readonly Item[]>> = {
  held: (items, at) => openAt(items as never, at),
  inbox: (items) => items,
};

/** The queries of the views, of three people with different rights. `ids`: the requests whose own page is open. */
const viewsOf = (ids: readonly string[]): readonly (readonly [person: string, queries: readonly Query<never>[]])[] => {
  const requests = (caller: string) => ids.map((id) => requestQuery({ caller }, id));
  const all = [
    [MAYA, [mineQuery, ...requests(MAYA)]],
    [SAM, [inboxQuery(50), reviewsQuery(false), mineQuery, ...requests(SAM)]],
    [
      SEC,
      [
        heldQuery(NO_FILTER, 200, true),
        heldQuery({ ...NO_FILTER, person: MAYA }, 200, true),
        locksQuery,
        reviewsQuery(true),
        inboxQuery(50),
      ],
    ],
  ] as const;
  return all as unknown as readonly (readonly [string, readonly Query<never>[]])[];
};

/**
 * Changes one thing, as a person, a service or the sweeper does.
 *
 * @param scopes the first one is reviewed, and may be taken in an emergency
 * @returns what was done
 * @throws JitError what is refused, and so changes nothing
 */
export async function change({ engine, clock }: Pick<Service, 'engine' | 'clock'>, dice: Dice, scopes = SCOPES): Promise<string> {
  const subject = dice.of([MAYA, MAYA, RAJ]);
  const scope = dice.of(scopes);
  const reviewed = scopes[0] as string;
  const texts = { justification: 'A look', ticket: 'INC-4711' };
  const reviewer = dice.of([SAM, ANA, SEC]);
  const { items: pending } = await engine.listRequests({ status: 'pending' });
  const { items: open } = await engine.listGrants({ status: 'open' as never });
  const request = pending.length === 0 ? undefined : dice.of(pending);
  const grant = open.length === 0 ? undefined : dice.of(open);
  const ttl = (1 + dice.roll(40)) * MINUTE;
  const startsAt = dice.once(4) ? clock.now() + (1 + dice.roll(30)) * MINUTE : undefined;
  switch (dice.roll(20)) {
    case 0:
    case 1:
    case 2:
    case 3: {
      await engine.requestAccess({ subject, scope, ttl, ...texts, ...(startsAt !== undefined && { startsAt }) });
      return `ask ${subject} ${scope}`;
    }
    case 4:
      await engine.requestAccess({ subject: MAYA, requestedBy: SAM, scope: reviewed, ttl, ...texts });
      return 'ask of Sam for Maya';
    case 5:
    case 6:
    case 7:
      if (request) await engine.approve(request.id, { by: reviewer, ...(dice.once(3) && { ttl: ttl / 2 }) });
      return `approve ${String(request?.id)} by ${reviewer}`;
    case 8:
      if (request) await engine.deny(request.id, { by: reviewer });
      return `deny ${String(request?.id)} by ${reviewer}`;
    case 9:
      if (request) await engine.cancel(request.id, { by: request.subject });
      return `cancel ${String(request?.id)}`;
    case 10:
      if (request) await engine.comment(request.id, { by: request.subject, text: `Step ${String(dice.roll(9))}` });
      return `comment ${String(request?.id)}`;
    case 11:
      if (grant) await engine.revoke(grant.id, { by: SEC });
      return `revoke ${String(grant?.id)}`;
    case 12:
      if (grant) await engine.release(grant.id, { by: grant.subject });
      return `release ${String(grant?.id)}`;
    case 13:
      if (grant) await engine.extend(grant.id, { ttl, by: grant.subject } as never);
      return `extend ${String(grant?.id)}`;
    case 14:
      if (grant) await engine.isAllowed(grant.subject, grant.scope);
      return `use ${String(grant?.id)}`;
    case 15:
      await engine.breakGlass({ subject, scope: reviewed, ttl: Math.min(ttl, 15 * MINUTE), justification: 'down' });
      return `break glass of ${subject}`;
    case 16: {
      const { items } = await engine.listRequests({ afterReview: 'pending' } as never);
      const taken = items[0] as unknown as { readonly request?: { readonly id: string } } | undefined;
      if (taken?.request) await engine.reviewBreakGlass(taken.request.id, { by: SAM, verdict: dice.of(['justified', 'unjustified']) });
      return 'review of break-glass';
    }
    case 17: {
      const of = dice.of([{ subject }, { scope }]);
      await engine.lock(of, { by: SEC, ...(dice.once(2) && { until: clock.now() + ttl }) });
      return `lock ${JSON.stringify(of)}`;
    }
    case 18: {
      const [lock] = await engine.listLocks();
      if (lock) await engine.unlock(lock.id, { by: SEC });
      return 'unlock';
    }
    default:
      await engine.sweep();
      return 'sweep';
  }
}

/** One step: a change, time, or a fault of the streams. */
async function act(service: Service, pages: readonly WalkedPage[], dice: Dice): Promise<string> {
  const page = dice.of(pages);
  switch (dice.roll(10)) {
    case 0:
    case 1:
      // Often to where something changes, as the pages know it.
      await service.pass(100 * dice.roll(30));
      await jump(service, pages, dice);
      return 'time';
    case 2:
      page.fate = 'wait';
      return 'events wait';
    case 3:
      page.cut();
      return 'the stream is cut';
    default:
      try {
        return await change(service, dice);
      } catch (error) {
        if (!isJitError(error)) throw error;
        return `refused: ${error.code}`;
      }
  }
}

/** @returns the instants at which records begin or end, the next one first */
export async function nextInstants({ engine, clock }: Pick<Service, 'engine' | 'clock'>): Promise<readonly number[]> {
  const { items } = await engine.listGrants({ status: 'open' as never });
  const { items: pending } = await engine.listRequests({ status: 'pending' });
  const instants = [...items.flatMap(({ startsAt, expiresAt }) => [startsAt, expiresAt]), ...pending.map(({ reviewBy }) => reviewBy)];
  return instants.filter((at) => at > clock.now()).sort((a, b) => a - b);
}

/** Time passes to an instant near which records begin or end, or by some minutes. */
async function jump(service: Service, pages: readonly WalkedPage[], dice: Dice): Promise<void> {
  const { clock } = service;
  const next = (await nextInstants(service))[dice.roll(3)];
  const target = next === undefined || dice.once(3) ? clock.now() + dice.roll(20 * MINUTE) : next + dice.roll(3) - 1;
  if (target - clock.now() < 2 * MINUTE || dice.once(5)) {
    while (clock.now() < target) await clock.advance(Math.min(target - clock.now(), 5_000)).then(settle);
    return;
  }
  // A device that slept: no timer has passed, and its clock of the service says that it has.
  await clock.step(target - clock.now());
  for (const page of pages) page.model.refresh();
}

/**
 * Walks: after each step, and one second, each page must show what another page would show that is opened then.
 *
 * @throws FalsePage
 */
export async function walk(seed: number, steps: number, wrong: Wrong = {}): Promise<Walked> {
  const service = aService();
  // The page reads the clock of its device.
  const { now } = Date;
  Date.now = () => service.clock.now();
  try {
    return await walkOver(service, new Dice(seed), steps, wrong);
  } finally {
    Date.now = now;
  }
}

async function walkOver(service: Service, dice: Dice, steps: number, wrong: Wrong): Promise<Walked> {
  const { query: wrongQuery = (query) => query, hears = () => true, still = () => new Still(keyOf) } = wrong;
  const first = await service.engine.requestAccess({ subject: MAYA, scope: 'db:a', ttl: '30m' });
  const pages = viewsOf([first.request.id]).map(
    ([person, queries]) => new WalkedPage(service, person, queries.map(wrongQuery), dice.roll(800), hears),
  );
  const lists = new Map(pages.map((page) => [page, new Map(page.queries.map(({ key }) => [key, still()]))]));
  await service.pass(2_000);
  let [comparisons, mostCalls] = [0, 0];
  for (let step = 0; step < steps; step++) {
    const done = await act(service, pages, dice);
    await settle();
    for (const page of pages) if (page.fate === 'wait' && dice.once(3)) page.deliver();
    const counts = pages.map((page) => page.calls);
    const next = pages.map((page) => page.queries.map((query) => page.changesAt(query)));
    await service.pass(1_000);
    for (const [i, page] of pages.entries()) {
      mostCalls = Math.max(mostCalls, page.calls - (counts[i] as number));
      if (page.fate === 'wait') continue;
      for (const [j, query] of page.queries.entries()) {
        comparisons++;
        const place = `${page.person} ${query.key}`;
        let [shown, reload] = await page.compare(query);
        // The page has a second from the instant at which time changes an answer, and from the last event that reached it.
        const instants = [next[i]?.[j] ?? Infinity];
        const isDue = () => {
          instants.push(page.changesAt(query) ?? Infinity);
          const now = service.clock.now();
          return [...instants, page.heardAt].some((at) => at > now - 1_000 && at <= now);
        };
        for (let seconds = 0; seconds < 3 && !isSame(shown, reload) && isDue(); seconds++) {
          await service.pass(1_000);
          [shown, reload] = await page.compare(query);
        }
        if (!isSame(...mustBeSame(shown, reload, service.clock.now() - MINUTE))) throw new FalsePage(step, done, place, shown, reload);
        const listed = LISTS[query.key.split(' ')[0] ?? ''];
        const { items } = (reload as { readonly value?: { readonly items?: readonly Item[] } }).value ?? {};
        if (listed === undefined || items === undefined) continue;
        const rows = listed(items, service.clock.now());
        const counted = lists.get(page)?.get(query.key)?.take(rows, dice.once(2));
        const kept = counted?.rows.filter(({ isGone }) => !isGone).length ?? 0;
        // The rows that are shown, with those that wait and without those that have ended, are the rows of the reload.
        if (kept + (counted?.news ?? 0) !== rows.length) throw new FalsePage(step, done, place, counted, rows);
        // An empty list says that nothing is held: it holds nothing back.
        if (counted?.rows.length === 0 && rows.length > 0) throw new FalsePage(step, done, place, counted, rows);
      }
    }
  }
  for (const page of pages) page.end();
  await service.engine.close();
  if (service.errors.length > 0) throw service.errors[0];
  return { steps, comparisons, calls: pages.reduce((sum, { calls }) => sum + calls, 0), mostCalls };
}

/**
 * Both answers; but only their items, without the new ones, if an escalation has just added a request to an inbox. No answer before names
 * the instant: a reviewer would learn by it of a request that the reviewer may not see yet. The page reads the inbox within the minute.
 */
function mustBeSame(shown: unknown, reload: unknown, since: number): readonly [unknown, unknown] {
  const itemsOf = (read: unknown) => (read as { readonly value?: { readonly items?: readonly Item[] } }).value?.items ?? [];
  const known = new Set(itemsOf(shown).map(keyOf));
  const isAdded = ({ request }: Item) => request?.quorum?.escalation?.some(({ afterMs }) => request.createdAt + afterMs > since);
  const others = itemsOf(reload).filter((item) => known.has(keyOf(item)) || !isAdded(item));
  return others.length === itemsOf(reload).length ? [shown, reload] : [itemsOf(shown), others];
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
