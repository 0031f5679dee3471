import type { Row } from '../core/store-port.js';
import type { Reuse } from '../model/reuse.js';
import { headOf, struct, subject, text } from './fields.js';
import { columns, kindOf, UNORDERED } from './kind.js';

export function makeReuse({ id, version, subject, requestId, askDigest }: Omit<Reuse, 'kind'>): Reuse {
  return Object.freeze({ kind: 'reuse', id, version, subject, requestId, askDigest });
}

export const REUSE = /* @__PURE__ */ (() =>
  kindOf(struct<Reuse>()({ ...headOf('reuse'), subject, requestId: text, askDigest: text }), makeReuse, ({ subject }) =>
    columns(subject, undefined, false, UNORDERED),
  ))();

/** @throws CorruptError */
export const decodeReuse = (row: Row): Reuse => REUSE.decode(row);
