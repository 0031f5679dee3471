import { afterEach, expect, it } from 'vitest';
import { ANA, KOSTA, LEE, MAYA } from '../../src/cli/dev/example/people.js';
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
  /** The answers to the page that fit a pattern, without the stream and without the first `skipped` of all answers. */
  const reads = (pattern: RegExp, skipped = 0): readonly string[] =>
    world.answers.slice(skipped).filter((answer) => !answer.includes('/events') && pattern.test(answer));

  it('looks once whether a new request is the viewer’s, and reads nothing after its other events', async () => {
    world = await aWorld(browser, { isEmpty: true });
    const page = await world.open(ANA);
    await page.getByText('You hold no access now.').waitFor();
    // The page looks whether a new request is Ana's own. Only this read asks for no names of people.
    const looks = () => reads(/^GET \/access\/v1\/requests\?(?!.*people=)/).length;
    // After the first event of the stream, the page reads all once again. That event comes before the one of this request.
    await ask(LEE, WRITE);
    await world.pass(() => looks() >= 1);
    await world.advance(2_000);
    const first = world.answers.length;
    const foreign = await ask(LEE, READ);
    await world.pass(() => looks() >= 2);
    await world.advance(2_000);
    expect(reads(/ \/access\//, first)).toEqual([expect.stringContaining('/requests?')]);
    await world.engine.approve(foreign, { by: KOSTA });
    // Its events come after those of the approval.
    const own = await ask(ANA, READ);
    await world.pass(page.getByText('Pending requests'));
    expect(reads(/ \/access\/v1\/me\?/, first)).toHaveLength(1);
    expect(reads(/ \/access\/v1\/requests\/./, first)).toEqual([expect.stringContaining('/reviewers')]);
    await world.engine.approve(own, { by: KOSTA });
    await world.pass(page.getByText('You hold 1 scope'));
  });

  it('reads what the subject of an inbox row holds only after a change of those grants', async () => {
    world = await aWorld(browser, { isEmpty: true });
    await ask(MAYA, WRITE);
    const page = await world.open(ANA, 'inbox');
    await page.getByText('Holds nothing that overlaps.').waitFor();
    const lists = () => reads(/^GET \/access\/v1\/grants\?/).length;
    /** Until the page has read so many grants: Ana may see the engineers', so it looks whose each new one is. */
    const looks = async (count: number) => {
      await world.pass(() => reads(/ \/access\/v1\/grants\/./).length >= count);
      await world.advance(2_000);
    };
    // After the first event of the stream, the page reads its caller, then all once again. Both have ended after the first look.
    await world.pass(() => reads(/ \/access\/v1\/me\?/).length >= 2);
    await world.engine.approve(await ask(LEE, WRITE), { by: KOSTA });
    await looks(1);
    const first = lists();
    await world.engine.approve(await ask(LEE, READ), { by: KOSTA });
    await looks(2);
    expect(lists()).toBe(first);
    await world.engine.approve(await ask(MAYA, WRITE), { by: KOSTA });
    await world.pass(page.getByText('Already holds'));
    expect(lists()).toBe(first + 1);
  });
});
