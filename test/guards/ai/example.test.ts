import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const PAUSED =
  '  the run has paused: Access to billing:1138:refund was requested and waits for review (request ...). Nothing was done yet.';

describe('an example of an agent', () => {
  it('agent-tool.ts prints the output in its docs', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', 'examples/agent-tool.ts'], {
      cwd: root,
      env: { ...process.env, TSX_TSCONFIG_PATH: 'examples/tsconfig.json' },
    });
    expect(stdout.trimEnd().split('\n')).toEqual([
      'The agent wants to refund order 1138.',
      PAUSED,
      'Another agent tries to approve it.',
      '  refused: ERR_JIT_NOT_REVIEWER',
      'Olga looks at it, and approves.',
      '  she reads: Tool call: refund. The model gives this unverified reason: "it arrived broken"',
      '  the model receives: {"type":"text","value":"order 1138 is refunded"}',
      'Ten minutes later it wants to refund it once more.',
      PAUSED,
      'Olga has seen enough.',
      '  the model receives: {"type":"execution-denied","reason":"The request for billing:1138:refund was denied: it was refunded already. Nothing was done."}',
    ]);
  });
});
