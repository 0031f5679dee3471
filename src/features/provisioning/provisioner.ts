import { nextTurn } from '../../core/time.js';
import { isJitError, NotFoundError } from '../../core/errors.js';
import { invalid } from '../../core/parse.js';
import { dismissEffect, retryEffect, type EffectKey } from '../../lifecycle/effect.js';
import { EFFECTS, moment, noChange } from '../../lifecycle/transition.js';
import type { AuditSink } from '../../core/ports.js';
import { changesAccess, decodeEffect, decodeGrant, type AuditEntry, type Effect } from '../../records/index.js';
import { readEffect } from './options.js';
import type { Kernel } from '../../kernel/kernel.js';
import { Target } from './target.js';

/** What a resync found. */
export interface ResyncReport {
  /** Changes that were told and taken. */
  readonly told: number;
  /** What could not be told: it is tried again, or it is stuck. */
  readonly untold: readonly Effect[];
}

/** How many records are looked at at a time. */
const AT_ONCE = 20;

/** The systems outside that follow who holds what, by name. */
export class Provisioner {
  readonly #kernel: Kernel;
  readonly #byName = new Map<string, Target>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    kernel.onDue('effect', (effects) => this.#due(effects));
    kernel.onFlush(() => this.idle());
    kernel.onClose('targets', () => this.idle());
    kernel.background.track(this);
  }

  /**
   * @param isTaken whether a follower has this name already
   * @returns the follower that keeps the effect up to date
   */
  add(given: unknown, isTaken: (name: string) => boolean): AuditSink {
    const outside = new Target(readEffect(given), this.#kernel);
    const { name } = outside.effect;
    const follower = `effect:${name}`;
    if (this.#byName.has(name) || isTaken(follower)) throw invalid('effect.name', 'a name that no other effect or sink has', name);
    this.#byName.set(name, outside);
    return { name: follower, follow: 'shared', write: (entries) => this.#follow(outside, entries) };
  }

  /** What a sweep has found is to be told. What another engine tells is left to it. */
  #due(effects: readonly Effect[]): void {
    for (const outside of this.#byName.values()) outside.resume();
    for (const effect of effects) {
      const outside = this.#byName.get(effect.name);
      if (outside?.knows(effect)) void outside.tell(effect);
    }
  }

  get isBusy(): boolean {
    return [...this.#byName.values()].some((outside) => outside.isBusy);
  }

  /** Resolves when no call is under way any more. */
  async idle(): Promise<void> {
    await Promise.all([...this.#byName.values()].map((outside) => outside.idle()));
  }

  /** Tells everything that is held again, and gives what is stuck all of its tries again. */
  async resync(name: string | undefined): Promise<ResyncReport> {
    const chosen = name === undefined ? [...this.#byName.values()] : [this.#named(name)];
    const reports = await Promise.all(chosen.map((outside) => this.#resyncOne(outside)));
    return { told: reports.reduce((sum, { told }) => sum + told, 0), untold: reports.flatMap(({ untold }) => untold) };
  }

  /** @returns what is stuck, the one that has been for longest before the others */
  async stuck(query: { readonly name?: string | undefined; readonly subject?: string | undefined }): Promise<readonly Effect[]> {
    const { name, subject } = query;
    const stuck: Effect[] = [];
    for await (const rows of this.#kernel.ledger.pages({ kind: 'effect', subject, open: true })) {
      const effects = this.#kernel.settings.decodeAll(rows, decodeEffect);
      stuck.push(...effects.filter((effect) => effect.outcome !== undefined && (name ?? effect.name) === effect.name));
    }
    return stuck.sort((a, b) => a.changedAt - b.changedAt);
  }

  async dismiss(id: string, actor: string, reason: string | undefined): Promise<Effect> {
    return this.#kernel.ledger.runDurably(async () => {
      const row = await this.#kernel.ledger.row('effect', id);
      if (row === undefined) throw new NotFoundError('effect', id);
      return dismissEffect(decodeEffect(row), reason, moment(this.#kernel.clock, actor));
    });
  }

  #named(name: string): Target {
    const outside = this.#byName.get(name);
    if (outside === undefined) throw new NotFoundError('effect', name);
    return outside;
  }

  /**
   * What entries may have changed goes on record before the cursor moves on, so that a crash in between repeats it; the
   * calls are made afterwards, so that one that hangs holds up no other.
   */
  async #follow(outside: Target, entries: readonly AuditEntry[]): Promise<void> {
    const keys = new Map<string, EffectKey>();
    for (const { type, data } of entries) {
      if (changesAccess(type)) this.#reach(outside, data, keys);
    }
    for (const key of await this.#intendAll(outside, [...keys.values()])) void outside.tell(key);
  }

  /** The scopes of an effect that a grant reaches. */
  #reach(
    outside: Target,
    { subject = '', scope: granted = '' }: { readonly subject?: string; readonly scope?: string },
    keys: Map<string, EffectKey>,
  ): void {
    for (const scope of outside.effect.scopes.filter((one) => this.#kernel.settings.scopes.covers(granted, one))) {
      const key = outside.keyOf(subject, scope);
      keys.set(key.id, key);
    }
  }

  /** @returns those that are to be told */
  async #intendAll(
    outside: Target,
    keys: readonly EffectKey[],
    anew?: (before: Effect | undefined, held: boolean) => boolean,
  ): Promise<readonly Effect[]> {
    const intended: (Effect | undefined)[] = [];
    for (let i = 0; i < keys.length; i += AT_ONCE) {
      if (i > 0) await nextTurn();
      intended.push(...(await Promise.all(keys.slice(i, i + AT_ONCE).map((key) => this.#intend(outside, key, anew)))));
    }
    return intended.filter((effect) => effect !== undefined && effect.outcome === undefined) as readonly Effect[];
  }

  /** A record that can't be read holds up no other: it is told, and once somebody has seen to it, a resync finds what it missed. */
  #intend(outside: Target, key: EffectKey, anew?: (before: Effect | undefined, held: boolean) => boolean): Promise<Effect | undefined> {
    return outside.intend(key, anew).catch((error: unknown) => {
      if (!(isJitError(error) && error.code === 'ERR_JIT_CORRUPT')) throw error;
      this.#kernel.settings.onError(error, `effect ${key.name}`);
      return undefined;
    });
  }

  async #resyncOne(outside: Target): Promise<ResyncReport> {
    const { ledger } = this.#kernel;
    const { decodeAll } = this.#kernel.settings;
    const keys = new Map<string, EffectKey>();
    for await (const rows of ledger.pages({ kind: 'grant', open: true })) {
      for (const grant of decodeAll(rows, decodeGrant)) this.#reach(outside, grant, keys);
    }
    // And what was told last that somebody holds, and what is stuck, whoever holds it.
    for await (const rows of ledger.pages({ kind: 'effect' })) {
      for (const effect of decodeAll(rows, decodeEffect)) {
        if (!outside.knows(effect)) continue;
        if (effect.held || effect.outcome?.status === 'stuck') keys.set(effect.id, effect);
        if (effect.outcome?.status === 'stuck') await this.#retry(effect.id);
      }
    }
    const isToBeToldAgain = (before: Effect | undefined, held: boolean) => held && before?.outcome !== undefined;
    const due = await this.#intendAll(outside, [...keys.values()], isToBeToldAgain);
    await Promise.all(due.map((effect) => outside.tell(effect)));
    const rows = await ledger.rows(due.map(({ id }) => ({ kind: 'effect', id })));
    const after = decodeAll(
      rows.filter((row) => row !== undefined),
      decodeEffect,
    );
    const untold = after.filter(({ outcome }) => outcome?.status !== 'done');
    return { told: after.length - untold.length, untold };
  }

  #retry(id: string): Promise<Effect | undefined> {
    return this.#kernel.ledger.run<Effect | undefined>(async () => {
      const row = await this.#kernel.ledger.row('effect', id);
      return row === undefined ? noChange(undefined) : retryEffect(decodeEffect(row), moment(this.#kernel.clock, EFFECTS));
    });
  }
}
