import type { Page } from '../../core/ports.js';
import type { ContextQuery, FindQuery, Row, RowKey, StoreContext, SubjectOf } from '../../core/store-port.js';
import type { LiveIndex } from './live-index.js';

/** What `context` reads of a namespace. */
interface State {
  readonly live: LiveIndex;
  get(key: RowKey): Row | undefined;
  find(query: FindQuery): Page<Row>;
}

const NO_PAGE: Page<Row> = /* @__PURE__ */ Object.freeze({ items: /* @__PURE__ */ Object.freeze([]), next: undefined });

/** Answers `context`. Synchronous, so that no commit falls between its parts. */
export function contextOf(state: State, { keys, live, open }: ContextQuery): StoreContext {
  const nameOf = (subject: string | SubjectOf | undefined) =>
    typeof subject === 'object' ? state.get(subject.subjectOf)?.subject : subject;
  const rowOf = (key: RowKey | SubjectOf) => {
    if (!('subjectOf' in key)) return state.get(key);
    const id = nameOf(key);
    return id === undefined ? undefined : state.get({ kind: 'subject', id });
  };
  const holder = nameOf(live?.subject);
  const owner = nameOf(open?.subject);
  return {
    rows: keys.map(rowOf),
    live: live === undefined || holder === undefined ? [] : state.live.find(holder, undefined, live.at),
    open:
      open === undefined || owner === undefined ? NO_PAGE : state.find({ kind: open.kind, subject: owner, open: true, limit: open.limit }),
  };
}
