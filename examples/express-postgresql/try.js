const service = `http://localhost:${process.env.PORT ?? 3000}`;

async function call(name, path, body = {}) {
  const headers = {
    authorization: `Bearer token-of-${name}`,
    'content-type': 'application/json',
  };
  const response = await fetch(service + path, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  console.log(
    name,
    path.replace(id, ':id'),
    response.status,
    answer.outcome ?? answer.title ?? 'done',
  );
  return answer;
}

let id;
await call('maya', '/orders/1138/release');
const ask = {
  scope: 'orders:release',
  ttl: '15m',
  justification: 'order 1138 is stuck',
};
id = (await call('maya', '/access/v1/requests', ask)).request.id;
await call('maya', `/access/v1/requests/${id}/approve`);
await call('sam', `/access/v1/requests/${id}/approve`);
await call('maya', '/orders/1138/release');
await call('maya', '/access/v1/revocations', { subject: 'user:sam' });
await call('sam', '/access/v1/revocations', {
  subject: 'user:maya',
  reason: 'the order is released',
});
await call('maya', '/orders/1138/release');
