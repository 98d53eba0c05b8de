import t from 'tap';
import { billedSeconds, charge } from '../../rating/charge.ts';
import { billsec, didLegMs, normalLegMs } from '../../rating/billable.ts';
import { longestCall } from '../../rating/credit.ts';
import { formatMoney, moneyText, parseMoney } from '../../rating/money.ts';
import { answeredAt, perMinute, rateFromJson, rateToJson, simpleRate, withGrace, withMaxCost, withoutConnectionFee, withTaxesOn } from '../../rating/rate.ts';

const step = (fields: object): object => ({ type: 'minute', fromS: 0, rate: '0.1', perS: 60, roundByS: 1, ...fields });

const BAD: [string, object, { code: string; field: string }][] = [
  ['overlapping steps', { steps: [step({ durationS: 60 }), step({ fromS: 59 })] }, { code: 'stepsOverlap', field: 'steps[1].fromS' }],
  ['a step after one without end', { steps: [step({}), step({ fromS: 60 })] }, { code: 'stepsOverlap', field: 'steps[1].fromS' }],
  ['two steps of the same second', { steps: [step({ durationS: 60 }), step({})] }, { code: 'stepsOverlap', field: 'steps[1].fromS' }],
  ['a gap between steps', { steps: [step({ durationS: 60 }), step({ fromS: 61 })] }, { code: 'stepsGap', field: 'steps[1].fromS' }],
  ['a gap at the start, steps given backwards', { steps: [step({ fromS: 60 }), step({ fromS: 1, durationS: 59 })] }, { code: 'stepsGap', field: 'steps[1].fromS' }],
  ['no steps', { steps: [] }, { code: 'stepsMissing', field: 'steps' }],
  ['too many steps', { steps: Array.from({ length: 65 }, (_, at) => step({ fromS: at, durationS: 1 })) }, { code: 'tooLarge', field: 'steps' }],
  ['a negative duration', { steps: [step({ durationS: -60 })] }, { code: 'negative', field: 'steps[0].durationS' }],
  ['a duration of 0', { steps: [step({ durationS: 0 })] }, { code: 'zeroIncrement', field: 'steps[0].durationS' }],
  ['a negative start', { steps: [step({ fromS: -1 })] }, { code: 'negative', field: 'steps[0].fromS' }],
  ['an increment of 0', { ratePerMinute: '0.1', incrementS: 0 }, { code: 'zeroIncrement', field: 'steps[0].roundByS' }],
  ['a round by of 0', { steps: [step({ roundByS: 0 })] }, { code: 'zeroIncrement', field: 'steps[0].roundByS' }],
  ['a price per 0 seconds', { steps: [step({ perS: 0 })] }, { code: 'zeroIncrement', field: 'steps[0].perS' }],
  ['half a second', { steps: [step({ roundByS: 0.5 })] }, { code: 'notWhole', field: 'steps[0].roundByS' }],
  ['an endless number', { steps: [step({ durationS: 1e300 })] }, { code: 'tooLarge', field: 'steps[0].durationS' }],
  ['a price with a comma', { ratePerMinute: '0,1' }, { code: 'badMoney', field: 'ratePerMinute' }],
  ['a price with letters', { steps: [step({ rate: 'free' })] }, { code: 'badMoney', field: 'steps[0].rate' }],
  ['a price with 30 decimals', { ratePerMinute: `0.${'3'.repeat(30)}` }, { code: 'badMoney', field: 'ratePerMinute' }],
  ['a price that is a float already', { ratePerMinute: 0.1 }, { code: 'badMoney', field: 'ratePerMinute' }],
  ['a fee with a comma', { ratePerMinute: '1', connectionFee: '1,5' }, { code: 'badMoney', field: 'connectionFee' }],
  ['no price at all', { connectionFee: '0' }, { code: 'missing', field: 'ratePerMinute' }],
  ['steps and a price per minute', { ratePerMinute: '1', steps: [step({})] }, { code: 'unknownField', field: 'ratePerMinute' }],
  ['a misspelt field', { ratePerMinute: '1', minTime: 60 }, { code: 'unknownField', field: 'minTime' }],
  ['a misspelt field of a step', { steps: [step({ duration: 60 })] }, { code: 'unknownField', field: 'steps[0].duration' }],
  ['an unknown type of step', { steps: [step({ type: 'second' })] }, { code: 'wrongType', field: 'steps[0].type' }],
  ['a step that is not an object', { steps: [7] }, { code: 'wrongType', field: 'steps[0]' }],
  ['steps that are no list', { steps: {} }, { code: 'wrongType', field: 'steps' }],
  ['a negative minimal time', { ratePerMinute: '1', minTimeS: -1 }, { code: 'negative', field: 'minTimeS' }],
  ['a grace time in text', { ratePerMinute: '1', graceS: '3' }, { code: 'wrongType', field: 'graceS' }],
  ['a fee that pays and a rate that takes', { ratePerMinute: '1', connectionFee: '-1' }, { code: 'mixedSigns', field: 'steps' }],
  ['a negative maximum cost', { ratePerMinute: '1', maxCost: { amount: '-1', beyond: 'cut' } }, { code: 'negative', field: 'maxCost.amount' }],
  ['an unknown end of the maximum cost', { ratePerMinute: '1', maxCost: { amount: '1', beyond: 'stop' } }, { code: 'wrongType', field: 'maxCost.beyond' }],
  ['11 decimals', { ratePerMinute: '1', priceDecimals: 11 }, { code: 'tooLarge', field: 'priceDecimals' }],
  ['an exchange rate of 0', { ratePerMinute: '1', exchangeRate: '0' }, { code: 'negative', field: 'exchangeRate' }],
  ['a tax in numbers', { ratePerMinute: '1', taxes: { compound: true, percents: [18] } }, { code: 'wrongType', field: 'taxes.percents[0]' }],
];

