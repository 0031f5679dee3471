/*
 * A slow network between a client and a server. Ends when its parent disconnects.
 *
 *   slow-network-worker.ts <host> <port> <milliseconds on the way to the server>
 */
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

const [host = '', port, delayMs] = process.argv.slice(2);

const network = createServer((client) => {
  const server = connect({ host, port: Number(port), noDelay: true });
  client.setNoDelay(true);
  // Timers of one length fire in the order in which they were set.
  client.on('data', (chunk) => setTimeout(() => server.write(chunk), Number(delayMs)));
  server.on('data', (chunk) => client.write(chunk));
  for (const [one, other] of [[client, server] as const, [server, client] as const]) {
    one.on('error', () => undefined);
    one.on('close', () => other.destroy());
  }
});
network.listen(0, '127.0.0.1', () => process.send?.((network.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());
