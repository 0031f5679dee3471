import type { JsonObject, JsonValue } from '../../../model/json.js';
import { canonicalJson, digestOf } from '../../../journal/link.js';
import { newSecretId } from '../../../kernel/ledger/ids.js';
import { actOf, bindingHash, boundMembers } from './binding.js';
import { isMac, macText } from '../keys.js';
import type { AuthzenEvaluation } from '../messages.js';
import type { AuthzenCaller } from '../options.js';
import type { ParsedAccessRequests } from './options.js';
import { MAX_TOKEN } from './signer.js';
import { timestamp, type Target, type AuthzenContext } from '../authzen-context.js';

const SECOND = 1_000;

/** The claims of a binding token. */
export interface BindingClaims {
  readonly jti: string;
  readonly evaluationId: string;
  readonly hash: string;
  readonly members: readonly string[];
  /** The deadline, as the denial states it: RFC 3339. */
  readonly deniedUntil: string;
  /** The deadline. Epoch milliseconds. */
  readonly expiresAt: number;
  /** A digest of the caller that received the denial. */
  readonly caller: string;
  /** A MAC of the denied access, see {@link isForAccess}. */
  readonly access: string;
  /** The `act` of the denied evaluation, which the hash does not cover. `undefined`: the token of an earlier version. */
  readonly act: JsonValue | undefined;
}

/** Names a caller in a token without its id. */
export const digestOfCaller = ({ subject }: AuthzenCaller): string => digestOf(['caller', subject]);

const textOf = ({ subject, scope }: Target): string => canonicalJson([subject, scope]);

/**
 * Whether a token is about this access: `map` may read members of the context that the hash does not cover, and the hash does not cover
 * the actor. The token names the access by a MAC, because clients do not learn scopes.
 */
export const isForAccess = ({ options }: AuthzenContext, { access }: BindingClaims, target: Target): boolean =>
  options.keys.some((key) => isMac(key, 'access', textOf(target), access));

/**
 * Signs the binding of a denied evaluation. It ends at a whole second, so that both deadlines of the token are one instant.
 *
 * @returns `undefined`: the context has so many members, or `act` is so long, that the token would be refused
 */
export async function issueBinding(
  { options }: AuthzenContext,
  { signer, bindingMs, boundContext }: ParsedAccessRequests,
  {
    caller,
    evaluation,
    target,
    now,
  }: { readonly caller: AuthzenCaller; readonly evaluation: AuthzenEvaluation; readonly target: Target; readonly now: number },
): Promise<{ readonly evaluationId: string; readonly expiresAt: string; readonly token: string } | undefined> {
  const evaluationId = newSecretId();
  const exp = Math.floor((now + bindingMs) / SECOND);
  const members = boundMembers(evaluation.context, boundContext);
  const expiresAt = timestamp(exp * SECOND);
  const token = await signer.sign({
    iss: options.publicUrl,
    aud: audienceOf(options),
    iat: Math.floor(now / SECOND),
    exp,
    jti: newSecretId(),
    evaluation_id: evaluationId,
    denial_expires_at: expiresAt,
    binding_context_members: members,
    binding_hash: bindingHash(evaluation, members),
    client: digestOfCaller(caller),
    access: macText(options.keys[0], 'access', textOf(target)),
    subject_act: actOf(evaluation.subject),
  });
  return token.length > MAX_TOKEN ? undefined : { evaluationId, expiresAt, token };
}

const audienceOf = ({ endpointUrl }: Pick<AuthzenContext['options'], 'endpointUrl'>): string => `${endpointUrl}/requests`;

/**
 * The claims of a token that this policy decision point issued for this request endpoint. It judges no deadline.
 *
 * @returns `undefined` for any other text
 */
export async function verifyBinding(
  { options }: AuthzenContext,
  { signer }: ParsedAccessRequests,
  token: string,
): Promise<BindingClaims | undefined> {
  const claims = await signer.verify(token);
  if (claims === undefined) return undefined;
  const { iss, aud, exp, jti, evaluation_id, denial_expires_at, binding_context_members, binding_hash, client, access, subject_act } =
    ownOf(claims);
  if (iss !== options.publicUrl || !(Array.isArray(aud) ? aud : [aud]).includes(audienceOf(options))) return undefined;
  if (!Number.isSafeInteger(exp) || !areTexts([jti, evaluation_id, denial_expires_at, binding_hash, client, access])) return undefined;
  if (!Array.isArray(binding_context_members) || !areTexts(binding_context_members)) return undefined;
  return {
    jti: jti as string,
    evaluationId: evaluation_id as string,
    hash: binding_hash as string,
    members: binding_context_members as readonly string[],
    deniedUntil: denial_expires_at as string,
    expiresAt: (exp as number) * SECOND,
    caller: client as string,
    access: access as string,
    act: subject_act,
  };
}

/** Without a prototype, so that no claim is inherited. */
const ownOf = (claims: JsonObject): JsonObject => Object.assign(Object.create(null) as JsonObject, claims);

const areTexts = (values: readonly unknown[]): boolean => values.every((value) => typeof value === 'string');
