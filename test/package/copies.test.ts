import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type * as Check from 'jit-access/check';
import type * as Core from 'jit-access';
import type * as Fetch from 'jit-access/fetch';
import type * as View from 'jit-access/view';
import { root } from './entries.js';

const require = createRequire(import.meta.url);

interface Copy {
  readonly core: typeof Core;
  readonly check: typeof Check;
  readonly view: typeof View;
}

/** The entries of each format as a program loads them: the checker and the view are files of their own. */
const copies: Readonly<Record<'ESM' | 'CommonJS', Copy>> = {
  ESM: {
    core: (await import(join(root, 'dist/index.js'))) as typeof Core,
    check: (await import(join(root, 'dist/check.js'))) as typeof Check,
    view: (await import(join(root, 'dist/view.js'))) as typeof View,
  },
  CommonJS: {
    core: require(join(root, 'dist/index.cjs')) as typeof Core,
    check: require(join(root, 'dist/check.cjs')) as typeof Check,
    view: require(join(root, 'dist/view.cjs')) as typeof View,
  },
};
const FORMATS = ['ESM', 'CommonJS'] as const;

/** The system clock has one mark in this process, so each run starts after the one before. */
let start = 1_800_000_000_000;
const TTL = 60_000;
const ASK = { subject: 'user:maya', scope: 'db:write', ttl: TTL, justification: 'INC-1' } as const;

const engineOver = ({ core }: Copy, store: Core.GrantStore, clock: Core.Clock | undefined) =>
  new core.JitEngine({ store, clock, approver: core.autoApprove(() => true) });

type Judge = (subject: string, scope: string) => boolean | Promise<boolean>;

/** What may judge access over a store, by the entry that makes it. */
const JUDGES: Readonly<Record<string, (copy: Copy, store: Core.GrantStore, clock: Core.Clock | undefined) => Promise<Judge>>> = {
  'an engine': (copy, store, clock) => {
    const engine = engineOver(copy, store, clock);
    return Promise.resolve((subject, scope) => engine.isAllowed(subject, scope));
  },
  'a checker': ({ check }, store, clock) => {
    const checker = check.createChecker({ store, clock });
    return Promise.resolve((subject, scope) => checker.isAllowed(subject, scope));
  },
  'a view': async ({ view }, store, clock) => {
    const made = view.createView({ store, clock });
    await made.refresh();
    return (subject, scope) => made.isAllowed(subject, scope);
  },
  'the view of an engine': async (copy, store, clock) => {
    const made = copy.view.viewOf(engineOver(copy, store, clock));
    await made.refresh();
    return (subject, scope) => made.isAllowed(subject, scope);
  },
};

/** The clocks: one object that both judges get, the system clock of each copy, and the one that the ESM core exports, given to both. */
const CLOCKS = ['a shared clock', 'the system clock', 'the exported system clock'] as const;

afterEach(() => vi.restoreAllMocks());

async function judged(clockName: (typeof CLOCKS)[number], first: [string, Copy], second: [string, Copy]) {
  let now = (start += 86_400_000);
  vi.spyOn(Date, 'now').mockImplementation(() => now);
  const clock = {
    'a shared clock': { now: () => now },
    'the system clock': undefined,
    'the exported system clock': copies.ESM.core.systemClock,
  }[clockName];
  const store = new first[1].core.MemoryGrantStore();
  await engineOver(first[1], store, clock).requestAccess(ASK);
  const before = await JUDGES[first[0]]?.(first[1], store, clock);
  const during = await before?.(ASK.subject, ASK.scope);
  now += TTL;
  const atEnd = await before?.(ASK.subject, ASK.scope);
  now -= 900;
  const after = await JUDGES[second[0]]?.(second[1], store, clock);
  return { during, atEnd, stepped: await before?.(ASK.subject, ASK.scope), after: await after?.(ASK.subject, ASK.scope) };
}

const formats = FORMATS.flatMap((first) => FORMATS.map((second) => [first, second] as const));
const pairs = Object.keys(JUDGES).flatMap((first) => Object.keys(JUDGES).map((second) => [first, second] as const));

