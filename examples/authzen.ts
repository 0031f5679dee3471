import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { JitEngine, MemoryGrantStore, reviewers } from 'jit-access';
import {
  createAuthzenHandler,
  createAuthzenMetadataHandler,
  type AuthzenHandler,
} from 'jit-access/authzen';
import {
  accessRequests,
  joseSigner,
} from 'jit-access/authzen/access-request';
import { toNodeHandler } from 'jit-access/http';
import { ManualClock } from 'jit-access/testing';
import * as jose from 'jose';

/** The clock is moved by hand; a service leaves it out. */
const clock = new ManualClock();
const engine = new JitEngine({
  store: new MemoryGrantStore(),
  clock,
  approver: reviewers({ members: ['user:sam'] }),
});

/** A decision point for the gateway, which also submits requests for access. `publicUrl` is the URL that the gateway calls. */
async function decisionPoint(publicUrl: string): Promise<AuthzenHandler> {
  const { privateKey } = await jose.generateKeyPair('ES256', {
    extractable: true,
  });
  return createAuthzenHandler(engine, {
    publicUrl,
    basePath: '/authzen/v1',
    identify: (request) =>
      request.headers.get('authorization') === 'Bearer s3cret'
        ? { subject: 'service:gateway' }
        : undefined,
    tokenKeys: [
      { id: '2026-01', secret: 'a secret of at least 32 random bytes' },
    ],
    // Signs the binding of a denial, so that only a denied evaluation can be submitted.
    accessRequests: accessRequests({
      signer: joseSigner(jose, {
        keys: [
          {
            kid: '2026-01',
            alg: 'ES256',
            jwk: await jose.exportJWK(privateKey),
          },
        ],
      }),
    }),
  });
}

async function main() {
  const server = createServer().listen(0, 'localhost');
  await once(server, 'listening');
  const publicUrl = `http://localhost:${(server.address() as AddressInfo).port}`;
  const authzen = await decisionPoint(publicUrl);
  const metadata = createAuthzenMetadataHandler([authzen]);
  const serveMetadata = toNodeHandler(metadata);
  const serveAuthzen = toNodeHandler(authzen);
  server.on('request', (request, response) =>
    serveAuthzen(request, response, () => serveMetadata(request, response)),
  );

  interface Answer {
    readonly decision?: boolean;
    readonly context?: {
      readonly reason: string;
      readonly evaluation_id?: string;
      readonly evaluated_at?: string;
      readonly access_request?: {
        readonly expires_at: string;
        readonly binding_token: string;
      };
      readonly approval?: {
        readonly id: string;
        readonly approved_until: string;
      };
    };
    readonly evaluations?: readonly { readonly decision: boolean }[];
    readonly results?: readonly { readonly name: string }[];
    readonly task?: {
      readonly id: string;
      readonly status: string;
      readonly status_endpoint: string;
    };
    readonly result?: {
      readonly mode: string;
      readonly approval: { readonly id: string };
    };
  }
  const call = async (url: string, body?: object, token = 's3cret') => {
    const response = await fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'idempotency-key': 'submit-1',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      ...(response.ok ? (JSON.parse(text) as Answer) : {}),
    };
  };

  // A client finds the endpoints in the metadata.
  const found = (await (
    await fetch(`${publicUrl}${authzen.metadataPath}`)
  ).json()) as Readonly<Record<string, string>>;
  const url = (endpoint: string) => found[`${endpoint}_endpoint`] ?? '';
  console.log(
    'evaluations go to',
    new URL(url('access_evaluation')).pathname,
  );

  const maya = { type: 'user', id: 'maya' };
  const prod = { type: 'db', id: 'prod' };
  const write = {
    subject: maya,
    resource: prod,
    action: { name: 'write' },
  };
  console.log(
    'without authentication:',
    (await call(url('access_evaluation'), write, 'guessed')).status,
  );

  const denied = await call(url('access_evaluation'), write);
  console.log('maya writes:', denied.decision, denied.context?.reason);

  // The denial can be submitted. The gateway copies its binding, and adds the reason that maya gave.
  const { evaluation_id, evaluated_at, reason, access_request } =
    denied.context ?? {};
  const denial = { evaluation_id, evaluated_at, reason, ...access_request };
  const submission = {
    ...write,
    denial,
    context: { business_justification: 'INC-204: the migration hangs' },
  };
  const submitted = await call(url('access_request'), submission);
  console.log('submitted:', submitted.status, submitted.task?.status);
  console.log(
    'submitted again, the same task:',
    (await call(url('access_request'), submission)).task?.id ===
      submitted.task?.id,
  );

  const [pending] = (await engine.listRequests({ subject: 'user:maya' }))
    .items;
  console.log(
    'the engine has:',
    pending?.scopes.join(),
    'requested by',
    pending?.requestedBy,
  );
  await engine.approve(pending?.id ?? '', { by: 'user:sam' });

  const decided = await call(submitted.task?.status_endpoint ?? '');
  console.log('task:', decided.task?.status, decided.result?.mode);
  const again = {
    ...write,
    context: { approval: decided.result?.approval },
  };
  const allowed = await call(url('access_evaluation'), again);
  console.log(
    'maya writes:',
    allowed.decision,
    'until',
    allowed.context?.approval?.approved_until,
  );

  const batch = {
    subject: maya,
    resource: prod,
    evaluations: [
      { action: { name: 'write' } },
      { action: { name: 'drop' } },
    ],
  };
  const { evaluations } = await call(url('access_evaluations'), batch);
  console.log(
    'write and drop:',
    evaluations?.map(({ decision }) => decision).join(),
  );
  const { results } = await call(url('search_action'), {
    subject: maya,
    resource: prod,
  });
  console.log('maya may:', results?.map(({ name }) => name).join());

  await clock.advance('1h');
  console.log(
    'an hour later:',
    (await call(url('access_evaluation'), write)).decision,
  );

  await engine.close();
  server.close();
  server.closeAllConnections();
}

void main();
