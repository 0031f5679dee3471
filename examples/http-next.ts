import { JitEngine, MemoryGrantStore, reviewers } from 'jit-access';
import { createHttpHandler } from 'jit-access/http';

const engine = new JitEngine({
  store: new MemoryGrantStore(),
  approver: reviewers({ members: ['user:sam'] }),
});

/** The sessions that a login has made. */
const users = new Map([['session-of-sam', 'user:sam']]);

// In Next this is the file app/access/[...path]/route.ts.
// service: begin
const handler = createHttpHandler(engine, {
  identify: (request) => {
    const subject = users.get(request.headers.get('x-session') ?? '');
    return subject === undefined ? undefined : { subject };
  },
  basePath: '/access',
});
export const GET = handler;
export const POST = handler;
// service: end

async function main() {
  await engine.requestAccess({
    subject: 'user:maya',
    scope: 'db-prod:write',
    ttl: '30m',
    justification: 'a hotfix',
  });
  const request = new Request('http://localhost/access/v1/inbox', {
    headers: { 'x-session': 'session-of-sam' },
  });
  const { items } = (await (await GET(request)).json()) as {
    items: { request: { subject: string }; missingInWords: string }[];
  };
  console.log(
    items
      .map(
        ({ request: { subject }, missingInWords }) =>
          `${subject}: ${missingInWords}`,
      )
      .join(),
  );
}

void main();
