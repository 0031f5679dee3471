import type { Row } from '../core/store-port.js';
import type { Use } from '../model/use.js';
import { column, headOf, instant, scope, struct, subject, text, whole } from './fields.js';
import { columns, kindOf, UNORDERED } from './kind.js';

export function makeUse({ id, version, subject, scope, grantId, at, expiresAt, usesLeft }: Omit<Use, 'kind'>): Use {
  return Object.freeze({ kind: 'use', id, version, subject, scope, grantId, at, expiresAt, usesLeft });
}

export const USE = /* @__PURE__ */ (() =>
  kindOf(
    struct<Use>()({
      ...headOf('use'),
      subject,
      scope,
      grantId: text,
      at: instant,
      expiresAt: column('until', instant),
      usesLeft: whole,
    }),
    makeUse,
    ({ subject, scope, expiresAt }) => columns(subject, scope, false, UNORDERED, undefined, expiresAt),
  ))();

/** @throws CorruptError */
export const decodeUse = (row: Row): Use => USE.decode(row);
