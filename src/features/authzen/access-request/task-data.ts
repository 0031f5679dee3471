import type { JsonObject } from '../../../model/json.js';
import { isObject, type AccessRequest } from '../../../records/index.js';

/** What a request keeps of its submission, in its `metadata.authzen`. */
export interface TaskData {
  /** The digest of the submitted body. */
  readonly body: string;
  /** The id of the caller that submitted it. */
  readonly caller: string;
  /** The `binding_hash` of the tuple. */
  readonly hash: string;
  /** The members of the context that the hash covers. */
  readonly members: readonly string[];
  readonly evaluationId: string;
  readonly subject: { readonly type: string; readonly id: string };
  readonly resource: { readonly type: string; readonly id: string };
  readonly action: { readonly name: string };
  /** `client.id` and `client.name` of the submission. Not verified. */
  readonly client?: JsonObject | undefined;
}

export const metadataOfTask = (data: TaskData): JsonObject => {
  const { client, ...rest } = data;
  return { authzen: { v: 1, ...rest, members: [...data.members], ...(client !== undefined && { client }) } };
};

/** `undefined`: the request was not submitted through this handler. */
export function readTaskData({ metadata }: Pick<AccessRequest, 'metadata'>): TaskData | undefined {
  const data = metadata && Object.hasOwn(metadata, 'authzen') ? metadata['authzen'] : undefined;
  if (!isObject(data)) return undefined;
  // A caller of the engine may give any metadata, so each member is checked.
  const { v, body, caller, hash, members, evaluationId, subject, resource, action } = data as Readonly<Record<string, unknown>>;
  if (v !== 1) return undefined;
  const areTexts = [body, caller, hash, evaluationId].every((text) => typeof text === 'string');
  const areNames = Array.isArray(members) && members.every((name) => typeof name === 'string');
  if (!areTexts || !areNames || !isObject(subject) || !isObject(resource) || !isObject(action)) return undefined;
  return data as unknown as TaskData;
}
