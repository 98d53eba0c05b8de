/** A TCP proxy between a link and Asterisk that can drop, stall and slip something in: a bad network on demand. */
import { connect, createServer, type Server, type Socket } from 'node:net';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  webSocket: boolean;
}

export class TcpProxy {
  readonly port: number;
  readonly #listener: Server;
  readonly #pairs = new Set<Pair>();

  private constructor(listener: Server, port: number) {
    this.#listener = listener;
    this.port = port;
  }

  static async start(targetPort: number): Promise<TcpProxy> {
    const listener = createServer();
    await new Promise<void>((done) => listener.listen(0, '127.0.0.1', done));
    const proxy = new TcpProxy(listener, (listener.address() as { port: number }).port);
    listener.on('connection', (client) => proxy.#accept(client, targetPort));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Cuts every connection, as a firewall that forgets. */
  drop(): void {
    for (const pair of this.#pairs) {
      pair.client.resetAndDestroy();
      pair.server.resetAndDestroy();
    }
  }

  /** Lets nothing through any more on the connections there are; they stay open. */
  stall(): void {
    for (const { client, server } of this.#pairs) {
      client.unpipe();
      server.unpipe();
      client.pause();
      server.pause();
    }
  }

  /** Sends a text message to the client of the event socket, as if it came from Asterisk. */
  slipIn(text: string): void {
    const payload = Buffer.from(text, 'utf8');
    const head = payload.length < 126 ? Buffer.from([0x81, payload.length]) : Buffer.from([0x81, 126, payload.length >> 8, payload.length & 0xff]);
    for (const pair of this.#pairs) if (pair.webSocket) pair.client.write(Buffer.concat([head, payload]));
  }

  async close(): Promise<void> {
    this.drop();
    await new Promise((done) => this.#listener.close(done));
  }

  #accept(client: Socket, targetPort: number): void {
    const pair: Pair = { client, server: connect({ port: targetPort, host: '127.0.0.1', noDelay: true }), webSocket: false };
    this.#pairs.add(pair);
    client.setNoDelay(true);
    client.once('data', (head: Buffer) => (pair.webSocket = /upgrade: *websocket/i.test(head.toString('latin1'))));
    client.pipe(pair.server).pipe(client);
    for (const socket of [client, pair.server]) {
      socket.on('error', () => {});
      socket.once('close', () => {
        client.destroy();
        pair.server.destroy();
        this.#pairs.delete(pair);
      });
    }
  }
}
