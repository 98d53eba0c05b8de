import * as fc from 'fast-check';
import { test } from 'tap';
import { stampMs } from '../../../engine/asterisk/timestamp.ts';
import '../../seed.ts';

function asteriskText(ms: number, zone = '+0000'): string {
  return new Date(ms).toISOString().replace('Z', zone);
}

test('Asterisk\'s timestamps, minute after minute', async (t) => {
  t.equal(stampMs('2026-11-24T04:14:22.005+0000'), Date.UTC(2026, 10, 24, 4, 14, 22, 5));
  t.equal(stampMs('2026-11-24T04:14:59.999+0000'), Date.UTC(2026, 10, 24, 4, 14, 59, 999));
  t.equal(stampMs('2026-11-24T04:14:00.000+0200'), Date.UTC(2026, 10, 24, 2, 14, 0, 0));
  t.equal(stampMs('2026-11-24T04:14:01.000+0000'), Date.UTC(2026, 10, 24, 4, 14, 1, 0));
});

test('the same as the slow way, for every moment', async (t) => {
  const moment = fc.date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true });
  const zone = fc.constantFrom('+0000', '+0200', '-0930');
  fc.assert(fc.property(moment, zone, fc.integer({ min: 0, max: 59_999 }), (date, offset, within) => {
    const first = asteriskText(date.getTime(), offset);
    const second = `${first.slice(0, 17)}${String(within).padStart(5, '0').replace(/^(..)/, '$1.')}${offset}`;
    return stampMs(first) === Date.parse(first) && stampMs(second) === Date.parse(second);
  }));
  t.pass('held for all');
});

test('what is no timestamp is none', async (t) => {
  stampMs('2026-11-24T04:14:22.005+0000');
  for (const text of ['', 'yesterday', '2026-11-24T04:14:xx.005+0000', '2026-11-24T04:14:22x005+0000', '2026-11-24T04:14:62.005+0000', '2026-11-24T04:14:22.0x5+0000', 5, null, undefined, {}]) t.equal(stampMs(text), undefined);
  fc.assert(fc.property(fc.string(), (text) => {
    const ms = stampMs(text);
    return ms === undefined || Number.isFinite(ms);
  }));
});
