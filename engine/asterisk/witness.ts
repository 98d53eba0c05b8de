/**
 * Asterisk's own event log (CEL), read backwards: when a channel was answered and when it ended, also while no engine
 * listened. dialplan/cel_custom.conf says what a line holds.
 */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { stampMs } from './timestamp.ts';

/** What Asterisk saw of one channel; epoch milliseconds. */
export interface Witnessed {
  /** `PJSIP/<endpoint>-<number>`. */
  readonly name: string;
  /** The channel whose call it belongs to. */
  readonly linkedId: string;
  readonly startedMs: number | null;
  readonly answeredMs: number | null;
  readonly endedMs: number | null;
  /** Q.850. */
  readonly cause: number;
  /** Name of the channel whose side hung up; '': none did. */
  readonly endedBy: string;
  /** What Dial() on it has come to; '': it did not dial, or not to the end. */
  readonly dialStatus: string;
}

export type WitnessedChannels = ReadonlyMap<string, Witnessed>;

const CHUNK = 1 << 20;
/** Events of one moment stand a little out of order. */
const DISORDER_MS = 5000;

export const NOT_WITNESSED: Witnessed = { name: '', linkedId: '', startedMs: null, answeredMs: null, endedMs: null, cause: 0, endedBy: '', dialStatus: '' };

/**
 * Of these channels and of those of their calls, events since `sinceMs`; also from `path`.1, where a rotation has put the
 * older ones. Rejects when the file cannot be read.
 */
export async function readWitness(path: string, channelIds: ReadonlySet<string>, sinceMs: number): Promise<WitnessedChannels> {
  const found = new Map<string, Witnessed>();
  if (channelIds.size === 0) return found;
  const reachedBack = await readBack(path, channelIds, sinceMs, found);
  if (!reachedBack) {
    await readBack(`${path}.1`, channelIds, sinceMs, found).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    });
  }
  return found;
}

/** True when an event before `sinceMs` was met, so that nothing older is of interest. */
async function readBack(path: string, channelIds: ReadonlySet<string>, sinceMs: number, found: Map<string, Witnessed>): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    let end = (await file.stat()).size;
    let rest = Buffer.alloc(0);
    while (end > 0) {
      const start = Math.max(0, end - CHUNK);
      const bytes = Buffer.concat([await readExactly(file, start, end - start), rest]);
      // What stands before the first line break may be half a line, unless the file begins there.
      const cut = start === 0 ? 0 : bytes.indexOf(10) + 1;
      const lines = bytes.toString('utf8', cut).split('\n');
      for (const line of lines.toReversed()) {
        const atMs = note(line, channelIds, found);
        if (atMs !== null && atMs < sinceMs - DISORDER_MS) return true;
      }
      rest = Buffer.from(bytes.subarray(0, cut));
      end = start;
    }
    return false;
  } finally {
    await file.close();
  }
}

async function readExactly(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await file.read(bytes, 0, length, position);
  return bytes.subarray(0, bytesRead);
}

/** The moment of the line; null when it is none. */
function note(line: string, channelIds: ReadonlySet<string>, found: Map<string, Witnessed>): number | null {
  const record = parsed(line);
  const atMs = record === null ? undefined : stampMs(stampOf(record['eventtime']));
  if (record === null || atMs === undefined) return null;
  const [id, linkedId, name] = [textOf(record['uniqueid']), textOf(record['linkedid']), textOf(record['channame'])];
  if (!channelIds.has(id) && !channelIds.has(linkedId)) return atMs;
  const known = { ...(found.get(id) ?? NOT_WITNESSED), name, linkedId };
  if (record['eventtype'] === 'CHAN_START') found.set(id, { ...known, startedMs: atMs });
  if (record['eventtype'] === 'ANSWER') found.set(id, { ...known, answeredMs: atMs });
  if (record['eventtype'] === 'HANGUP') found.set(id, { ...known, endedMs: atMs, ...endOf(record['eventextra']) });
  return atMs;
}

/** `2026-11-24 04:14:22.005123+0000`, as ARI writes it. */
function stampOf(value: unknown): string {
  return typeof value === 'string' ? value.replace(' ', 'T').replace(/\.(\d{3})\d*/, '.$1') : '';
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function endOf(extra: unknown): Pick<Witnessed, 'cause' | 'endedBy' | 'dialStatus'> {
  const fields = typeof extra === 'string' ? parsed(extra) : (extra as Record<string, unknown> | null);
  const cause = fields?.['hangupcause'];
  return { cause: typeof cause === 'number' && Number.isInteger(cause) ? cause : 0, endedBy: textOf(fields?.['hangupsource']), dialStatus: textOf(fields?.['dialstatus']) };
}

function parsed(text: string): Record<string, unknown> | null {
  if (!text.startsWith('{')) return null;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
}
