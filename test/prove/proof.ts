/**
 * A long test of a law, beyond what `npm test` has time for: random lives, kills, races, lost replies. Each run depends
 * only on a seed, so that a failure can be repeated.
 *
 * To add one, write it in a separate file under test/prove and name it in proofs.ts.
 */
export interface Proof {
  /** Lower-case words with hyphens; what `--only` takes. */
  readonly name: string;
  /** `L1` to `L35`. */
  readonly laws: readonly string[];
  /** One line: what is done, and what must hold. */
  readonly what: string;
  /** A rejection is a violation too. It stops everything that it starts before it resolves. */
  run(options: ProofOptions): Promise<ProofResult>;
}

export interface ProofOptions {
  /** The source of all randomness: a non-negative safe integer. */
  readonly seed: number;
  /** How much of the full run: 1 is all of it, 0.01 a hundredth. See {@link scaled}. */
  readonly scale: number;
  /** Prints the progress in a few words. */
  readonly progress?: ((sofar: string) => void) | undefined;
}

export interface ProofResult {
  /** How many were tried: a proof that tried none has proved nothing, and fails. */
  readonly count: number;
  /** The unit of the tries, in the plural: `kills`. */
  readonly unit: string;
  /** The violations, one line each, with what is needed to understand them. Empty: the law held. */
  readonly violations: readonly string[];
  /** Other measurements, one line each. */
  readonly notes?: readonly string[] | undefined;
}

/** This share of a full run's `full`, at least one. */
export const scaled = (full: number, scale: number): number => Math.max(1, Math.round(full * scale));
