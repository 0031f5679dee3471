import type { Row } from '../core/store-port.js';
import type { Activity } from '../model/activity.js';
import { count, headOf, instant, scope, struct, subject } from './fields.js';
import { columns, kindOf, UNORDERED } from './kind.js';

export function makeActivity({ id, version, subject, scope, firstUsedAt, lastUsedAt, count }: Omit<Activity, 'kind'>): Activity {
  return Object.freeze({ kind: 'activity', id, version, subject, scope, firstUsedAt, lastUsedAt, count });
}

/** Never open, so that no check reads it: `live` returns open rows only. */
export const ACTIVITY = /* @__PURE__ */ (() =>
  kindOf(
    struct<Activity>()({
      ...headOf('activity'),
      subject,
      scope,
      firstUsedAt: instant,
      lastUsedAt: instant,
      count,
    }),
    makeActivity,
    ({ subject, scope }) => columns(subject, scope, false, UNORDERED),
    ({ firstUsedAt, lastUsedAt }) => firstUsedAt <= lastUsedAt,
  ))();

/** @throws CorruptError */
export const decodeActivity = (row: Row): Activity => ACTIVITY.decode(row);
