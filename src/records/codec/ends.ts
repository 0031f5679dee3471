import { isInstant } from '../../core/instant.js';
import { isString, isText, oneOf, optional, shape, type Check } from '../shape.js';

/**
 * Checks an end with one of these causes for its status. `undefined` passes.
 *
 * @param more the further fields of an end with this status
 */
export const end = (
  causes: Readonly<Record<string, readonly string[]>>,
  more: Readonly<Record<string, Readonly<Record<string, Check>>>> = {},
): Check => {
  const checks = Object.entries(causes).map(([status, allowed]) =>
    shape({ status: oneOf(status), cause: oneOf(...allowed), at: isInstant, by: isText, reason: optional(isString), ...more[status] }),
  );
  return optional((value) => checks.some((check) => check(value)));
};
