import fc from 'fast-check';
import { ANA, LEE, MAYA, SAM } from '../engine/an-engine.js';
import { BOT, NOOR } from './moody.js';

export const SUBJECTS = [MAYA, SAM];
export const SCOPES = ['a:x', 'a:y', 'b:x'];
export const REVIEWERS = [ANA, LEE, ANA, LEE, SAM, NOOR, MAYA, 'user:eve', BOT];
export const AGENT = 'agent:7';

/** One step of a caller; its numbers pick from the records that exist then. */
export type Step =
  | {
      readonly do: 'ask';
      readonly who: number;
      readonly by: number;
      readonly scopes: readonly string[];
      readonly ttl: number;
      readonly startsIn: number | undefined;
      readonly why: string;
      readonly key: number | undefined;
    }
  | { readonly do: 'extend' | 'extendAll'; readonly which: number; readonly ttl: number; readonly why: string; readonly by: number }
  | {
      readonly do: 'breakGlass';
      readonly who: number;
      readonly by: number;
      readonly scope: string;
      readonly ttl: number;
      readonly why: string;
      readonly key: number | undefined;
    }
  | { readonly do: 'reviewBreakGlass'; readonly which: number; readonly who: number; readonly verdict: 'justified' | 'unjustified' }
  | { readonly do: 'approve' | 'deny'; readonly which: number; readonly who: number; readonly as: string | undefined }
  | {
      readonly do: 'link';
      readonly which: number;
      readonly who: number;
      readonly decision: 'approve' | 'deny';
      readonly ttl: number | undefined;
    }
  | { readonly do: 'redeem'; readonly which: number; readonly who: number }
  | { readonly do: 'cancel' | 'decide' | 'revoke' | 'release' | 'releaseAll'; readonly which: number; readonly who: number }
  | { readonly do: 'revokeAll'; readonly target: number; readonly which: number }
  | { readonly do: 'touch' | 'check'; readonly which: number }
  | { readonly do: 'consume'; readonly which: number; readonly key: number | undefined }
  | { readonly do: 'sweep' }
  | Move;

/** Steps that change the world around the engine: never in a burst, so that each burst has one instant and one mood. */
export type Move =
  | { readonly do: 'fail' | 'heal' }
  | { readonly do: 'leave' | 'ban'; readonly who: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'waitFor'; readonly which: number; readonly offset: number };

const nat = fc.nat(30);
const scope = fc.constantFrom(...SCOPES);
const ttl = fc.constantFrom(1, 30, 30, 60, 100);
const key = fc.option(fc.nat(2), { nil: undefined, freq: 2 });
const terms = fc.constantFrom('', ' idle', ' uses', ' warn', ' idle uses', ' warn short');
const why = fc
  .tuple(fc.constantFrom('approve', 'approve', 'approve', 'solo', 'solo', 'review', 'review', 'review', 'deny', 'abstain'), terms)
  .map((words) => words.join(''));
const step = <Kind extends string, Rest>(weight: number, kinds: readonly Kind[], rest: fc.Arbitrary<Rest>) => ({
  weight,
  arbitrary: fc.tuple(fc.constantFrom(...kinds), rest).map(([kind, fields]) => ({ do: kind, ...fields })),
});

const startsIn = fc.option(fc.constantFrom(-1, 1, 10, 30, 99, 100), { nil: undefined, freq: 2 });
const scopes = fc.uniqueArray(scope, { minLength: 1, maxLength: 2 });
const as = fc.option(fc.constantFrom('ops', 'sec'), { nil: undefined, freq: 6 });

export const moveArb: fc.Arbitrary<Move> = fc.oneof(
  step(1, ['fail'], fc.constant({})),
  step(3, ['heal'], fc.constant({})),
  step(2, ['leave'], fc.record({ who: nat })),
  step(1, ['ban'], fc.record({ who: nat })),
  step(4, ['wait'], fc.record({ ms: fc.constantFrom(1, 2, 3, 19, 20, 21, 24, 25, 26, 59, 60, 61) })),
  step(8, ['waitFor'], fc.record({ which: nat, offset: fc.constantFrom(-1, 0, 0, 1) })),
);

export const actArb: fc.Arbitrary<Exclude<Step, Move>> = fc.oneof(
  step(9, ['ask'], fc.record({ who: nat, by: nat, scopes, ttl, startsIn, why, key })),
  step(9, ['extend', 'extend', 'extend', 'extendAll'], fc.record({ which: nat, ttl, why, by: nat })),
  step(4, ['breakGlass'], fc.record({ who: nat, by: nat, scope, ttl, why, key })),
  step(4, ['reviewBreakGlass'], fc.record({ which: nat, who: nat, verdict: fc.constantFrom('justified', 'unjustified') })),
  step(14, ['approve'], fc.record({ which: nat, who: nat, as })),
  step(2, ['deny'], fc.record({ which: nat, who: nat, as })),
  step(
    2,
    ['link'],
    fc.record({ which: nat, who: nat, decision: fc.constantFrom('approve', 'approve', 'deny'), ttl: fc.option(ttl, { nil: undefined }) }),
  ),
  step(2, ['redeem'], fc.record({ which: nat, who: nat })),
  step(5, ['cancel', 'decide', 'revoke', 'release', 'releaseAll'], fc.record({ which: nat, who: nat })),
  step(1, ['revokeAll'], fc.record({ target: nat, which: nat })),
  step(4, ['touch', 'check'], fc.record({ which: nat })),
  step(7, ['consume'], fc.record({ which: nat, key })),
  step(10, ['sweep'], fc.constant({})),
);
