const service = `http://localhost:${process.env.PORT ?? 3000}`;

async function call(name, path, body = {}) {
  const headers = { authorization: `Bearer token-of-${name}`, 'content-type': 'application/json' };
  const response = await fetch(service + path, { method: 'POST', headers, body: JSON.stringify(body) });
  const answer = response.headers.get('content-type')?.includes('json') ? await response.json() : {};
  console.log(name, path.replace(id, ':id'), response.status, answer.outcome ?? answer.code ?? answer.title ?? 'done');
  return answer;
}

let id;
await call('maya', '/orders/1138/release');
id = (await call('maya', '/access/requests', { justification: 'order 1138 is stuck' })).id;
await call('maya', `/access/requests/${id}/approve`);
await call('sam', `/access/requests/${id}/approve`);
await call('maya', '/orders/1138/release');
await call('sam', '/access/revoke', { subject: 'user:maya', reason: 'the order is released' });
await call('maya', '/orders/1138/release');
