/** What is kept of one operator on one call. */

export type SpyMode = 'listen' | 'whisper' | 'barge';

export interface SpyRecord {
  readonly id: string;
  readonly serverId: number;
  readonly callId: string;
  readonly userId: number;
  readonly username: string;
  /** The account of the machine that gave the order. */
  readonly orderedBy: string;
  readonly device: string;
  readonly side: 'caller' | 'callee';
  /** Epoch milliseconds, like all of these. */
  readonly orderedMs: number;
  /** null: he has not heard the call. */
  readonly startedMs: number | null;
  /** null: it goes on. */
  readonly endedMs: number | null;
  readonly modes: readonly { readonly mode: SpyMode; readonly atMs: number }[];
}

const isMs = (value: unknown): boolean => Number.isInteger(value) && Number(value) > 0;
const isText = (value: unknown): boolean => typeof value === 'string' && value.length <= 200 && !/\p{Cc}/u.test(value);

/** null: somebody else has written it, or another version of us. */
export function parseSpyRecord(text: string): SpyRecord | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const one = (value ?? {}) as Partial<Record<keyof SpyRecord, unknown>>;
  const texts = [one.callId, one.username, one.orderedBy, one.device].every(isText);
  const ids = typeof one.id === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(one.id) && Number.isInteger(one.serverId) && Number.isInteger(one.userId);
  const times = isMs(one.orderedMs) && (one.startedMs === null || isMs(one.startedMs)) && (one.endedMs === null || isMs(one.endedMs));
  const isMode = (each: unknown): boolean => typeof each === 'object' && each !== null && /^(listen|whisper|barge)$/.test(String((each as { mode?: unknown }).mode)) && isMs((each as { atMs?: unknown }).atMs);
  const known = texts && ids && times && /^(caller|callee)$/.test(String(one.side)) && Array.isArray(one.modes) && one.modes.every(isMode);
  return known ? (value as SpyRecord) : null;
}
