import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { root } from './docs/pages.js';
import { autoApprove, JitEngine, MemoryGrantStore, reviewers, StoreError, type GrantStore } from '../src/index.js';
import { journalHead } from '../src/journal.js';
import { FaultyStore, ManualClock } from '../src/testing.js';

const NOW = Date.UTC(2026, 2, 14);
const ASK = { subject: 'user:maya', scope: 'db:write', ttl: '30m', justification: 'INC-1' } as const;

const engineOver = (store: GrantStore = new MemoryGrantStore(), clock = new ManualClock(NOW)) =>
  new JitEngine({ store, clock, approver: autoApprove(() => true) });

/* What the compiler and an editor say of a program. */

const FILE = join(root, 'test/a-program.ts');
const HEAD = `import { JitEngine, MemoryGrantStore, autoApprove } from '../src/index.js';
const engine = new JitEngine<'db:write'>({ store: new MemoryGrantStore(), approver: autoApprove(() => true) });
declare const agent: string;
`;
let program = '';
let version = 0;
const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as { config: object };
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
const service = ts.createLanguageService({
  getCompilationSettings: () => ({ ...options, noEmit: true }),
  getScriptFileNames: () => [FILE],
  getScriptVersion: (file) => (file === FILE ? String(version) : '1'),
  getScriptSnapshot: (file) => {
    const text = file === FILE ? program : ts.sys.readFile(file);
    return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
  },
  getCurrentDirectory: () => root,
  getDefaultLibFileName: ts.getDefaultLibFilePath,
  fileExists: (file) => file === FILE || ts.sys.fileExists(file),
  readFile: ts.sys.readFile,
});

const write = (text: string): void => {
  program = HEAD + text;
  version += 1;
};

function compilerSays(text: string): string {
  write(`${text}\nexport {};`);
  return service
    .getSemanticDiagnostics(FILE)
    .flatMap((diagnostic) => [diagnostic, ...(diagnostic.relatedInformation ?? [])])
    .map(({ messageText }): string => ts.flattenDiagnosticMessageText(messageText, ' '))
    .join('; ');
}

/** What an editor shows of each field of this object literal. */
function fieldsShown(call: string): Readonly<Record<string, string>> {
  write(`void ${call};\nexport {};`);
  return Object.fromEntries(
    [...program.slice(HEAD.length).matchAll(/(\w+): /g)].map(({ 1: name, index }) => {
      const info = service.getQuickInfoAtPosition(FILE, HEAD.length + index);
      return [name ?? '', ts.displayPartsToString(info?.documentation)] as const;
    }),
  );
}

// Reads the program once, outside the time of a test.
compilerSays('');

const messageOf = async (call: () => unknown): Promise<string> => {
  try {
    await call();
  } catch (error) {
    return (error as Error).message;
  }
  return 'no error';
};

describe('the likeliest mistakes say what to do', () => {
  it('[NC1] no `await`: the compiler asks for it', () => {
    expect(compilerSays("if (engine.isAllowed('user:maya', 'db:write')) console.log('in');")).toContain("Did you forget to use 'await'?");
    expect(compilerSays("if (engine.check('user:maya', 'db:write').allowed) console.log('in');")).toContain(
      "Did you forget to use 'await'?",
    );
  });

  it('[NC1] subject and scope swapped: the compiler names the scopes, and the error the subject', async () => {
    expect(compilerSays("void engine.check('db:write', 'user:maya');")).toContain(
      `not assignable to parameter of type 'Action<"db:write">'`,
    );
    expect(await messageOf(() => engineOver().assertAllowed('db:write', 'user:maya'))).toContain('db:write has no access to user:maya');
  });

  it('[NC1] seconds for milliseconds: the message names the unit', async () => {
    expect(await messageOf(() => engineOver().requestAccess({ ...ASK, ttl: 1_800 }))).toBe(
      "ttl must be a text with its unit, or at least 60000; got 1800, which looks like seconds: write '30m', or '1s800ms'",
    );
    const { ttl: _, ...ask } = ASK;
    const until = NOW / 1000 + 1800;
    expect(await messageOf(() => engineOver().requestAccess({ ...ask, until }))).toContain('an instant is epoch milliseconds');
  });

  it('[NC1] a pattern on exact scopes: the message names the option', async () => {
    expect(await messageOf(() => engineOver().requestAccess({ ...ASK, scope: 'db:*' }))).toContain('the option `scopes: patternScopes`');
    expect(await messageOf(() => engineOver().check('user:maya', 'db:*'))).toContain('no pattern here');
  });

  it('[NC1] no sweeper: access still ends at the check', async () => {
    const clock = new ManualClock(NOW);
    const engine = engineOver(new MemoryGrantStore(), clock);
    await engine.requestAccess(ASK);
    await clock.advance('30m');
    expect(await engine.isAllowed('user:maya', 'db:write')).toBe(false);
  });

  it('[NC1] the in-memory store in two processes: an editor says that they share nothing', () => {
    write('');
    const info = service.getQuickInfoAtPosition(FILE, HEAD.indexOf('MemoryGrantStore()'));
    expect(ts.displayPartsToString(info?.documentation)).toContain('Another process sees none of them');
  });

  it('[NC1] two copies of the package: the message names the bundler too', async () => {
    const message = await messageOf(() => journalHead({ ...engineOver() } as never));
    expect(message).toContain('Two copies');
    expect(message).toContain('serverExternalPackages');
  });

  it('[NC1] a reviewer who is the subject: the message says who may', async () => {
    const approver = reviewers({ members: ['user:maya', 'user:sam'] });
    const engine = new JitEngine({ store: new MemoryGrantStore(), clock: new ManualClock(NOW), approver });
    const { request } = await engine.requestAccess(ASK);
    expect(await messageOf(() => engine.approve(request.id, { by: 'user:maya' }))).toContain('another reviewer must');
  });

  it('[NC1] a closed engine: the message says when to close it', async () => {
    const engine = engineOver();
    await engine.close();
    expect(await messageOf(() => engine.isAllowed('user:maya', 'db:write'))).toContain('close it only when the process ends');
  });

  it('[NC1] a store that is down: the error gives its reason, and nothing is allowed', async () => {
    const store = new FaultyStore(new MemoryGrantStore());
    const engine = engineOver(store);
    store.inject('all', { fault: 'reject', error: new Error('connect ECONNREFUSED 10.0.0.5:5432') });
    await expect(engine.isAllowed('user:maya', 'db:write')).rejects.toThrow(StoreError);
    expect(await messageOf(() => engine.isAllowed('user:maya', 'db:write'))).toBe('store.live: connect ECONNREFUSED 10.0.0.5:5432');
  });
});

it('[NC1] an editor shows the default and the bound of each field of an ask', () => {
  const asks = {
    ...fieldsShown(`engine.requestAccess({
  subject: '', scope: 'db:write', scopes: [], ttl: 1, until: 1, startsAt: 1, justification: '', ticket: '', requestedBy: '', by: '',
  idempotencyKey: '', metadata: {}, correlation: '',
})`),
    ...fieldsShown('engine.requestAccess({ run: { agent } })'),
  };
  expect(Object.keys(asks)).toHaveLength(14);
  for (const [field, text] of Object.entries(asks)) {
    expect(text, field).toMatch(/efault|Required/);
    expect(text, field).toMatch(/\d|limits\.|Bounds/);
  }
  for (const field of ['ttl', 'until', 'startsAt']) expect(asks[field], field).toContain('milliseconds');
});
