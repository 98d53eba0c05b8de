/** Leases on the leadership of an Asterisk, and the fence that keeps out whoever led before. */
import type { Redis } from 'ioredis';
import { leadKey } from './keys.ts';
import { runScript } from './scripts.ts';
import type { Fence } from './scripts.ts';

export type LeaseAnswer =
  | { readonly kind: 'lead'; readonly token: number }
  | { readonly kind: 'other'; readonly daemon: string }
  /** Nobody leads; `ever`: somebody did. */
  | { readonly kind: 'free'; readonly ever: boolean };

export interface LeaseRequest {
  readonly serverId: number;
  readonly daemon: string;
  readonly lifeMs: number;
  /** The last token it had; 0: none. */
  readonly token: number;
  /** False: a lease that has vanished is left alone. */
  readonly claim: boolean;
  /** A daemon that is known to be dead: its lease is free; '': none. */
  readonly dead: string;
}

export async function askLease(redis: Redis, request: LeaseRequest): Promise<LeaseAnswer> {
  const { serverId, daemon, lifeMs, token, claim, dead } = request;
  const key = leadKey(serverId);
  const [kind, value] = (await runScript(redis, 'lease', { keys: [key, `${key}:token`], args: [daemon, lifeMs, token, claim ? 'claim' : 'look', dead] })) as [string, string | number];
  if (kind === 'lead') return { kind, token: Number(value) };
  return kind === 'other' ? { kind, daemon: String(value) } : { kind: 'free', ever: Number(value) === 1 };
}

/** How long others may take a lease that was let go without waiting. */
const RELEASED_MS = 60_000;

export async function releaseLease(redis: Redis, serverId: number, daemon: string): Promise<void> {
  await runScript(redis, 'release', { keys: [leadKey(serverId)], args: [daemon, RELEASED_MS] });
}

/** What every script of a call is checked against. */
export function fenceOf(serverId: number, daemon: string, token: number): Fence {
  return { key: leadKey(serverId), value: `${token} ${daemon}` };
}