for (const [what, value, expected] of BAD) {
  t.test(`${what}: ${expected.code} at ${expected.field}`, (t) => {
    t.throws(() => rateFromJson(value), { name: 'RateError', ...expected });
    t.end();
  });
}

t.test('fields that every object inherits are not read as fields', (t) => {
  t.throws(() => rateFromJson(JSON.parse('{"ratePerMinute":"1","__proto__":{"minTimeS":9}}')), { code: 'unknownField' });
  t.throws(() => rateFromJson(JSON.parse('{"constructor":1}')), { code: 'unknownField' });
  t.throws(() => rateFromJson(null), { code: 'wrongType' });
  t.end();
});

t.test('a rate in JSON leaves out what is as usual', (t) => {
  t.strictSame(rateToJson(simpleRate({ ratePerMinute: parseMoney('0.1') })), { steps: [{ type: 'minute', fromS: 0, rate: '0.1', perS: 60, roundByS: 1 }] });
  t.end();
});

t.test('a step that would end goes on at its price, so that a long call is not free', (t) => {
  const rate = rateFromJson({ connectionFee: '0', steps: [{ fromS: 0, durationS: 60, type: 'minute', rate: '0.1', perS: 60, roundByS: 1 }], minTimeS: 0, graceS: 0 });
  t.strictSame(charge(rate, 65), { billedS: 65, price: parseMoney('0.108333') });
  t.equal(longestCall(rate, parseMoney('1.50')), 900);
  t.end();
});

t.test('the grace time is tested first, on the real seconds; by the older rule a longer minimal time beats it', (t) => {
  const rate = simpleRate({ ratePerMinute: parseMoney('1'), minTimeS: 60, graceS: 3 });
  t.strictSame(charge(rate, 3), { billedS: 0, price: 0n });
  t.strictSame(charge(rate, 4), { billedS: 60, price: parseMoney('1') });
  t.strictSame(charge({ ...rate, minTimeBeatsGrace: true }, 1), { billedS: 60, price: parseMoney('1') });
  t.equal(longestCall(rate, 0n, 100), 3);
  t.equal(longestCall({ ...rate, minTimeBeatsGrace: true }, 0n, 100), 0);
  t.end();
});

t.test('nobody answered: nothing is billed, not even the connection fee', (t) => {
  t.strictSame(charge(simpleRate({ ratePerMinute: parseMoney('1'), connectionFee: parseMoney('5'), minTimeS: 60 }), 0), { billedS: 0, price: 0n });
  t.end();
});

t.test('seconds that are none are refused', (t) => {
  const rate = simpleRate({ ratePerMinute: 1n });
  for (const seconds of [-1, 0.5, NaN, Infinity, 2 ** 31]) t.throws(() => charge(rate, seconds), { name: 'RateError', field: 'seconds' });
  t.throws(() => longestCall(rate, 1n, -5), { name: 'RateError' });
  t.end();
});

