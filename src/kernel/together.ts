/** How many questions to an approver a verb has open at a time. */
const AT_ONCE = 32;

/**
 * Asks about many items side by side, so that a verb waits for its approver a few times and not once for each item (L42).
 *
 * @param items how many they are is bounded only by what is stored, so no more than 32 questions are open at a time
 * @returns the answers in the order of the items
 * @throws what the first question that fails rejects with
 */
export async function askTogether<Item, Answer>(items: readonly Item[], ask: (item: Item) => Promise<Answer>): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  for (let i = 0; i < items.length; i += AT_ONCE) answers.push(...(await Promise.all(items.slice(i, i + AT_ONCE).map(ask))));
  return answers;
}
