// A price list as `import` takes it, and the same rates as rows of a tariff.

import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { parseMoney } from '../../rating/money.ts';
import type { RateRow } from '../../rating/tariff.ts';
import { below } from './random.ts';
import type { Random } from './random.ts';

interface Line {
  readonly prefix: string;
  readonly rate: string;
  readonly incrementS: number;
}

/** With `distinct`, no two rates are equal. */
function* lines(prefixes: readonly string[], random: Random, distinct: boolean): Generator<Line> {
  for (let at = 0; at < prefixes.length; at++) {
    const rate = distinct ? (0.001 + at * 1e-7).toFixed(7) : ((10 + below(random, 4990)) / 10_000).toFixed(4);
    yield { prefix: prefixes[at] ?? '', rate, incrementS: below(random, 2) === 0 ? 1 : 60 };
  }
}

export async function writeRateFile(path: string, prefixes: readonly string[], random: Random): Promise<void> {
  const file = createWriteStream(path);
  let piece = 'prefix,rate,connection fee,increment,effective from\n';
  for (const { prefix, rate, incrementS } of lines(prefixes, random, false)) {
    piece += `${prefix},${rate},0.01,${incrementS},2026-01-01\n`;
    if (piece.length < 65_536) continue;
    if (!file.write(piece)) await once(file, 'drain');
    piece = '';
  }
  file.end(piece);
  await finished(file);
}

export function* rateRows(prefixes: readonly string[], random: Random, distinct: boolean): Generator<RateRow> {
  const connectionFee = parseMoney('0.01');
  for (const { prefix, rate, incrementS } of lines(prefixes, random, distinct)) {
    yield { prefix, rate: parseMoney(rate), connectionFee, incrementS, effectiveFromMs: 1_767_225_600_000 };
  }
}
