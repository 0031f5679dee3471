import type { JsonObject, JsonValue } from '../../model/json.js';
import { isObject } from '../../records/index.js';
import { AuthzenError } from './errors.js';

/** A subject or a resource. */
export interface AuthzenEntity {
  /** The type of the entity, such as `user`. */
  readonly type: string;
  /** The id of the entity, unique within its type. */
  readonly id: string;
  /** Attributes of the entity. Default: none. */
  readonly properties?: JsonObject | undefined;
}

/** An action. */
export interface AuthzenAction {
  /** The name of the action, such as `read`. */
  readonly name: string;
  /** Attributes of the action. Default: none. */
  readonly properties?: JsonObject | undefined;
}

/** One question: may this subject do this action on this resource, in this context? */
export interface AuthzenEvaluation {
  /** The entity that would act. */
  readonly subject: AuthzenEntity;
  /** What it would do. */
  readonly action: AuthzenAction;
  /** The entity that it would act on. */
  readonly resource: AuthzenEntity;
  /** Attributes of the question. Default: none. */
  readonly context?: JsonObject | undefined;
}

/** The members of a body, with own members only: `Object.prototype` never provides one. */
export const memberOf = (object: JsonObject, name: string): JsonValue | undefined =>
  Object.hasOwn(object, name) ? object[name] : undefined;

const isJsonObject = (value: JsonValue | undefined): value is JsonObject => isObject(value) && !Array.isArray(value);

/** Reads a member that must be an object. `undefined`: it is absent. @throws AuthzenError 400 */
export function readObject(object: JsonObject, name: string, path = name): JsonObject | undefined {
  const value = memberOf(object, name);
  if (value === undefined) return undefined;
  if (!isJsonObject(value)) throw new AuthzenError(400, `${path} must be an object`);
  return value;
}

/** @throws AuthzenError 400 */
function readString(object: JsonObject, name: string, path: string): string {
  const value = memberOf(object, name);
  if (value === undefined) throw new AuthzenError(400, `${path} is required`);
  if (typeof value !== 'string') throw new AuthzenError(400, `${path} must be a string`);
  return value;
}

const propertiesOf = (object: JsonObject, path: string) => {
  const properties = readObject(object, 'properties', `${path}.properties`);
  return properties === undefined ? {} : { properties };
};

/** @throws AuthzenError 400 */
export function readEntity(value: JsonObject, path: string): AuthzenEntity {
  return { type: readString(value, 'type', `${path}.type`), id: readString(value, 'id', `${path}.id`), ...propertiesOf(value, path) };
}

/** Reads the entity that a search looks for: its `id` is ignored. @throws AuthzenError 400 */
export function readSearched(value: JsonObject, path: string): Omit<AuthzenEntity, 'id'> {
  return { type: readString(value, 'type', `${path}.type`), ...propertiesOf(value, path) };
}

/** @throws AuthzenError 400 */
export function readAction(value: JsonObject, path = 'action'): AuthzenAction {
  return { name: readString(value, 'name', `${path}.name`), ...propertiesOf(value, path) };
}

/** Reads a member that must be there. @throws AuthzenError 400 */
export function readRequired(object: JsonObject, name: string): JsonObject {
  const value = readObject(object, name);
  if (value === undefined) throw new AuthzenError(400, `${name} is required`);
  return value;
}

/** Reads a single evaluation. Unknown members are ignored. @param defaults what it may lack @throws AuthzenError 400 */
export function readEvaluation(body: JsonObject, defaults?: Partial<AuthzenEvaluation>): AuthzenEvaluation {
  const subject = defaultOf(body, 'subject', defaults?.subject) ?? readEntity(readRequired(body, 'subject'), 'subject');
  const action = defaultOf(body, 'action', defaults?.action) ?? readAction(readRequired(body, 'action'));
  const resource = defaultOf(body, 'resource', defaults?.resource) ?? readEntity(readRequired(body, 'resource'), 'resource');
  const context = readObject(body, 'context') ?? defaults?.context;
  return context === undefined ? { subject, action, resource } : { subject, action, resource, context };
}

/** A copy for each evaluation: the functions of the host receive it. */
const defaultOf = <T extends object>(body: JsonObject, name: string, value: T | undefined): T | undefined =>
  value === undefined || Object.hasOwn(body, name) ? undefined : { ...value };
