/**
 * The door for FastAGI. It is open while this daemon leads an Asterisk, so that of two daemons on one machine the one
 * that can answer is the one that is asked.
 */
import { randomBytes } from 'node:crypto';
import { BlockList, createServer, isIP } from 'node:net';
import type { Server, Socket } from 'node:net';
import { Timers } from '../clock.ts';
import type { Log } from '../ports.ts';
import type { Settings } from '../../config/schema.ts';
import type { AgiCalls } from './agi-calls.ts';
import { AgiConnection } from './connection.ts';
import { AgiRefused } from './line-buffer.ts';
import { parseRequest } from './request.ts';
import { play } from './script.ts';

export interface AgiDoorParts {
  readonly settings: Settings['agi'];
  /** null: that Asterisk is not in the settings; undefined: this daemon does not lead it. */
  readonly callsOf: (serverId: number) => AgiCalls | null | undefined;
  readonly leadsAny: () => boolean;
  readonly log: Log;
}

/** So often it is looked at who leads, and a port that another process has is tried again. */
const EVERY_MS = 250;

export class AgiDoor {
  readonly #parts: AgiDoorParts;
  readonly #allowed: BlockList;
  readonly #timers = new Timers<'look'>();
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  /** That it cannot listen is told once, not at every try. */
  #told = false;

  constructor(parts: AgiDoorParts) {
    this.#parts = parts;
    this.#allowed = allowed(parts.settings.allow);
    if (parts.settings.port > 0) this.#look();
  }

  get open(): boolean {
    return this.#server?.listening ?? false;
  }

  close(): void {
    this.#timers.clearAll();
    this.#shut();
  }

  #look(): void {
    const leads = this.#parts.leadsAny();
    if (leads && this.#server === null) this.#listen();
    if (!leads && this.#server !== null) this.#shut();
    this.#timers.set('look', EVERY_MS, () => this.#look());
  }

  #listen(): void {
    const { settings, log } = this.#parts;
    const server = createServer((socket) => this.#accept(socket));
    this.#server = server;
    server.maxConnections = settings.mostConnections;
    server.on('drop', () => log.warn({ most: settings.mostConnections }, 'More FastAGI connections come than agi.mostConnections: those beyond are closed'));
    server.on('error', (error) => {
      if (!this.#told) log.error({ err: error, host: settings.host, port: settings.port }, 'FastAGI cannot listen, tried again');
      this.#told = true;
      server.close();
      if (this.#server === server) this.#server = null;
    });
    server.listen(settings.port, settings.host, () => {
      this.#told = false;
      log.info({ host: settings.host, port: settings.port }, 'FastAGI listens');
    });
  }

  #shut(): void {
    this.#server?.close();
    this.#server = null;
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    // Without an address it is gone already.
    if (isIP(address) === 0 || !this.#allowed.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')) {
      this.#parts.log.warn({ address }, 'FastAGI from an address that is not in agi.allow is refused');
      socket.destroy();
      return;
    }
    socket.setNoDelay(true);
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    const connection = new AgiConnection(socket, this.#parts.settings.timeoutMs);
    this.#serve(connection)
      .catch((error: unknown) => this.#tell(address, error))
      .finally(() => connection.close());
  }

  async #serve(connection: AgiConnection): Promise<void> {
    const { callsOf, log } = this.#parts;
    const request = parseRequest(await connection.words());
    const calls = callsOf(request.serverId);
    if (calls === null) throw new AgiRefused(`there is no Asterisk ${request.serverId} in the settings`);
    if (calls === undefined) throw new AgiRefused(`another daemon leads Asterisk ${request.serverId}`);
    await play({ connection, request, calls, mark: randomBytes(12).toString('hex'), log });
  }

  #tell(address: string, error: unknown): void {
    const { log } = this.#parts;
    if (error instanceof AgiRefused) log.warn({ address, reason: error.message }, 'A FastAGI connection is refused');
    else if (error instanceof Error && 'code' in error) log.debug({ err: error, address }, 'A FastAGI connection broke');
    else log.error({ err: error, address }, 'A FastAGI connection broke an invariant and is ended');
  }
}

function allowed(entries: readonly string[]): BlockList {
  const list = new BlockList();
  list.addSubnet('127.0.0.0', 8, 'ipv4');
  list.addAddress('::1', 'ipv6');
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}
