/*
 * The table of the lifecycle: every end of a request and a grant, with its possible causes. Without an end, a request is
 * `pending`, and a grant is `scheduled` or `active`. Both ends are terminal (L8). The codec accepts no other end, and the diagram
 * in docs/reference/lifecycle.md is drawn from this table.
 */

/** The ends of a request, with their causes. */
export const REQUEST_ENDS = /* @__PURE__ */ Object.freeze({
  approved: ['approver', 'quorum', 'break_glass'],
  denied: ['approver', 'quorum', 'abstained', 'ineligible', 'limit'],
  cancelled: ['cancelled', 'amended', 'overtaken', 'revoked', 'locked', 'origin_ended'],
  expired: ['time'],
} as const);

/** The ends of a grant, with their causes. */
export const GRANT_ENDS = /* @__PURE__ */ Object.freeze({
  expired: ['time', 'idle', 'used_up'],
  revoked: ['revoked', 'released', 'locked', 'ineligible', 'origin_ended', 'unjustified'],
} as const);

/** An end of a request or a grant: a status of the table, one of its causes, the instant, the actor, and the given reason. */
export type EndIn<Table extends Readonly<Record<string, readonly string[]>>> = {
  readonly [Status in keyof Table]: {
    /** The status from then on. */
    readonly status: Status;
    /** The cause of the end. */
    readonly cause: Table[Status][number];
    /** When it ended. Epoch milliseconds. */
    readonly at: number;
    /** The actor: the id of a caller, or an actor of the engine, such as `system:sweeper`. */
    readonly by: string;
    /** Why, in the words of the actor or of the approver. */
    readonly reason: string | undefined;
  };
}[keyof Table];
