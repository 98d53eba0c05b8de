/** Names of the keys in Redis, documented in docs/OPERATIONS.md: operators read them with redis-cli. */
export const PREFIX = 'tollgate:';
/** Calls that are up, scored by the ms of their start. */
export const LIVE = 'tollgate:live';
/** Stream of finished calls that wait for the settler. */
export const CDR_STREAM = 'tollgate:cdr';
/** Entries that Postgres refused, with the reason. */
export const REFUSED_STREAM = 'tollgate:cdr:refused';

export const callKey = (callId: string): string => `tollgate:call:${callId}`;
/** A caller was refused, and his CDR is queued. */
export const refusedKey = (callId: string): string => `tollgate:refused:${callId}`;
/** Mark of a finished call: a late repetition changes nothing. */
export const doneKey = (callId: string): string => `tollgate:done:${callId}`;
const HOUR_MS = 3_600_000;
/** Flash calls of one number within one hour of the clock (UTC). */
export const flashKey = (side: 'src' | 'dst', number: string, nowMs: number): string => `tollgate:flash:${side}:${number}:${Math.floor(nowMs / HOUR_MS)}`;

export const QUALITY_BUCKET_MS = 300_000;
/** How the attempts of a provider went that ended within these five minutes of the clock (UTC). */
export const qualityKey = (providerId: number, atMs: number): string => `tollgate:quality:${providerId}:${Math.floor(atMs / QUALITY_BUCKET_MS)}`;

/** Providers that do not answer the periodic check of that Asterisk. */
export const deadKey = (serverId: number): string => `tollgate:dead:${serverId}`;

/** Levels of the dynamic blacklist by item; they mean nothing under another half-life. */
export const scoresKey = (halfLifeHours: number): string => `tollgate:scores:${halfLifeHours}h`;
/** Counts the changes of them. */
export const SCORES_CHANGED = 'tollgate:scores:changed';

export const payerKey = (userId: number | string): string => `tollgate:payer:${userId}`;

/** A claim's key with its prefix; a calls-per-second window gets the second it stands for. */
export function claimKey(key: string, nowMs: number): string {
  return key.startsWith('cps:') ? `${PREFIX}${key}:${Math.floor(nowMs / 1000)}` : PREFIX + key;
}

/** Which daemon leads an Asterisk. */
export const leadKey = (serverId: number): string => `tollgate:lead:${serverId}`;

/** What becomes of calls, for other programs. The scripts write it. */
export const EVENTS_STREAM = 'tollgate:events';

/** Operators on calls of an Asterisk, until they have left and stand in Postgres. */
export const spiesKey = (serverId: number): string => `tollgate:spies:${serverId}`;

/** Where a daemon, by the name in its leases, listens for commands. */
export const commandChannel = (daemon: string): string => `tollgate:commands:${daemon}`;
/** What came of a command. */
export const answerKey = (commandId: string): string => `tollgate:answer:${commandId}`;

/** The daemon that adds counters and holds up anew, for all. */
export const RECONCILER = 'tollgate:reconciler';

/** Decimals of the amounts that Redis holds; written by the first that comes. */
export const DECIMALS = 'tollgate:decimals';
