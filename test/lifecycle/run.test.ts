import { describe, expect, it } from 'vitest';
import { runSubject, type AgentRun } from '../../src/index.js';
import { refusal } from '../engine/an-engine.js';

const AGENT = 'agent:7';
const ANN = 'user:ann';
const RUN: AgentRun = { agent: AGENT, operator: ANN, job: 'ticket-1' };

describe('the subject of a run', () => {
  it('names agent and operator for people, and agent, operator and job by a digest (L43) [H2]', () => {
    expect(runSubject(RUN)).toMatch(/^agent:7\/run\/user_ann\/[0-9a-f]{32}$/);
    expect(runSubject({ agent: AGENT, job: 'ticket-1' })).toMatch(/^agent:7\/run\/-\/[0-9a-f]{32}$/);
    expect(runSubject({ agent: AGENT, operator: 'äö "x"\u{1F600}/y' })).toMatch(/^agent:7\/run\/____x____y\/[0-9a-f]{32}$/);
  });

  it('differs for every other agent, operator or job (L24) [H2]', () => {
    const ids = ['x', 'x/run', 'xx', 'x,y', 'null', '-', '_', 'x:y', 'x_y', '"x"', 'x","y'];
    const subjects = ids.flatMap((a) =>
      [undefined, ...ids].flatMap((b) =>
        [undefined, ...ids].flatMap((c) => (b === undefined && c === undefined ? [] : [runSubject({ agent: a, operator: b, job: c })])),
      ),
    );
    expect(new Set(subjects).size).toBe(11 * (12 * 12 - 1));
  });

  it('fits an id at its longest, and is cut between two characters [H2]', () => {
    const long = runSubject({ agent: 'a'.repeat(128), operator: 'o'.repeat(256), job: 'j'.repeat(256) });
    expect(long.length).toBe(246);
    const [, , cut] = runSubject({ agent: 'a', operator: `${'o'.repeat(79)}\u{1F600}` }).split('/');
    expect(cut).toBe('o'.repeat(79));
  });

  for (const [argument, run] of [
    ['run.agent', { agent: 'a'.repeat(129), operator: ANN }],
    ['run.agent', { agent: 'agent:7/run/x', operator: ANN }],
    ['run.agent', { agent: 'system:x', operator: ANN }],
    ['run.agent', { operator: ANN }],
    ['run.operator', { agent: AGENT }],
    ['run.operator', { agent: AGENT, operator: '' }],
    ['run.job', { agent: AGENT, job: 7 }],
    ['run', undefined],
    ['run', { agent: AGENT, operator: ANN, subject: ANN }],
  ] as const) {
    it(`L23 is refused, and the argument named: ${JSON.stringify(run)} [H2]`, async () => {
      expect((await refusal(() => runSubject(run as never), 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe(argument);
    });
  }
});
