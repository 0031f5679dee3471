import { CorruptError } from '../../core/errors.js';
import type { JsonObject } from '../../model/json.js';
import type { Row } from '../../core/store-port.js';
import type { Holders } from '../../model/holders.js';
import { makeHolders } from '../make.js';
import { isCount, isObject, isText, listOf, shape } from '../shape.js';
import { columns, confirmed, corrupt, UNORDERED, type Columns } from './columns.js';

/** Never open, so that no check reads it. It belongs to no subject. */
export const holdersColumns = (): Columns => columns(undefined, undefined, false, UNORDERED);

export function holdersBody({ approver, rule, grantIds }: Holders): JsonObject {
  return { approver, rule, grantIds };
}

const isHoldersBody = /* @__PURE__ */ (() => shape({ approver: isText, rule: isText, grantIds: listOf(isText, 1) }))();

/** @throws CorruptError */
export function decodeHolders(row: Row): Holders {
  if (!isObject(row)) throw new CorruptError('row', String(row), 'is not a row');
  if (row.kind !== 'holders' || !isText(row.id) || !isCount(row.version) || !isHoldersBody(row.body)) throw corrupt(row);
  const body = row.body as unknown as Pick<Holders, 'approver' | 'rule' | 'grantIds'>;
  return confirmed(row, makeHolders({ ...body, id: row.id, version: row.version }), holdersColumns());
}
