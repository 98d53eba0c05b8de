// Price lists shaped like those that carriers send: every country's code, below it runs of mobile and area codes, below
// them number blocks; few distinct prices; every price in a day and a night version.

import type { RateRow } from '../../rating/tariff.ts';
import { below } from './random.ts';
import type { Random } from './random.ts';

/** Country codes 1, 7, two digits 20–69 and 81–98, three digits for the rest: about as they are given out. */
function countryCodes(): string[] {
  const codes = ['1', '7'];
  for (let code = 20; code <= 98; code++) {
    if (code >= 70 && code < 80) continue;
    if ([21, 22, 23, 24, 25, 26, 29, 35, 37, 38, 42, 50, 59, 67, 68, 69, 80, 85, 87, 88, 96, 97].includes(code)) {
      for (let last = 0; last < 10; last++) codes.push(`${code}${last}`);
    } else codes.push(String(code));
  }
  return codes;
}

/** `count` different prefixes, unsorted. */
export function makePrefixes(count: number, random: Random): string[] {
  const codes = countryCodes();
  const prefixes = new Set<string>(codes.slice(0, count));
  while (prefixes.size < count) {
    const code = codes[below(random, codes.length)] ?? '1';
    const area = code + String(below(random, 1000)).padStart(3, '0').slice(0, 1 + below(random, 3));
    prefixes.add(area);
    // Carriers break an area into runs of neighbouring blocks.
    const digits = 1 + below(random, 3);
    const first = below(random, 10 ** digits);
    for (let block = first; block < Math.min(10 ** digits, first + 40) && prefixes.size < count; block++) {
      prefixes.add(area + String(block).padStart(digits, '0'));
    }
  }
  return [...prefixes];
}

const INCREMENTS = [1, 1, 1, 1, 6, 30, 60];

/** Since when all of it is in force: 2026-01-01. */
const EFFECTIVE_FROM_MS = 1_767_225_600_000;

/** Prices between 0.0010 and 0.5000 in steps of 0.0001; a night costs four fifths of a day. */
function priceOf(random: Random): { day: bigint; night: bigint; incrementS: number } {
  const price = 10 + below(random, 4990);
  return { day: BigInt(price * 1_000_000), night: BigInt(Math.ceil(price * 0.8) * 1_000_000), incrementS: INCREMENTS[below(random, INCREMENTS.length)] ?? 1 };
}

/** A day row and a night row for each prefix. */
export function* dayNightRows(prefixes: readonly string[], random: Random): Generator<RateRow> {
  for (let at = 0; at < prefixes.length; at++) {
    const prefix = prefixes[at] ?? '';
    const { day, night, incrementS } = priceOf(random);
    yield { prefix, destinationId: at, effectiveFromMs: EFFECTIVE_FROM_MS, rate: day, incrementS, startTime: '08:00:00', endTime: '19:59:59' };
    yield { prefix, destinationId: at, effectiveFromMs: EFFECTIVE_FROM_MS, rate: night, incrementS, startTime: '20:00:00', endTime: '07:59:59' };
  }
}

export const NUMBER_LENGTH = 12;

/** `even`: every prefix as often as any other. `traffic`: the n-th most popular one with a frequency of 1/n (Zipf). */
export type Popularity = 'even' | 'traffic';

/** `count` dialled numbers in one long text, each under a random one of the prefixes. */
export function makeNumbers(prefixes: readonly string[], count: number, random: Random, popularity: Popularity = 'even'): string {
  const ranked = popularity === 'even' ? prefixes : shuffled(prefixes, random);
  const numbers: string[] = [];
  for (let at = 0; at < count; at++) {
    const rank = popularity === 'even' ? below(random, ranked.length) : Math.floor((ranked.length + 1) ** random()) - 1;
    numbers.push(((ranked[rank] ?? '') + String(below(random, 1e12)).padStart(12, '0')).slice(0, NUMBER_LENGTH));
  }
  return Buffer.from(numbers.join(''), 'latin1').toString('latin1');
}

/** So that popular prefixes do not lie side by side. */
function shuffled(values: readonly string[], random: Random): string[] {
  const mixed = [...values];
  for (let at = mixed.length - 1; at > 0; at--) {
    const other = below(random, at + 1);
    [mixed[at], mixed[other]] = [mixed[other] ?? '', mixed[at] ?? ''];
  }
  return mixed;
}
