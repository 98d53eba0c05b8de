/**
 * An Asterisk as the overload control sees it: orders are carried out one after the other, each call brings eight of them,
 * two at once, three when its leg is there, and three at its end; so many calls a second use it up. Callers come by chance.
 */
import { Overload } from '../../routing/overload.ts';
import { seededRandom } from './property.ts';

export interface World {
  /** Calls a second that Asterisk can take, and that come. */
  readonly capacity: number;
  readonly offered: number;
  readonly seconds: number;
  readonly holdMs: number;
  readonly seed: number;
  /** On the way to Asterisk and back, beside all waiting; by the moment. */
  readonly wayMs?: (nowMs: number) => number;
  readonly delayMs?: number;
  readonly callsPerSecond?: number;
}

export interface Seen {
  /** Calls let in, as a part of what Asterisk can take, and refused, as a part of those that came; after the first five seconds. */
  readonly admitted: number;
  readonly refused: number;
  /** Of the first order of those let in. */
  readonly waitP50Ms: number;
  readonly waitP99Ms: number;
}

const ORDERS = 8;
const SETTLED_MS = 5000;

interface Happening {
  readonly atMs: number;
  readonly run: (nowMs: number) => void;
}

/** What is to happen, the soonest last. */
class Agenda {
  readonly #happenings: Happening[] = [];

  at(atMs: number, run: (nowMs: number) => void): void {
    let place = this.#happenings.length;
    while (place > 0 && (this.#happenings[place - 1]?.atMs ?? 0) < atMs) place -= 1;
    this.#happenings.splice(place, 0, { atMs, run });
  }

  play(): void {
    for (let next = this.#happenings.pop(); next !== undefined; next = this.#happenings.pop()) next.run(next.atMs);
  }
}

export function play(world: World): Seen {
  const { capacity, offered, seconds, holdMs, seed, wayMs = () => 2 } = world;
  const overload = new Overload({ callsPerSecond: world.callsPerSecond ?? 0, delayMs: world.delayMs ?? 20 });
  const random = seededRandom(seed);
  const agenda = new Agenda();
  const waits: number[] = [];
  const count = { came: 0, refused: 0 };
  let busyUntilMs = 0;
  /** Carried out after all that waits; `answered` when word of it is back. */
  const order = (nowMs: number, orders: number, answered?: (nowMs: number) => void): void => {
    busyUntilMs = Math.max(busyUntilMs, nowMs) + ((orders * 1000) / capacity / ORDERS) * (0.5 + random());
    if (answered !== undefined) agenda.at(busyUntilMs + wayMs(nowMs), answered);
  };
  const lead = (nowMs: number): void => {
    const told = overload.asked(nowMs);
    order(nowMs, 1, (atMs) => {
      told(atMs);
      if (nowMs > SETTLED_MS) waits.push(atMs - nowMs);
    });
    order(nowMs, 1, (atMs) => order(atMs, 3, (answeredMs) => agenda.at(answeredMs + holdMs, (endMs) => order(endMs, 3))));
  };
  const arrive = (nowMs: number): void => {
    const nextMs = nowMs - (Math.log(1 - random()) * 1000) / offered;
    if (nextMs < seconds * 1000) agenda.at(nextMs, arrive);
    const settled = nowMs > SETTLED_MS;
    if (settled) count.came += 1;
    if (overload.arrive(nowMs)) return lead(nowMs);
    if (settled) count.refused += 1;
  };
  agenda.at(0, arrive);
  agenda.play();
  waits.sort((a, b) => a - b);
  const percentile = (share: number): number => waits[Math.floor(waits.length * share)] ?? Number.NaN;
  return { admitted: (count.came - count.refused) / (seconds - SETTLED_MS / 1000) / capacity, refused: count.refused / count.came, waitP50Ms: percentile(0.5), waitP99Ms: percentile(0.99) };
}
