import t from 'tap';
import { bigInt, integer, property } from 'fast-check';
import { fromDefault, parseExchangeRate, toDefault } from '../../rating/currency.ts';
import { RateError } from '../../rating/errors.ts';
import { compare, fraction, parseDecimal } from '../../rating/fraction.ts';
import { formatMoney, MoneyError, moneyText, parseMoney, roundMoney } from '../../rating/money.ts';
import { withoutTaxes, withTaxes } from '../../rating/tax.ts';
import { holds } from './holds.ts';

t.test('an amount is read to the last of its ten decimals', (t) => {
  t.equal(parseMoney('1'), 10_000_000_000n);
  t.equal(parseMoney('0.0000000001'), 1n);
  t.equal(parseMoney('.5'), 5_000_000_000n);
  t.equal(parseMoney('-12.25'), -122_500_000_000n);
  t.equal(parseMoney('-0'), 0n);
  t.equal(parseMoney('000000000000000000001'), 10_000_000_000n, 'zeros in front are no size');
  t.end();
});

const NOT_MONEY: [string, RegExp][] = [
  ['1,5', /comma/],
  ['1,000.00', /comma/],
  ['1e3', /exponent/],
  ['1.5E-7', /exponent/],
  ['12 EUR', /letters/],
  ['abc', /letters/],
  ['NaN', /letters/],
  ['Infinity', /letters/],
  ['1.2.3', /more than one point/],
  ['', /missing/],
  [' ', /missing/],
  ['-', /not an amount/],
  ['+1', /not an amount/],
  ['5.', /not an amount/],
  [' 1', /spaces/],
  ['0.12345678901', /11 decimals/],
  [`0.${'1'.repeat(30)}`, /30 decimals/],
  ['1000000000000', /too large/],
  ['9'.repeat(1_000_000), /too large/],
  ['١', /not an amount/],
];

for (const [text, reason] of NOT_MONEY) {
  t.test(`"${text.slice(0, 20)}" is not an amount, and the sentence says why`, (t) => {
    t.throws(() => parseMoney(text), { name: 'MoneyError', message: reason });
    try {
      parseMoney(text);
    } catch (error) {
      t.ok((error as MoneyError).message.length < 200, 'a broken file does not end up in the log');
    }
    t.end();
  });
}

t.test('a number or nothing instead of text is refused too', (t) => {
  t.throws(() => parseMoney(0.1 as unknown as string), MoneyError);
  t.throws(() => parseMoney(undefined as unknown as string), MoneyError);
  t.end();
});

t.test('an amount is written with the decimals asked for, and never rounded on the way', (t) => {
  t.equal(formatMoney(parseMoney('1.5')), '1.500000');
  t.equal(formatMoney(parseMoney('-0.000001')), '-0.000001');
  t.equal(formatMoney(0n, 0), '0');
  t.equal(formatMoney(parseMoney('12'), 2), '12.00');
  t.throws(() => formatMoney(parseMoney('0.0000001')), { name: 'MoneyError', message: /without rounding/ });
  t.throws(() => formatMoney(1n, 11), MoneyError);
  t.equal(moneyText(parseMoney('0.1000')), '0.1');
  t.equal(moneyText(parseMoney('100')), '100');
  t.equal(moneyText(0n), '0');
  t.end();
});

t.test('whatever is written is read back as the same amount', (t) => {
  holds(t, property(bigInt({ min: -(10n ** 21n), max: 10n ** 21n }), (amount) => parseMoney(formatMoney(amount, 10)) === amount && parseMoney(moneyText(amount)) === amount));
  t.end();
});

t.test('half is rounded up, away from zero on both sides', (t) => {
  t.equal(roundMoney(parseMoney('0.0000005'), 6), parseMoney('0.000001'));
  t.equal(roundMoney(parseMoney('0.0000004999'), 6), 0n);
  t.equal(roundMoney(parseMoney('-0.0000005'), 6), parseMoney('-0.000001'));
  t.equal(roundMoney(fraction(1n, 3n), 10), 0n);
  t.equal(roundMoney(fraction(1n, 2n), 10), 1n);
  t.equal(roundMoney(fraction(-1n, 2n), 10), -1n);
  t.equal(roundMoney(parseMoney('2.5'), 0), parseMoney('3'));
  t.end();
});

t.test('rounding moves an amount by half a step at most', (t) => {
  holds(
    t,
    property(bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), bigInt({ min: 1n, max: 10n ** 9n }), integer({ min: 0, max: 10 }), (num, den, decimals) => {
      const step = 10n ** BigInt(10 - decimals);
      const rounded = roundMoney(fraction(num, den), decimals);
      const off = 2n * (rounded * den - num);
      return rounded % step === 0n && off <= step * den && off >= -step * den;
    }),
  );
  t.end();
});

t.test('3.99 with 18 % and 15 %: 5.41443 compound, 5.3067 simple', (t) => {
  const net = parseMoney('3.99');
  t.equal(moneyText(withTaxes(net, { compound: true, percents: ['18', '15'] }, 6)), '5.41443');
  t.equal(moneyText(withTaxes(net, { compound: false, percents: ['18', '15'] }, 6)), '5.3067');
  t.equal(withTaxes(net, { compound: true, percents: [] }, 6), net);
  t.equal(moneyText(withoutTaxes(parseMoney('5.41443'), { compound: true, percents: ['18', '15'] }, 6)), '3.99');
  t.end();
});

t.test('a tax below zero, above 1,000 % or a fifth one is refused by its name', (t) => {
  t.throws(() => withTaxes(1n, { compound: true, percents: ['-1'] }, 6), { name: 'RateError', code: 'negative', field: 'taxes.percents[0]' });
  t.throws(() => withTaxes(1n, { compound: true, percents: ['1', '1001'] }, 6), { code: 'tooLarge', field: 'taxes.percents[1]' });
  t.throws(() => withTaxes(1n, { compound: true, percents: ['1', '1', '1', '1', '1'] }, 6), { code: 'tooLarge', field: 'taxes.percents' });
  t.throws(() => withTaxes(1n, { compound: true, percents: ['1,5'] }, 6), { code: 'badDecimal' });
  t.end();
});

t.test('1 of the default currency is 0.7351 of the other, there and back', (t) => {
  t.equal(moneyText(fromDefault(parseMoney('100'), '0.7351', 6)), '73.51');
  t.equal(moneyText(toDefault(parseMoney('73.51'), '0.7351', 6)), '100');
  t.throws(() => parseExchangeRate('0'), { code: 'negative', field: 'exchangeRate' });
  t.throws(() => parseExchangeRate('-1'), { code: 'negative' });
  t.throws(() => parseExchangeRate('1,2'), { code: 'badDecimal' });
  t.end();
});

t.test('decimals are exact fractions', (t) => {
  t.equal(compare(parseDecimal('0.1', 'x'), fraction(1n, 10n)), 0);
  t.equal(compare(parseDecimal('-2.50', 'x'), fraction(-5n, 2n)), 0);
  t.ok(compare(fraction(1n, 3n), fraction(1n, 2n)) < 0);
  t.throws(() => parseDecimal('1e5', 'x'), RateError);
  t.throws(() => parseDecimal(`1.${'0'.repeat(19)}`, 'x'), RateError);
  t.throws(() => fraction(1n, 0n), RateError);
  t.end();
});
