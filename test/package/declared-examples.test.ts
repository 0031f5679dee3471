import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { check, compilers, settings } from './compile.js';
import { declaredExamples, exportedNames, type DeclaredExample } from './declared-examples.js';
import { entries, root } from './entries.js';

/** What a name means that an example assumes: it is declared only where an example uses it. */
const TAKEN_FOR_GRANTED: Readonly<Record<string, string>> = {
  ask: "declare const ask: import('jit-access').AccessAsk;",
  approver: "declare const approver: import('jit-access').Approver;",
  backfill: 'declare const backfill: (options: { signal: AbortSignal }) => Promise<void>;',
  batches: 'declare const batches: readonly string[];',
  chat: 'declare const chat: { post(groups: readonly string[] | undefined, text: string): Promise<void> };',
  connectionString: 'declare const connectionString: string;',
  Database: "declare const Database: new (path: string) => import('kysely').SqliteDatabase;",
  db: "declare const db: import('kysely').Kysely<unknown>;",
  engine: "declare const engine: import('jit-access').JitEngine;",
  entry: "declare const entry: import('jit-access').AuditEntry;",
  error: 'declare const error: unknown;',
  exported: "declare const exported: import('jit-access').Anchor;",
  generateText: "import { generateText } from 'ai';",
  head: "declare const head: import('jit-access').Anchor;",
  isManagerOf: 'declare const isManagerOf: (reviewer: string) => Promise<boolean>;',
  Kysely: "import { Kysely } from 'kysely';",
  model: "declare const model: import('ai').LanguageModel;",
  MyGrantStore:
    "declare const MyGrantStore: { connect(options: { url: string; namespace: string }): Promise<import('jit-access').GrantStore & { close(): Promise<void>; pool: { pause(): Promise<() => Promise<void>> } }> };",
  pg: "import pg from 'pg';",
  PostgresDialect: "import { PostgresDialect } from 'kysely';",
  post: 'declare const post: (body: unknown) => Promise<{ readonly status: number }>;',
  prompt: 'declare const prompt: string;',
  randomUUID: "import { randomUUID } from 'node:crypto';",
  readFileSync: "import { readFileSync } from 'node:fs';",
  Redis: "import { Redis } from 'ioredis';",
  refund: 'declare const refund: (order: string, signal: AbortSignal) => Promise<string>;',
  request: 'declare const request: Request;',
  requestId: 'declare const requestId: string;',
  secret: 'declare const secret: string;',
  secrets: 'declare const secrets: readonly string[];',
  session: 'declare const session: { readonly userId: string };',
  sessionOf: 'declare const sessionOf: (request: Request) => { readonly userId: string } | undefined;',
  siem: "declare const siem: { send(entries: readonly import('jit-access').AuditEntry[]): Promise<void> };",
  SqliteDialect: "import { SqliteDialect } from 'kysely';",
  store: "declare const store: import('jit-access').GrantStore;",
  Tables: 'interface Tables {}',
  url: 'declare const url: string;',
  userOf: 'declare const userOf: (context: unknown) => { readonly id: string } | undefined;',
  write: 'declare const write: (batch: string, options: { signal: AbortSignal }) => Promise<void>;',
  writeFile: "import { writeFile } from 'node:fs/promises';",
  z: "import { z } from 'zod';",
};

