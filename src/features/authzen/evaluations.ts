import { askBounded } from '../../core/ask-bounded.js';
import type { JsonObject, JsonValue } from '../../model/json.js';
import type { MaybePromise } from '../../core/ports.js';
import { isObject } from '../../records/index.js';
import { AuthzenError } from './errors.js';
import { memberOf, readAction, readEntity, readEvaluation, readObject, type AuthzenEvaluation } from './messages.js';

/** The answer to one evaluation. */
export interface AuthzenDecision {
  readonly decision: boolean;
  readonly context?: JsonObject | undefined;
}

/** A decision as the client gets it. @param reasons the option of that name */
export function saidTo(client: { readonly reasons: boolean }, said: AuthzenDecision): AuthzenDecision {
  if (client.reasons || said.context === undefined) return said;
  const { reason: _, code: __, ...context } = said.context;
  return { decision: said.decision, ...(Object.keys(context).length > 0 && { context }) };
}

/** An evaluation of a batch, or why it is malformed. */
export type BatchItem = AuthzenEvaluation | AuthzenError;

const SEMANTICS = ['execute_all', 'deny_on_first_deny', 'permit_on_first_permit'] as const;
export type Semantic = (typeof SEMANTICS)[number];

/** The most evaluations of a batch. */
const MAX_EVALUATIONS = 100;

/** A batch of evaluations. */
export interface Batch {
  readonly items: readonly BatchItem[];
  readonly semantic: Semantic;
}

const DEFAULTS = ['subject', 'action', 'resource', 'context'] as const;

/**
 * Reads the body of the evaluations endpoint.
 *
 * @returns a single evaluation if the body has no `evaluations`, or an empty list
 * @throws AuthzenError 400 for a malformed default, a malformed option, or more than 100 evaluations
 */
export function readBatch(body: JsonObject): AuthzenEvaluation | Batch {
  const semantic = readSemantic(body);
  const evaluations = memberOf(body, 'evaluations');
  if (evaluations !== undefined && !Array.isArray(evaluations)) throw new AuthzenError(400, 'evaluations must be a list');
  const list = (evaluations ?? []) as readonly JsonValue[];
  if (list.length === 0) return readEvaluation(body);
  if (list.length > MAX_EVALUATIONS) throw new AuthzenError(400, `evaluations must be at most ${MAX_EVALUATIONS}`);
  const defaults = readDefaults(body);
  return { semantic, items: list.map((item) => readItem(defaults, item)) };
}

function readSemantic(body: JsonObject): Semantic {
  const options = readObject(body, 'options');
  const given = options === undefined ? undefined : memberOf(options, 'evaluations_semantic');
  if (given === undefined) return 'execute_all';
  const semantic = SEMANTICS.find((one) => one === given);
  if (semantic === undefined) throw new AuthzenError(400, `options.evaluations_semantic must be one of ${SEMANTICS.join(', ')}`);
  return semantic;
}

/** The top-level members that an item may lack. A malformed one refuses the whole batch. */
function readDefaults(body: JsonObject): Partial<AuthzenEvaluation> {
  const [subject, action, resource, context] = DEFAULTS.map((name) => readObject(body, name));
  return {
    subject: subject && readEntity(subject, 'subject'),
    action: action && readAction(action),
    resource: resource && readEntity(resource, 'resource'),
    context,
  } as Partial<AuthzenEvaluation>;
}

/** An item replaces a default as a whole: the properties of the two are never merged. Items share what they do not replace. */
function readItem(defaults: Partial<AuthzenEvaluation>, item: JsonValue): BatchItem {
  if (!isObject(item) || Array.isArray(item)) return new AuthzenError(400, 'an evaluation must be an object');
  try {
    return readEvaluation(item as JsonObject, defaults);
  } catch (error) {
    if (error instanceof AuthzenError) return error;
    throw error;
  }
}

/** Whether a batch ends after this decision. */
const endsBatch = (semantic: Semantic, { decision }: AuthzenDecision): boolean =>
  (semantic === 'deny_on_first_deny' && !decision) || (semantic === 'permit_on_first_permit' && decision);

/** The decision about an item that could not be evaluated. */
export const failedItem = ({ status, message }: AuthzenError): AuthzenDecision => ({
  decision: false,
  context: { error: { status, message } },
});