t.test('beyond the maximum cost a call is free, or is cut', (t) => {
  const rate = withMaxCost(simpleRate({ ratePerMinute: parseMoney('1'), incrementS: 60 }), { amount: parseMoney('5.5'), beyond: 'free' });
  t.equal(charge(rate, 3600).price, parseMoney('5.5'));
  t.equal(longestCall(rate, parseMoney('5.5'), 7200), 7200);
  t.equal(longestCall(rate, parseMoney('5.4'), 7200), 300);
  const cut = withMaxCost(rate, { amount: parseMoney('5.5'), beyond: 'cut' });
  t.equal(longestCall(cut, 'unlimited', 7200), 300, 'the sixth minute would pass it');
  t.equal(charge(cut, 301).price, parseMoney('5.5'), 'a call that was cut late still pays no more');
  t.end();
});

t.test('taxes and exchange rate are part of the one rounding', (t) => {
  const rate = simpleRate({ ratePerMinute: parseMoney('0.07'), exchangeRate: '0.7351', taxes: { compound: true, percents: ['21'] } });
  // 0.07 / 60 × 1.21 / 0.7351 = 0.00192037364…
  t.equal(formatMoney(charge(rate, 1).price), '0.001920');
  t.equal(formatMoney(charge({ ...rate, priceDecimals: 10 }, 1).price, 10), '0.0019203736');
  t.equal(moneyText(charge(withTaxesOn(rate, null), 60).price), '0.095225');
  t.end();
});

t.test('the headline price is per minute, in the default currency, without fees, of the dearest step', (t) => {
  t.equal(moneyText(perMinute(simpleRate({ ratePerMinute: parseMoney('0.3'), connectionFee: parseMoney('9') }))), '0.3');
  t.equal(moneyText(perMinute(simpleRate({ ratePerMinute: parseMoney('0.7351'), exchangeRate: '0.7351' }))), '1');
  const freeFirst = rateFromJson({ steps: [step({ durationS: 15, rate: '0' }), step({ fromS: 15, rate: '0.01', perS: 1 })] });
  t.equal(moneyText(perMinute(freeFirst)), '0.6');
  t.equal(perMinute(rateFromJson({ steps: [{ type: 'event', fromS: 0, rate: '1' }] })), 0n);
  t.equal(moneyText(perMinute(simpleRate({ ratePerMinute: parseMoney('-0.02') }))), '-0.02');
  t.end();
});

t.test('a rate with another grace time, or without its fee, is a new rate', (t) => {
  const rate = simpleRate({ ratePerMinute: parseMoney('1'), connectionFee: parseMoney('0.5') });
  t.equal(withGrace(rate, 0), rate);
  t.equal(withGrace(rate, 5).graceS, 5);
  t.equal(rate.graceS, 0);
  t.throws(() => withGrace(rate, -1), { code: 'negative' });
  t.equal(charge(withoutConnectionFee(rate), 60).price, parseMoney('1'));
  t.equal(answeredAt(rate, 5), rate);
  t.end();
});

t.test('real milliseconds become billsec upwards, downwards or to the nearest second', (t) => {
  const table: [number, number, number, number][] = [[0, 0, 0, 0], [1, 1, 0, 0], [499, 1, 0, 0], [500, 1, 0, 1], [1000, 1, 1, 1], [1001, 2, 1, 1], [59_500, 60, 59, 60]];
  for (const [ms, up, down, nearest] of table) t.strictSame([billsec(ms, 'up'), billsec(ms, 'down'), billsec(ms, 'nearest')], [up, down, nearest], `${ms} ms`);
  t.throws(() => billsec(-1, 'up'), { code: 'negative' });
  t.throws(() => billsec(NaN, 'up'), { code: 'negative' });
  t.equal(billedSeconds(simpleRate({ ratePerMinute: 1n, incrementS: 6 }), 6001, 'up'), 12);
  t.equal(billedSeconds(simpleRate({ ratePerMinute: 1n, incrementS: 6 }), 6001, 'down'), 6);
  t.equal(billedSeconds(simpleRate({ ratePerMinute: 1n, incrementS: 6 }), 0, 'up'), 0);
  t.end();
});

t.test('a normal leg counts from the answer, a DID leg from the arrival, neither without an answer', (t) => {
  const call = { arrivedMs: 1000, answeredMs: 9000, endedMs: 69_000 };
  t.equal(normalLegMs(call), 60_000);
  t.equal(didLegMs(call), 68_000);
  t.equal(normalLegMs({ ...call, answeredMs: null }), 0);
  t.equal(didLegMs({ ...call, answeredMs: null }), 0);
  t.equal(normalLegMs({ ...call, endedMs: 8000 }), 0, 'a clock that stepped back makes no negative price');
  t.end();
});
