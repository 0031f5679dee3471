import { afterEach, expect, it } from 'vitest';
import { ANA, KOSTA, LEE, MAYA } from '../../src/features/command-line/dev/people.js';
import { describeChromium } from './chromium.js';
import { aWorld, type World } from './console-world.js';

const READ = 'db-prod:orders:read';
const WRITE = 'db-prod:orders:write';

let world: World;
afterEach(() => world.close());

describeChromium('the console, after events of other people', (browser) => {
  const ask = async (subject: string, scope: string) => {
    const { request } = await world.engine.requestAccess({ subject, scope, ttl: '1h', justification: 'A look', ticket: 'INC-4711' });
    return request.id;
  };
  /** What the page has read since the last call, without the stream: the paths, with the ids of requests as `:id`. */
  let from = 0;
  const reads = (): readonly string[] => {
    const all = world.answers.slice(from).filter((answer) => !answer.includes('/events'));
    from = world.answers.length;
    return all.map((answer) => answer.replace(/^GET \/access\/v1|\?.*| \d+$/g, '').replace(/requests\/[^/]+/, 'requests/:id'));
  };
  /** Until the page has read what the events so far ask for. */
  const quiet = async () => {
    for (let before = -1; before !== world.answers.length; await world.advance(2_000)) before = world.answers.length;
  };

  it('looks once whether a new request is the viewer’s, and reads nothing after its other events', async () => {
    world = await aWorld(browser, { isEmpty: true });
    const page = await world.open(ANA);
    await page.getByText('You hold no access now.').waitFor();
    await quiet();
    reads();
    const foreign = await ask(LEE, READ);
    await expect.poll(async () => (await world.advance(500), reads())).toEqual(['/requests']);
    await world.engine.approve(foreign, { by: KOSTA });
    // Its events come after those of the approval.
    const own = await ask(ANA, READ);
    await world.pass(page.getByText('Pending requests'));
    await quiet();
    const all = reads();
    expect(all.filter((path) => path === '/me')).toHaveLength(1);
    expect(all.filter((path) => path.startsWith('/requests/:id'))).toEqual(['/requests/:id/reviewers']);
    await world.engine.approve(own, { by: KOSTA });
    await world.pass(page.getByText('You hold 1 scope'));
  });

  it('reads what the subject of an inbox row holds only after a change of those grants', async () => {
    world = await aWorld(browser, { isEmpty: true });
    await ask(MAYA, WRITE);
    const page = await world.open(ANA, 'inbox');
    await page.getByText('Holds nothing that overlaps.').waitFor();
    await quiet();
    reads();
    // A rule approves it at once, and Ana may see the engineers' grants.
    await world.engine.requestAccess({ subject: LEE, scope: 'logs:checkout', ttl: '1h' });
    const foreign = await ask(LEE, READ);
    await world.engine.approve(foreign, { by: KOSTA });
    await quiet();
    expect(reads().filter((path) => path === '/grants')).toEqual([]);
    const held = await ask(MAYA, READ);
    await world.engine.approve(held, { by: KOSTA });
    await quiet();
    expect(reads().filter((path) => path === '/grants')).toEqual(['/grants']);
  });
});
