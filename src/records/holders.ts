import type { Row } from '../core/store-port.js';
import type { Holders } from '../model/holders.js';
import { headOf, list, struct, text } from './fields.js';
import { frozenList } from './frozen.js';
import { columns, kindOf, UNORDERED } from './kind.js';

export function makeHolders({ id, version, approver, rule, grantIds }: Omit<Holders, 'kind'>): Holders {
  return Object.freeze({ kind: 'holders', id, version, approver, rule, grantIds: frozenList(grantIds) });
}

/** Never open, so that no check reads it. It belongs to no subject. */
export const HOLDERS = /* @__PURE__ */ (() =>
  kindOf(struct<Holders>()({ ...headOf('holders'), approver: text, rule: text, grantIds: list(text, 1) }), makeHolders, () =>
    columns(undefined, undefined, false, UNORDERED),
  ))();

/** @throws CorruptError */
export const decodeHolders = (row: Row): Holders => HOLDERS.decode(row);
