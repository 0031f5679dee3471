import { object, looseObject, string, boolean, optional, maxLength, ZodMiniISODateTime, toJSONSchema, type infer as Infer } from 'zod/mini';
import type { JsonObject } from '../../../model/json.js';
import { digestOf } from '../../../journal/link.js';
import { withoutAct } from './binding.js';
import { memberOf, readEvaluation, readObject, type AuthzenEntity, type AuthzenEvaluation } from '../messages.js';
import { Problem } from './problems.js';

const MAX_TEXT = 4_096;

/** As `iso.datetime({ offset: true })`: a bundler keeps all of `iso`, also for the handler of `jit-access/http`. */
const timestamp = () =>
  new ZodMiniISODateTime({ type: 'string', format: 'datetime', check: 'string_format', offset: true, local: false, precision: null });

/** What a submission may add to the denied evaluation. Other members are not read. */
const Additions = object({
  context: optional(
    looseObject({
      business_justification: optional(string().check(maxLength(MAX_TEXT))),
      ticket: optional(string().check(maxLength(MAX_TEXT))),
    }),
  ),
  requested_access: optional(looseObject({ requested_until: optional(timestamp()), emergency: optional(boolean()) })),
});

/** The JSON Schema of {@link Additions}, for clients that no person controls. */
export const requestSchema = (): object => toJSONSchema(Additions, { io: 'input' });

/** A submission whose shape is checked. Its binding is not verified yet. */
export interface Submission {
  readonly evaluation: AuthzenEvaluation;
  /** The digest of the whole body without `subject.properties.act`. Equal bodies have equal digests, in any order of their members. */
  readonly digest: string;
  readonly token: string;
  /** `denial.expires_at`, as it was submitted. */
  readonly deniedUntil: string;
  readonly evaluationId: string | undefined;
  readonly justification: string | undefined;
  readonly ticket: string | undefined;
  /** Epoch milliseconds. */
  readonly until: number | undefined;
  readonly emergency: boolean;
  readonly client: JsonObject | undefined;
}

/** @throws AuthzenError 400, Problem */
export function readSubmission(body: JsonObject): Submission {
  refuseUnsupported(body);
  const evaluation = readEvaluation(body);
  const { context, requested_access } = readAdditions(body);
  return {
    evaluation,
    digest: digestOf({ ...body, subject: withoutAct(body['subject'] as unknown as AuthzenEntity) }),
    ...readDenial(body),
    justification: context?.business_justification,
    ticket: context?.ticket,
    until: requested_access?.requested_until === undefined ? undefined : Math.floor(Date.parse(requested_access.requested_until)),
    emergency: requested_access?.emergency === true,
    client: readClient(body),
  };
}

/** Accepting one of these and ignoring it would mislead the client. */
function refuseUnsupported(body: JsonObject): void {
  if (Object.hasOwn(body, 'items')) throw new Problem('invalid_request', 'items is not supported: submit each access by itself');
  if (Object.hasOwn(body, 'callback')) throw new Problem('invalid_request', 'callback is not supported: read the status of the task');
  if (Object.hasOwn(readObject(body, 'client') ?? {}, 'actor'))
    throw new Problem('invalid_request', 'client.actor cannot be verified: name the actor in subject.properties.act');
}

function readAdditions(body: JsonObject): Infer<typeof Additions> {
  const parsed = Additions.safeParse({ context: memberOf(body, 'context'), requested_access: memberOf(body, 'requested_access') });
  if (parsed.success) return parsed.data;
  const paths = new Set(parsed.error.issues.map(({ path }) => path.join('.')));
  throw new Problem('invalid_request', `malformed: ${[...paths].join(', ')}`);
}

/** Only a token binds here: this service keeps no record of a denial, so an `evaluation_id` alone cannot be resolved. */
function readDenial(body: JsonObject): Pick<Submission, 'token' | 'deniedUntil' | 'evaluationId'> {
  const denial = readObject(body, 'denial') ?? {};
  const [token, deniedUntil, evaluationId] = ['binding_token', 'expires_at', 'evaluation_id'].map((name) => memberOf(denial, name));
  if (typeof token !== 'string' || token === '') throw new Problem('invalid_denial_binding', 'denial.binding_token is required');
  if (typeof deniedUntil !== 'string' || !timestamp().safeParse(deniedUntil).success)
    throw new Problem('invalid_denial_binding', 'denial.expires_at must be a timestamp');
  if (evaluationId !== undefined && typeof evaluationId !== 'string')
    throw new Problem('invalid_denial_binding', 'denial.evaluation_id must be a string');
  return { token, deniedUntil, evaluationId };
}

const MAX_CLIENT = 256;

function readClient(body: JsonObject): JsonObject | undefined {
  const client = readObject(body, 'client');
  if (client === undefined) return undefined;
  const known = ['id', 'name'].flatMap((name) => {
    const value = memberOf(client, name);
    if (value === undefined) return [];
    if (typeof value !== 'string' || value.length > MAX_CLIENT)
      throw new Problem('invalid_request', `client.${name} must be a string of at most ${MAX_CLIENT} characters`);
    return [[name, value]];
  });
  return Object.fromEntries(known) as JsonObject;
}