/** How the items of a batch are decided. A candidate is an item that only the last read of the access can still deny. */
export interface BatchRules<Candidate> {
  /** Whether a well-formed item is denied before it is judged. */
  readonly isDenied: (index: number) => boolean;
  /** Judges a well-formed item. An {@link AuthzenError} that it throws is the error of that item alone. */
  readonly judge: (evaluation: AuthzenEvaluation, index: number) => MaybePromise<AuthzenDecision | Candidate>;
  /** Whether `judge` waits for nothing. */
  readonly judgesAtOnce: boolean;
  readonly isCandidate: (judged: AuthzenDecision | Candidate) => judged is Candidate;
  /** Decides the candidates after all items were judged, by one last read. */
  readonly confirm: (candidates: readonly Candidate[]) => Promise<readonly AuthzenDecision[]>;
}

/** How many items are judged before a search for the first permit looks at their decisions. */
const WINDOW = 32;

/**
 * Decides the items, at most 32 at a time, as far as the semantic demands.
 *
 * @returns the decisions so far, in the order of the items. The last one ended the batch, if it is shorter than the items
 */
export async function decideBatch<Candidate>(batch: Batch, rules: BatchRules<Candidate>): Promise<readonly AuthzenDecision[]> {
  const { semantic } = batch;
  const items = neededItems(batch, rules);
  const size = semantic === 'permit_on_first_permit' ? WINDOW : items.length;
  const decisions: AuthzenDecision[] = [];
  for (let from = 0; from < items.length; from += size) {
    for (const decision of await decideWindow(items.slice(from, from + size), from, rules)) {
      const ends = endsBatch(semantic, decision);
      decisions.push(ends ? withReason(decision, semantic) : decision);
      if (ends) return decisions;
    }
  }
  return decisions;
}

/** Up to the first item that is denied in any case, if a denial ends the batch. */
function neededItems<Candidate>({ items, semantic }: Batch, { isDenied }: BatchRules<Candidate>): readonly BatchItem[] {
  if (semantic !== 'deny_on_first_deny') return items;
  const first = items.findIndex((item, i) => item instanceof AuthzenError || isDenied(i));
  return first === -1 ? items : items.slice(0, first + 1);
}

async function decideWindow<Candidate>(items: readonly BatchItem[], from: number, rules: BatchRules<Candidate>) {
  const entries = items.map((item, i) => ({ item, index: from + i }));
  const judge = ({ item, index }: (typeof entries)[number]) => judgeItem(item, index, rules);
  const judged: readonly (AuthzenDecision | Candidate)[] = rules.judgesAtOnce
    ? (entries.map(judge) as readonly (AuthzenDecision | Candidate)[])
    : await Promise.all(askBounded<(typeof entries)[number], AuthzenDecision | Candidate>(entries, judge));
  const candidates = judged.filter(rules.isCandidate);
  const confirmed = candidates.length === 0 ? [] : await rules.confirm(candidates);
  const decided = new Map(candidates.map((candidate, i) => [candidate, confirmed[i] as AuthzenDecision]));
  return judged.map((one) => (rules.isCandidate(one) ? (decided.get(one) as AuthzenDecision) : one));
}

function judgeItem<Candidate>(item: BatchItem, index: number, { judge, judgesAtOnce }: BatchRules<Candidate>) {
  if (item instanceof AuthzenError) return failedItem(item);
  return judgesAtOnce ? judge(item, index) : judgeLater(async () => judge(item, index));
}

async function judgeLater<Candidate>(judge: () => Promise<AuthzenDecision | Candidate>): Promise<AuthzenDecision | Candidate> {
  try {
    return await judge();
  } catch (error) {
    if (error instanceof AuthzenError) return failedItem(error);
    throw error;
  }
}

/** Says that the batch ended here, unless the decision has a reason or an error of its own. */
function withReason(decision: AuthzenDecision, semantic: Semantic): AuthzenDecision {
  const { context } = decision;
  if (context !== undefined && (Object.hasOwn(context, 'reason') || Object.hasOwn(context, 'error'))) return decision;
  return { ...decision, context: { ...context, code: '200', reason: semantic } };
}
