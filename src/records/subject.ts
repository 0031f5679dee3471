import type { Row } from '../core/store-port.js';
import type { Subject } from '../model/subject.js';
import { headOf, list, sparse, struct, text } from './fields.js';
import { frozenList, NONE } from './frozen.js';
import { columns, kindOf, UNORDERED } from './kind.js';

export function makeSubject({ id, version, unreviewed, openedForOthers, denied }: Omit<Subject, 'kind'>): Subject {
  return Object.freeze({
    kind: 'subject',
    id,
    version,
    unreviewed: frozenList(unreviewed),
    openedForOthers: frozenList(openedForOthers),
    denied: frozenList(denied),
  });
}

/** A subject as its body has it. */
type Stored = Omit<Subject, 'openedForOthers' | 'denied'> & Partial<Subject>;

/** The body omits the empty lists that nearly every subject has. */
export const SUBJECT = /* @__PURE__ */ (() =>
  kindOf(
    struct<Subject>()({
      ...headOf('subject'),
      unreviewed: list(text),
      openedForOthers: sparse(list(text, 1)),
      denied: sparse(list(text, 1)),
    }),
    ({ openedForOthers = NONE, denied = NONE, ...fields }: Stored) => makeSubject({ ...fields, openedForOthers, denied }),
    ({ id, unreviewed }) => columns(id, undefined, unreviewed.length > 0, UNORDERED),
  ))();

/** @throws CorruptError */
export const decodeSubject = (row: Row): Subject => SUBJECT.decode(row);
