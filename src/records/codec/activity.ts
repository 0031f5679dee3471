import type { JsonObject } from '../../model/json.js';
import type { Row } from '../../core/store-port.js';
import { isPattern } from '../../core/scope.js';
import { isInstant } from '../../core/instant.js';
import type { Activity } from '../../model/activity.js';
import { makeActivity } from '../make.js';
import { isCount, shape } from '../shape.js';
import { bodyOf, columns, confirmed, corrupt, UNORDERED, type Columns } from './columns.js';

/** Never open, so that no check reads it: `live` returns open rows only. */
export const activityColumns = ({ subject, scope }: Activity): Columns => columns(subject, scope, false, UNORDERED);

export function activityBody({ firstUsedAt, lastUsedAt, count }: Activity): JsonObject {
  return { firstUsedAt, lastUsedAt, count };
}

const isActivityBody = /* @__PURE__ */ (() => shape({ firstUsedAt: isInstant, lastUsedAt: isInstant, count: isCount }))();

/** @throws CorruptError */
export function decodeActivity(row: Row): Activity {
  const body = bodyOf<Activity>(row, 'activity') as Activity;
  const { id, version, scope } = row;
  if (!isActivityBody(body) || !(body.firstUsedAt <= body.lastUsedAt) || !isPattern(scope)) throw corrupt(row);
  const activity = makeActivity({ ...body, id, version, subject: row.subject as string, scope });
  return confirmed(row, activity, activityColumns(activity));
}
