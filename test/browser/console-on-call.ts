import { expect } from 'vitest';
import { ANA, MAYA, NOOR } from '../../src/cli/dev/example/people.js';
import type { World } from './console-world.js';

const SCOPE = 'db-prod:orders:write';
const MINUTE = 60_000;

/** The on-call incident, from the ask to the history: two people in two windows, and an auditor afterwards. */
export async function playOnCall(world: World): Promise<void> {
  const { engine, advance, pass } = world;
  const ana = await world.open(ANA, 'inbox');
  await ana.getByText('No request waits for your review.').waitFor();

  // A guard has refused Maya, and its link leads to the form.
  const maya = await world.open(MAYA, `ask?scope=${SCOPE}`);
  await maya.getByLabel('Why').fill('Orders wait for a payment that has arrived');
  await maya.getByLabel('Ticket').fill('INC-4711');
  await maya.getByRole('button', { name: 'See what will happen' }).click();
  await maya.getByRole('button', { name: 'Send request' }).click();
  await maya.getByText('Waits for approval').first().waitFor();
  expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);

  // The inbox was empty, so that nothing moves under its reader: her request comes by itself.
  const row = ana.getByRole('listitem', { name: /Maya Lindqvist asks for/ });
  await pass(row);
  await row.getByRole('link', { name: 'INC-4711' }).or(row.getByText('INC-4711')).first().waitFor();
  await row.getByRole('button', { name: /^Approve/ }).click();
  await ana.getByText('Not sent yet.').waitFor();
  await advance(4_900);
  expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
  await pass(ana.getByText('Your approval is recorded.'));
  expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);

  await pass(maya.getByText('Granted', { exact: true }).first());
  await maya.getByRole('link', { name: 'My access' }).click();
  await maya.getByText('You hold 1 scope').waitFor();
  await advance(MINUTE);
  await maya
    .getByRole('button', { name: /^Release/ })
    .first()
    .click();
  await maya.getByRole('dialog').getByRole('button', { name: 'Release' }).click();
  await maya.getByText('You hold no access now.').waitFor();
  expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);

  await advance(MINUTE);
  const noor = await world.open(NOOR, `history?scope=${SCOPE}`);
  await noor
    .getByText(/released by/)
    .first()
    .waitFor();
  expect(await noor.locator('main').innerText()).toContain('Maya Lindqvist');
  expect(world.errors).toEqual([]);
}
