/**
 * A law held up against far more than `npm test` has the time for: random lives, kills, races, lost replies. Each is made
 * from a seed alone, so that what went wrong once can be looked at again.
 *
 * To add one, write it in a file of its own under test/prove and name it in proofs.ts.
 */
export interface Proof {
  /** Lower-case words with hyphens; what `--only` takes. */
  readonly name: string;
  /** `L1` to `L35`. */
  readonly laws: readonly string[];
  /** One line: what is done, and what must hold. */
  readonly what: string;
  /** A rejection is a violation too. What it starts, it ends before it resolves. */
  run(options: ProofOptions): Promise<ProofResult>;
}

export interface ProofOptions {
  /** Everything random follows from this: a non-negative safe integer. */
  readonly seed: number;
  /** How much of the full run: 1 is all of it, 0.01 a hundredth. See {@link scaled}. */
  readonly scale: number;
  /** Tells a person who waits how far it is, in a few words. */
  readonly progress?: ((sofar: string) => void) | undefined;
}

export interface ProofResult {
  /** How many were tried: a proof that tried none has proved nothing, and fails. */
  readonly count: number;
  /** Of what, in the plural: `kills`. */
  readonly unit: string;
  /** Each in a line, with what is needed to understand it. None: the law held. */
  readonly violations: readonly string[];
  /** What was measured besides, each in a line. */
  readonly notes?: readonly string[] | undefined;
}

/** So many of a full run's `full`, and never none. */
export const scaled = (full: number, scale: number): number => Math.max(1, Math.round(full * scale));