/** The meaning or declaration of a name in one example: by entry and owner. */
const OF_ONE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'ai.mcpTool': {
    server: "import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';\ndeclare const server: McpServer;",
    refund: "declare const refund: (order: string, signal: AbortSignal) => Promise<{ content: { type: 'text'; text: string }[] }>;",
  },
  'ai.needsApproval': {
    tool: "import { tool } from '@openai/agents';",
    refundOrder: 'declare const refundOrder: (input: { order: string }) => Promise<string>;',
  },
  'ai.toolApproval': {
    refund:
      "import { tool } from 'ai';\nimport { z } from 'zod';\nconst refund = tool({ inputSchema: z.object({ order: z.string() }), execute: async ({ order }) => order });",
    weather:
      "import { tool as tool2 } from 'ai';\nimport { z as z2 } from 'zod';\nconst weather = tool2({ inputSchema: z2.object({}), execute: async () => 'sunny' });",
  },
  'authzen.createAuthzenHandler': {
    serviceOf: 'declare const serviceOf: (request: Request) => Promise<{ readonly subject: string } | undefined>;',
  },
  'authzen/access-request.accessRequests': {
    jose: "import * as jose from 'jose';",
    keys: "declare const keys: readonly import('jit-access/authzen/access-request').SigningKey[];",
    options: "declare const options: import('jit-access/authzen').AuthzenOptions;",
  },
  'authzen.createAuthzenMetadataHandler': {
    authzen: "declare const authzen: import('jit-access/authzen').AuthzenHandler;",
  },
  'redis.contractNamespaces': {
    client: "declare const client: ReturnType<typeof import('redis').createClient>;",
  },
  'redis.fromNodeRedis': {
    createClient: "import { createClient } from 'redis';",
  },
  'store.serialCommits': {
    backend: "declare const backend: import('jit-access/store').SerialBackend<import('jit-access/store').BackendState>;",
    change: "declare const change: import('jit-access/store').Change;",
  },
  'redis.redisGrantStore': {
    createClient: "import { createClient } from 'redis';",
  },
  'react.useAccess': {
    client: "declare const client: import('jit-access/client').AccessClient;",
  },
  'console.createConsoleHandler': { app: "declare const app: import('express').Express;" },
  'http.createHttpHandler': {
    sessionOf:
      'declare const sessionOf: (request: Request) => Promise<{ readonly subject: string; readonly roles: readonly string[] } | undefined>;',
  },
  'http.toNodeHandler': {
    app: "declare const app: import('express').Express;",
    handler: "declare const handler: import('jit-access/http').HttpHandler;",
  },
  'http.toProblem': {
    app: "declare const app: { use(handler: import('express').ErrorRequestHandler): void };",
  },
  'express.requireGrant': {
    app: "import type {} from 'express-serve-static-core';\ndeclare module 'express-serve-static-core' { interface Request { user?: { id: string } } }\ndeclare const app: import('express').Express;",
  },
  'fastify.jitAccess': {
    app: "declare module 'fastify' { interface FastifyRequest { session: { userId: string } } }\ndeclare const app: import('fastify').FastifyInstance;",
  },
  'index.amend': { request: "declare const request: import('jit-access').AccessRequest;" },
  'links.approvalLinks': { request: "declare const request: import('jit-access').AccessRequest;" },
  'provisioning.provision': {
    warehouse:
      'declare const warehouse: { setRole(subject: string, scope: string, held: boolean, options: { readonly signal: AbortSignal }): Promise<void> };',
  },
  'provisioning.dismissChange': { change: 'declare const change: { readonly id: string };' },
  'sql.fromNodeSqlite': {
    DatabaseSync: "declare const DatabaseSync: new (path: string) => import('jit-access/sql').NodeSqliteLike;",
  },
  'sql.resilientPostgresJs': {
    PostgresJSDialect: "declare const PostgresJSDialect: new (config: { postgres: unknown }) => import('kysely').Dialect;",
    postgres: "declare const postgres: (url: string) => import('jit-access/sql').PostgresJsLike;",
  },
  'sql.fromBunSqlite': { Database: "declare const Database: new (path: string) => import('jit-access/sql').BunSqliteLike;" },
  'sql.fromPglite': { PGlite: "declare const PGlite: new (path: string) => import('jit-access/sql').PgliteLike;" },
  'hono.requireGrant': { app: "import type { Hono } from 'hono';\ndeclare const app: Hono;" },
  'nest.JitAccessModule': { Request: 'interface Request { user?: { id: string } }' },
  'nest.RequireGrant': { Post: "import { Post } from '@nestjs/common';" },
  'testing.guardContract': {
    createApp:
      "interface Req { header(name: string): string | undefined; readonly params: { readonly id: string } }\ninterface Res { stream(body: AsyncIterable<string>): void }\ndeclare const createApp: () => { get(path: string, guard: unknown, handler: (req: Req, res: Res) => void): void; listen(port: number): Promise<{ readonly url: string; close(): Promise<void> }> };\ndeclare const requireGrant: (engine: unknown, options: unknown) => unknown;\ndeclare const accessOf: (request: Req) => import('jit-access/guard').Access;",
  },
};

