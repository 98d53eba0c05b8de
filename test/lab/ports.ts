/**
 * Free loopback ports that stay this process's own, also while a server restarts. Ports are taken below the range that
 * the system hands out itself, in blocks; a block is held by listening on its first port, so that two runs never share
 * one and a killed run's blocks are free again at once.
 */

import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { createSocket } from 'node:dgram';

const FIRST = 10_000;
const LAST = 31_999;
const BLOCK = 250;

const holders: Server[] = [];
let next = 0;
let end = 0;
let turn: Promise<unknown> = Promise.resolve();

/** One port, free for TCP and UDP. */
export async function freePort(): Promise<number> {
  return inTurn(async () => {
    for (;;) {
      if (next >= end) {
        next = await holdBlocks(1);
        end = next + BLOCK - 1;
      }
      const port = next++;
      if (await isFree(port)) return port;
    }
  });
}

/** A row of at least `count` ports for RTP; single ones may be in use by others, which RTP stacks step over. */
export async function freePortRange(count: number): Promise<{ first: number; last: number }> {
  return inTurn(async () => {
    const blocks = Math.ceil((count + 2) / BLOCK);
    const first = await holdBlocks(blocks);
    const even = first + (first % 2);
    return { first: even, last: first + blocks * BLOCK - 2 };
  });
}

/** Whether somebody listens on this UDP port. On Linux without touching the port, which could be in the way of a bind. */
export function isBound(ip: string, port: number): boolean {
  if (process.platform !== 'linux') return true;
  const address = ip.split('.').toReversed().map((byte) => Number(byte).toString(16).padStart(2, '0')).join('');
  const wanted = `${address}:${port.toString(16).padStart(4, '0')}`.toUpperCase();
  return readFileSync('/proc/net/udp', 'utf8').split('\n').some((line) => line.trim().split(/\s+/)[1] === wanted);
}

/** One request after the other: two that look at once would both find the same port free. */
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const mine = turn.then(work, work);
  turn = mine;
  return mine;
}

/** Holds that many blocks in a row; resolves with the first usable port. */
async function holdBlocks(count: number): Promise<number> {
  const total = Math.floor((LAST + 1 - FIRST) / BLOCK);
  // Starting at random spares two runs that start together from walking the same taken blocks.
  const offset = Math.floor(Math.random() * total);
  for (let step = 0; step < total; step++) {
    const block = (offset + step) % total;
    if (block + count > total) continue;
    const first = FIRST + block * BLOCK;
    const held = await holdAll(Array.from({ length: count }, (_, index) => first + index * BLOCK));
    if (held) return first + 1;
  }
  throw new Error(`No ${count * BLOCK} ports in a row are free between ${FIRST} and ${LAST}.`);
}

async function holdAll(ports: number[]): Promise<boolean> {
  const servers: Server[] = [];
  for (const port of ports) {
    const server = await listen(port);
    if (server === undefined) {
      servers.forEach((taken) => taken.close());
      return false;
    }
    servers.push(server);
  }
  holders.push(...servers);
  return true;
}

async function listen(port: number): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy()).unref();
  return new Promise((done) => {
    server.once('error', () => done(undefined));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => done(server));
  });
}

async function isFree(port: number): Promise<boolean> {
  const tcp = await listen(port);
  if (tcp === undefined) return false;
  await new Promise((done) => tcp.close(done));
  const udp = createSocket('udp4');
  return new Promise((done) => {
    udp.once('error', () => done(false));
    udp.bind({ port, address: '127.0.0.1', exclusive: true }, () => udp.close(() => done(true)));
  });
}
