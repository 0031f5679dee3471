import { plainCopy, readBoundedList } from '../core/parse.js';
import type { RequestableAnswer, RequestableInput } from '../core/approver-port.js';
import type { ScopeMatcher } from '../core/ports.js';
import { MAX_EXCLUDED, MAX_REQUESTABLE } from '../core/requestable.js';
import { scopeLists } from '../core/scope.js';
import { nextTurn } from '../core/turns.js';

/** The answer of one member of a chain. */
interface MemberAnswer {
  /** `undefined`: the member cannot list what may be asked for. */
  readonly answer: Promise<RequestableAnswer | undefined>;
  /** The item with the approver name by which a request would find the member. */
  readonly named: (item: RequestableInput) => RequestableInput;
}

/** The number of items between two turns of the event loop (L42). */
const ITEMS_A_TURN = 32;

const verbOf = ({ outcome }: RequestableInput): boolean => outcome === 'break_glass';

/**
 * The items of a chain. The first member that does not abstain decides a request, so an item is omitted if an earlier member has
 * one for all its scopes, or denies them. A part that an earlier member denies is excluded. The scopes of items are patterns, also
 * in an engine that compares scopes byte for byte.
 *
 * @throws TypeError or InvalidArgumentError for a malformed answer, which counts as a failure of the chain
 */
export async function combineRequestable(members: readonly MemberAnswer[], matcher?: ScopeMatcher): Promise<RequestableAnswer> {
  const { covers, overlaps } = scopeLists(matcher);
  const items: RequestableInput[] = [];
  let denied: readonly string[] = [];
  let isComplete = true;
  for (const { answer, named } of members) {
    const given = await answer;
    if (given === undefined) {
      isComplete = false;
      continue;
    }
    const own = readAnswer(given);
    isComplete &&= own.isComplete;
    const earlier = [...items];
    for (const [i, item] of own.items.entries()) {
      if (i % ITEMS_A_TURN === ITEMS_A_TURN - 1) await nextTurn();
      const { scope, except = [] } = item;
      if (denied.some((one) => covers(one, scope))) continue;
      if (earlier.some((one) => verbOf(one) === verbOf(item) && covers(one.scope, scope))) continue;
      const excluded = [...new Set([...except, ...denied.filter((one) => overlaps(one, scope))])];
      if (items.length === MAX_REQUESTABLE || excluded.length > MAX_EXCLUDED) isComplete = false;
      else items.push({ ...named(item), except: excluded });
    }
    denied = [...new Set([...denied, ...own.denied])];
  }
  return { items, denied: denied.slice(0, MAX_EXCLUDED), complete: isComplete && denied.length <= MAX_EXCLUDED };
}

function readAnswer(given: RequestableAnswer) {
  const { items, denied = [], complete = true } = plainCopy('requestable', given);
  if (typeof complete !== 'boolean') throw new TypeError('complete must be true or false');
  return {
    items: readBoundedList('requestable.items', items, 0, MAX_REQUESTABLE).map((item, i) =>
      plainCopy(`requestable.items[${i}]`, item as RequestableInput),
    ),
    denied: readBoundedList('requestable.denied', denied, 0, MAX_EXCLUDED) as readonly string[],
    isComplete: complete,
  };
}
