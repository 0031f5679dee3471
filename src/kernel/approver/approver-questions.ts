/** The most questions to an approver that a verb has open at a time. */
const AT_ONCE = 32;

/**
 * Asks about many items concurrently, so that a verb waits for its approver a few times and not once for each item (L42).
 *
 * @param items stored records, in any number; so at most 32 questions are open at a time
 * @returns the answers in the order of the items
 * @throws the error of the first question that fails
 */
export async function askTogether<Item, Answer>(items: readonly Item[], ask: (item: Item) => Promise<Answer>): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  for (let i = 0; i < items.length; i += AT_ONCE) answers.push(...(await Promise.all(items.slice(i, i + AT_ONCE).map(ask))));
  return answers;
}