describe.each(CLOCKS)('%s that steps back by 0.9 s across the end of a grant', (clock) => {
  it.each(pairs)('[L1] [L5] after %s has judged it, is judged as by one copy by %s of any format', async (first, second) => {
    const ofOneCopy = await judged(clock, [first, copies.ESM], [second, copies.ESM]);
    expect(ofOneCopy).toMatchObject({ during: true, atEnd: false, stepped: false });
    // Each engine has a mark of its own, and so has its view.
    expect(ofOneCopy.after).toBe(second === 'an engine' || second === 'the view of an engine');
    for (const [one, other] of formats) expect(await judged(clock, [first, copies[one]], [second, copies[other]])).toEqual(ofOneCopy);
  });
});

describe('viewOf()', () => {
  it.each(FORMATS)('finds the kernel of an engine of its own format: %s', async (format) => {
    const { core, view } = copies[format];
    const engine = engineOver(copies[format], new core.MemoryGrantStore(), undefined);
    const made = view.viewOf(engine);
    await engine.requestAccess({ ...ASK, idempotencyKey: 'a' });
    await made.refresh();
    expect(made.isAllowed(ASK.subject, ASK.scope)).toBe(true);
    await engine.close();
    expect(made.isAllowed(ASK.subject, ASK.scope)).toBe(false);
  });

  it.each([
    ['ESM', 'CommonJS'],
    ['CommonJS', 'ESM'],
  ] as const)('refuses an engine of the other format: %s, %s', (format, other) => {
    const engine = engineOver(copies[other], new copies[other].core.MemoryGrantStore(), undefined);
    expect(() => copies[format].view.viewOf(engine)).toThrow(
      expect.objectContaining({
        code: 'ERR_JIT_INVALID_ARGUMENT',
        argument: 'engine',
        message: expect.stringContaining('Two copies') as string,
      }),
    );
  });

  it('refuses an engine of another version', () => {
    const property = Symbol.for('jit-access/kernel 0.0.1 esm');
    const engine = engineOver(copies.ESM, new copies.ESM.core.MemoryGrantStore(), undefined);
    const [own] = Object.getOwnPropertySymbols(engine).filter((symbol) => Symbol.keyFor(symbol) !== undefined);
    expect(own?.description).toMatch(/^jit-access\/kernel \d+\.\d+\.\d+ esm$/);
    const older = Object.defineProperty({}, property, { value: Reflect.get(engine, own as symbol) as unknown });
    expect(() => copies.ESM.view.viewOf(older)).toThrow('Two copies');
  });
});

describe('two engines of one process over one wrong clock', () => {
  it.each(formats)('[L39] never confirm each other: %s and %s', async (one, other) => {
    // The clock lies a day behind the journal, which a third process has written.
    let now = start;
    const clock = { now: () => now };
    const store = new copies[one].core.MemoryGrantStore();
    await engineOver(copies[one], store, { now: () => start + 86_400_000 }).requestAccess({ ...ASK, subject: 'user:ana' });
    const engines = [copies[one], copies[other]].map((copy) => engineOver(copy, store, clock));
    for (const engine of [...engines, ...engines]) {
      now += 1;
      // Each refused ask leaves an entry in the journal, stamped by the wrong clock.
      await expect(engine.requestAccess(ASK)).rejects.toMatchObject({ code: 'ERR_JIT_CLOCK' });
      await engine.lock({ subject: `user:x${now}` }, { by: 'user:sam', reason: 'INC-2' });
    }
  });
});

describe('accessOf()', () => {
  const load = {
    ESM: async (entry: string) => (await import(join(root, `dist/${entry}.js`))) as typeof Fetch,
    CommonJS: (entry: string) => Promise.resolve(require(join(root, `dist/${entry}.cjs`)) as typeof Fetch),
  };

  it.each(formats)('returns the access that a guard of another entry has attached: %s, %s', async (one, other) => {
    const engine = engineOver(copies[one], new copies[one].core.MemoryGrantStore(), undefined);
    await engine.requestAccess(ASK);
    const [{ requireGrant }, { accessOf }] = [await load[one]('fetch'), await load[other]('hono')];
    const handler = requireGrant(engine, { subject: () => ASK.subject, scope: ASK.scope }, (request) =>
      Response.json(accessOf(request).decision.reason),
    );
    const response = await handler(new Request('http://localhost/'));
    expect(await response.json()).toBe('granted');
    expect(() => accessOf({})).toThrow(expect.objectContaining({ argument: 'carrier' }));
  });
});