/** Examples of a member of a class are put into a method of one. */
const IN_A_CLASS = new Set(['nest.RequireGrant']);

/** Packages that examples import, or would import, next to this package: not peers, which are installed. */
const OTHERS = [
  'redis',
  'ioredis',
  'pg',
  '@types/pg',
  'vitest',
  'ai',
  'zod',
  '@openai/agents',
  '@modelcontextprotocol/sdk',
  '@types/express-serve-static-core',
];

const dist = () => join(inject('installed'), 'node_modules/jit-access/dist');

/** A module of an example, preceded by what it assumes. */
function moduleOf({ owner, entry, code }: DeclaredExample, exported: ReadonlyMap<string, ReadonlySet<string>>): string {
  const used = new Set(code.match(/[A-Za-z_$][\w$]*/g));
  const declared = new Set(
    [...code.matchAll(/\b(?:const|let|class|function|import)\s+(\{[^}]*\}|\w+)/g)].flatMap(([, names = '']) => names.match(/\w+/g) ?? []),
  );
  const own = OF_ONE[`${entry}.${owner}`] ?? {};
  const said = Object.entries({ ...TAKEN_FOR_GRANTED, ...own }).filter(([name]) => used.has(name) && !declared.has(name));
  const given = new Set([
    ...declared,
    ...said.map(([name]) => name),
    ...said.flatMap(([, text]) => text.match(/(?<=const |interface |import )\w+/g) ?? []),
  ]);
  const order = [entry, 'index', ...entries.map(({ name }) => name)];
  const imported = [...used].flatMap((name) => {
    const from = given.has(name) ? undefined : order.find((candidate) => exported.get(candidate)?.has(name));
    return from === undefined ? [] : [`import { ${name} } from '${from === 'index' ? 'jit-access' : `jit-access/${from}`}';`];
  });
  const body = IN_A_CLASS.has(`${entry}.${owner}`) ? `export class Example {\n${code}\n}` : code;
  return [...imported, ...said.map(([, text]) => text), body, 'export {};', ''].join('\n');
}

describe('the examples of the published declarations', () => {
  it.each(Object.entries(compilers).filter(([version]) => version !== '5.9'))(
    'compile, each by itself, on TypeScript %s',
    async (version, compiler) => {
      const examples = declaredExamples(dist());
      const exported = exportedNames(dist());
      expect(examples.length).toBeGreaterThan(40);
      const name = `examples ${version}`;
      const modules = join(inject('installed'), name.replace(/[^\w.]+/g, '-'), 'node_modules');
      for (const other of OTHERS) {
        mkdirSync(dirname(join(modules, other)), { recursive: true });
        symlinkSync(join(root, 'node_modules', other), join(modules, other), 'junction');
      }
      const files = Object.fromEntries(
        examples.map((example, i) => [`${example.entry.replaceAll('/', '-')}-${example.owner}-${i}.mts`, moduleOf(example, exported)]),
      );
      const options = {
        ...settings['nodenext, types of Node'],
        lib: ['es2022', 'dom', 'dom.iterable'],
        experimentalDecorators: true,
        skipLibCheck: true,
      };
      const printed = await check(name, compiler, options, files);
      expect(printed.split('\n').filter((line) => line !== '')).toEqual([]);
    },
  );
});
