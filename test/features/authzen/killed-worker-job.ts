/** The moment at which a process kills itself: at the nth of these events. `inside commit`: between two statements of a transaction. */
export interface Death {
  readonly event: 'before commit' | 'inside commit' | 'after commit' | 'after answer';
  readonly count: number;
}

export interface Job {
  /** The SQLite file. */
  readonly path: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** How many times the submission is sent, all at once. */
  readonly times: number;
  /** `undefined`: the process survives. */
  readonly diesAt?: Death | undefined;
}

/** The answer to one submission. */
export interface Answered {
  readonly status: number;
  readonly text: string;
}
