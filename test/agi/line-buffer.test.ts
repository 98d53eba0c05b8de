/** Lines of AGI out of bytes that anybody may have written. */
import * as fc from 'fast-check';
import { test } from 'tap';
import { AgiRefused, LineBuffer, MAX_LINE_BYTES, MAX_LINES } from '../../engine/agi/line-buffer.ts';
import { holds } from '../routing/property.ts';

function read(chunks: readonly Uint8Array[]): string[] | string {
  const buffer = new LineBuffer();
  try {
    return chunks.flatMap((chunk) => buffer.take(Buffer.from(chunk)));
  } catch (error) {
    if (!(error instanceof AgiRefused)) throw error;
    return error.message;
  }
}

test('lines come out whole, however the bytes come', async (t) => {
  t.same(read([Buffer.from('agi_network: yes\nagi_ch'), Buffer.from('annel: PJSIP/ä-1\n'), Buffer.from('\nrest')]), ['agi_network: yes', 'agi_channel: PJSIP/ä-1', '']);
});

test('what is no line is refused with its reason', async (t) => {
  t.equal(read([Buffer.from('agi_extension: 37\r\n')]), 'a line with a control character');
  t.equal(read([Buffer.from('agi_extension: 37\0\n')]), 'a line with a control character');
  t.equal(read([Buffer.alloc(1 << 20, 'x')]), `a line of more than ${MAX_LINE_BYTES} bytes`);
  t.equal(read(Array.from({ length: 2000 }, () => Buffer.from('slow'))), `a line of more than ${MAX_LINE_BYTES} bytes`);
  t.equal(read([Buffer.from('a\n'.repeat(MAX_LINES + 1))]), `more than ${MAX_LINES} lines`);
});

test('any bytes in any pieces are the same lines, or refused', async (t) => {
  const bytes = fc.array(fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 32, max: 126 }) }, fc.constant(10), fc.integer({ min: 0, max: 255 })), { maxLength: 300 });
  holds(t, fc.property(bytes, fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }), (all, sizes) => {
    const pieces: Uint8Array[] = [];
    for (let at = 0, turn = 0; at < all.length; turn += 1) pieces.push(Uint8Array.from(all.slice(at, (at += sizes[turn % sizes.length] as number))));
    const [whole, split] = [read([Uint8Array.from(all)]), read(pieces)];
    // oxlint-disable-next-line no-control-regex -- what must never come out
    if (Array.isArray(whole) && whole.some((line) => /[\u0000-\u001f\u007f]/.test(line))) return false;
    return JSON.stringify(whole) === JSON.stringify(split);
  }));
});
