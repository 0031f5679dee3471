import { expect } from 'vitest';
import type { aProfile } from './authzen-of.js';
import { EVALUATION } from './authzen-of.js';

type Profile = Pick<ReturnType<typeof aProfile>, 'send'>;

export interface Denied {
  readonly decision: boolean;
  readonly context: {
    readonly reason: string;
    readonly next_action?: string;
    readonly retry_after?: number;
    readonly evaluation_id?: string;
    readonly evaluated_at?: string;
    readonly access_request?: { readonly expires_at: string; readonly binding_token: string; readonly request_schema_url?: string };
    readonly approval?: { readonly id: string; readonly approved_until: string };
  };
}

export interface TaskAnswer {
  readonly task: {
    readonly id: string;
    readonly status: string;
    readonly status_endpoint: string;
    readonly expires_at: string;
    readonly links?: { readonly cancel: string };
  };
  readonly result?: { readonly mode: string; readonly approval: { readonly id: string; readonly approved_until: string } };
}

/** Evaluates, and returns the decision with its context. */
export async function evaluate({ send }: Profile, over: object = {}, as?: string): Promise<Denied> {
  const { status, body } = await send('/evaluation', { ...EVALUATION, ...over }, as === undefined ? {} : { as });
  expect(status).toBe(200);
  return body as unknown as Denied;
}

/** The body of a submission after a requestable denial. */
export async function submissionOf(profile: Profile, over: object = {}, evaluated: object = {}, as?: string) {
  const { context } = await evaluate(profile, evaluated, as);
  expect(context.access_request).toBeDefined();
  return {
    ...EVALUATION,
    ...evaluated,
    denial: {
      evaluation_id: context.evaluation_id,
      evaluated_at: context.evaluated_at,
      expires_at: context.access_request?.expires_at ?? '',
      reason: context.reason,
      binding_token: context.access_request?.binding_token ?? '',
    },
    ...over,
  };
}

/** Submits after a requestable denial, and returns the task. */
export async function submitted(
  profile: Profile,
  over: object = {},
  evaluated: object = {},
  headers: Record<string, string> = {},
): Promise<TaskAnswer> {
  const answer = await profile.send('/requests', await submissionOf(profile, over, evaluated), { headers });
  expect([201, 202]).toContain(answer.status);
  return answer.body as unknown as TaskAnswer;
}

/** The id of the engine's request: a task handle is that id and a MAC. */
export const requestIdOf = ({ id }: { readonly id: string }): string => id.split('.')[0] ?? '';

export const typeOf = (body: object): string =>
  (body as { readonly type: string }).type.replace('urn:openid:authzen:access-request:error:', '');
