import { printFailure } from '../../core/print-failure.js';
import { readOptions, readPort } from '../../core/parse.js';
import type { Clock } from '../../core/ports.js';
import type { GrantStore } from '../../core/store-port.js';
import { EngineClock, systemClock } from '../../core/clock.js';
import { kernelForView } from '../../core/shared.js';
import { WindowChecker } from '../../engine/checks/window-checker.js';
import { CHECKER_OPTIONS, type CheckerOptions } from '../../engine/checks/create-checker.js';
import { EngineMatchers } from '../../engine/checks/engine-matchers.js';
import { readEnforcement, refuseDefaultNamespace, type Enforcement } from '../../kernel/settings/enforcement.js';
import { kernelOf } from '../../kernel/kernel-of.js';
import { ChangedRows } from './changed-rows.js';
import { CopyFollower } from './copy-follower.js';
import { DirectView, isLate } from './direct-view.js';
import { LiveCopy } from './live-copy.js';
import { CopiedView, type LiveView } from './live-view.js';
import { Loader } from './loader.js';
import { Polling } from './polling.js';
import { timedReads } from './timed-reads.js';
import { readViewOptions, VIEW_OPTIONS, type ParsedViewOptions, type ViewOptions } from './view-options.js';

/** The options of `createView`: those of a checker, and how the view follows the store. */
export interface CreateViewOptions extends Omit<CheckerOptions, 'store' | 'countedGrants'>, ViewOptions {
  /** The store that the engines write to. The view calls only its reads. */
  readonly store: Pick<GrantStore, 'namespace' | 'durability' | 'get' | 'live' | 'find' | 'journal' | 'watch'>;
}

/**
 * A view for a process that only enforces: no approver, no writes. It judges by the rule of an engine over the same store.
 *
 * **After a revoke has resolved, a view may allow for at most `maxStaleMs`, also if the store fails.** It begins to follow the store at once.
 * `await view.refresh()` before the first check: until then, every answer that needs a grant is no.
 *
 * Gotcha: a view records no use and takes none, and confirms no start. See the options of `createChecker`.
 * Gotcha: if timers end with their handler, as in Cloudflare Workers, it does not poll. Await `refresh()` in each handler.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the option
 * @example
 * const view = createView({ store });
 * await view.refresh();
 * const mayWrite = view.isAllowed('user:maya', 'db-prod:write');
 */
export function createView<Scope extends string = string>(options: CreateViewOptions): LiveView<Scope> {
  const given = readOptions<keyof CreateViewOptions>('options', options, [...CHECKER_OPTIONS, ...VIEW_OPTIONS]);
  const store = readPort<CreateViewOptions['store']>('store', given.store, ['get', 'live', 'find', 'journal']);
  refuseDefaultNamespace(store);
  const parsed = readViewOptions(given);
  const { matcher, ...enforcement } = readEnforcement(given, (error, during) => printFailure('view', error, during));
  const { onError, leewayMs } = enforcement;
  const source = readPort<Clock>('clock', given.clock ?? systemClock, ['now']);
  const clock = new EngineClock(source, leewayMs, (error) => onError(error, 'clock'), true);
  const matchers = new EngineMatchers(timedReads(store, clock), matcher.name, clock, (error) => onError(error, 'engines'));
  return follow({ store, clock, settings: enforcement, options: parsed, confirm: () => matchers.confirm() }).view;
}

/**
 * A view for a process that has an engine. It shares the engine's clock, scopes, standing access and leeway. An end that this engine
 * records holds in the view before the verb resolves. Over an in-memory store the view reads the store itself, so it is never stale.
 *
 * It ends with the engine. Several views of one engine share nothing, so make one.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the option
 * @example
 * const view = viewOf(engine);
 * await view.refresh();
 * const mayWrite = view.isAllowed('user:maya', 'db-prod:write');
 */
export function viewOf<Scope extends string = string>(engine: object, options: ViewOptions = {}): LiveView<Scope> {
  const kernel = kernelOf(engine, kernelForView());
  const parsed = readViewOptions(readOptions<keyof ViewOptions>('options', options, VIEW_OPTIONS));
  const { clock, settings } = kernel;
  const { store } = settings;
  const enforcement: Enforcement = { ...settings, takesUses: parsed.takesUses };
  if (store.durability === 'memory' && answersAtOnce(store, clock)) {
    const view = new DirectView(new WindowChecker(enforcement, clock, store), clock, store);
    kernel.onClose('work', () => view.close());
    return view;
  }
  const { view, follower, polling } = follow({ store, clock, settings: enforcement, options: parsed, confirm: () => undefined });
  kernel.onCommit((entries) => {
    follower.applyEnds(entries);
    polling.wake();
  });
  kernel.onClose('work', () => view.close());
  return view;
}

interface Followed {
  readonly store: CreateViewOptions['store'];
  readonly clock: EngineClock;
  readonly settings: Enforcement;
  readonly options: ParsedViewOptions;
  readonly confirm: () => Promise<void> | undefined;
}

/** Makes the parts of a view, and begins to follow the store. */
function follow({ store, clock, settings: given, options, confirm }: Followed) {
  const reads = timedReads(store, clock);
  const { maxStaleMs, pollMs, keepsIds, load, takesUses } = options;
  const settings = { ...given, takesUses };
  const onError = (error: unknown) => settings.onError(error, 'view');
  const isExact = settings.scopes.exact;
  const copy = new LiveCopy({ usesCells: isExact, keepsIds });
  const loader = new Loader(reads, (has) => new ChangedRows(copy, { store: reads, clock, isExact, has }), load);
  const { changes } = loader;
  const follower = new CopyFollower({ store: reads, clock, maxStaleMs, changes, loader, confirm, onError });
  const polling = new Polling(follower, clock, store, pollMs, onError);
  const view = new CopiedView({ settings, clock, copy, loader, follower, polling });
  polling.start();
  return { view, follower, polling };
}

/** Whether `live` answers without a promise, as that of the in-memory store does. */
const answersAtOnce = (store: Pick<GrantStore, 'live'>, clock: EngineClock): boolean =>
  !isLate(store.live({ subject: 'jit-access:view', at: clock.highWater }));
