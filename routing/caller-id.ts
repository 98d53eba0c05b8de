/**
 * Who the far end is told is calling. A provider's number stands before the calling device's, and the device's before
 * what the caller sends; a number takes its own name along, even an empty one, so that no name of somebody else stands
 * beside it. Privacy is the caller's in any case.
 */
import type { Catalog, Device, Provider } from './catalog.ts';
import type { Explain } from './explain.ts';
import { drawNumber, isInPool } from './number-pool.ts';
import type { Random } from './plan.ts';

export interface CallerId {
  /** Empty: what the next one says. */
  readonly callerIdNumber: string;
  /** null: the name that the caller sends, beside another number. */
  readonly callerIdName: string | null;
  /** Where the number is from, before rules changed it; nothing: not out of a pool. */
  readonly drawn?: DrawnNumber | undefined;
}

/** A number of a pool, as it was entered. */
export interface DrawnNumber {
  readonly poolId: number;
  readonly number: string;
}

export const AS_SENT: CallerId = { callerIdNumber: '', callerIdName: '' };

export function shownCallerId(provider: CallerId, device: CallerId): CallerId {
  const { callerIdNumber, callerIdName, drawn } = provider;
  if (callerIdNumber !== '') return { callerIdNumber, callerIdName, drawn };
  return { callerIdNumber: device.callerIdNumber, callerIdName: callerIdName || device.callerIdName, drawn: device.drawn };
}

/** What the calling device shows when rules made `src` of its number or of the one it sent, `before`: his name stays beside it. */
export function ruledCallerId(device: CallerId, before: string, src: string): CallerId {
  if (src === before) return device;
  const hasOwn = device.callerIdNumber !== '' || device.callerIdName !== '';
  return { callerIdNumber: src, callerIdName: hasOwn ? device.callerIdName : null, drawn: device.drawn };
}

export interface DrawContext {
  readonly catalog: Pick<Catalog, 'pools'>;
  readonly random: Random;
  readonly explain: Explain;
}

/** Each number of the pool is as likely as the next; null: there is none to draw, which is told. */
function drawnFrom({ catalog, random, explain }: DrawContext, poolId: number, why: string): DrawnNumber | null {
  const pool = catalog.pools.get(poolId);
  const number = pool === undefined ? undefined : drawNumber(pool, random());
  const name = pool?.name ?? String(poolId);
  explain?.({ check: 'CallerID', outcome: number === undefined ? 'skipped' : 'chosen', detail: `${why}${number === undefined ? `pool ${name} has no number to draw` : `${number} out of pool ${name}`}` });
  return number === undefined ? null : { poolId, number };
}

/** A number that is drawn takes the name along that the operator entered, not the one that the caller sends. */
function withDrawn(own: CallerId, drawn: DrawnNumber | null, shown: CallerId): CallerId {
  return drawn === null ? shown : { callerIdNumber: drawn.number, callerIdName: own.callerIdName, drawn };
}

/** What a device shows to the world: out of its pool, or another number when `src` is not a valid one; else as it was `shown`. */
export function pooledCallerId(context: DrawContext, device: Device, shown: CallerId, src: string): CallerId {
  if (device.callerIdPoolId !== null) return withDrawn(device, drawnFrom(context, device.callerIdPoolId, ''), shown);
  if (device.validCallerIds === null) return shown;
  const { poolId, replacementPoolId } = device.validCallerIds;
  const valid = context.catalog.pools.get(poolId);
  if (valid !== undefined && isInPool(valid, src)) return shown;
  return withDrawn(device, drawnFrom(context, replacementPoolId, `${src} is not in pool ${valid?.name ?? poolId}: `), shown);
}

/** The provider with a number out of its pool, if it has one. */
export function providerCallerId(context: DrawContext, provider: Provider): CallerId {
  return provider.callerIdPoolId === null ? provider : withDrawn(provider, drawnFrom(context, provider.callerIdPoolId, `${provider.name}: `), provider);
}
