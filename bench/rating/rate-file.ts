// A file of rates as text, written for the load measurement and read in a worker.

import { createReadStream, createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { parseMoney } from '../../rating/money.ts';
import { TariffBuilder } from '../../rating/tariff.ts';
import type { WholesaleTariff } from '../../rating/tariff.ts';
import { below } from './random.ts';
import type { Random } from './random.ts';

/** `prefix;rate;connection fee;increment;effective from (ms)`, in random order. With `distinct`, no two rates are equal. */
export async function writeRateFile(path: string, prefixes: readonly string[], random: Random, distinct: boolean): Promise<void> {
  const file = createWriteStream(path);
  let piece = '';
  for (let at = 0; at < prefixes.length; at++) {
    const rate = distinct ? (0.001 + at * 1e-7).toFixed(7) : ((10 + below(random, 4990)) / 10_000).toFixed(4);
    piece += `${prefixes[at] ?? ''};${rate};0.01;${below(random, 2) === 0 ? 1 : 60};1767225600000\n`;
    if (piece.length < 65_536) continue;
    if (!file.write(piece)) await once(file, 'drain');
    piece = '';
  }
  file.end(piece);
  await finished(file);
}

/** Reads it line by line: text to money, checks, sorting, packing. */
export async function readRateFile(path: string, tariffId: number): Promise<WholesaleTariff> {
  const builder = new TariffBuilder({ tariffId });
  let line = 0;
  let rest = '';
  for await (const chunk of createReadStream(path, { encoding: 'latin1', highWaterMark: 1 << 18 }) as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) addLine(builder, text, ++line);
  }
  if (rest !== '') addLine(builder, rest, ++line);
  return builder.finish();
}

function addLine(builder: TariffBuilder, text: string, line: number): void {
  const [prefix = '', rate = '', connectionFee = '', incrementS = '', from = ''] = text.split(';');
  builder.add({ prefix, rate: parseMoney(rate), connectionFee: parseMoney(connectionFee), incrementS: Number(incrementS), effectiveFromMs: Number(from) }, line);
}
