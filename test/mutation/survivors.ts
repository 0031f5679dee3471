/** A change of the sources that no test can find, or none has to. */
export interface Survivor {
  /** From src on. */
  readonly file: string;
  /** Stryker's name of the kind of change. */
  readonly mutator: string;
  /** The line in which it begins. */
  readonly line: string;
  readonly from: string;
  readonly to: string;
  readonly why: string;
}

/** Of the rooms in which each has to be listed. */
export const SURVIVORS: readonly Survivor[] = [];
