import t from 'tap';
import { charge } from '../../rating/charge.ts';
import { longestCall } from '../../rating/credit.ts';
import { formatMoney, parseMoney } from '../../rating/money.ts';
import { simpleRate } from '../../rating/rate.ts';

// Worked examples of the "Increment and Minimal time" page, at 1.00 per minute.
const TABLE = [
  { billsec: 15, minTimeS: 0, incrementS: 1, billedS: 15, price: '0.250000' },
  { billsec: 15, minTimeS: 0, incrementS: 10, billedS: 20, price: '0.333333' },
  { billsec: 15, minTimeS: 0, incrementS: 20, billedS: 20, price: '0.333333' },
  { billsec: 15, minTimeS: 0, incrementS: 60, billedS: 60, price: '1.000000' },
  { billsec: 55, minTimeS: 0, incrementS: 60, billedS: 60, price: '1.000000' },
  { billsec: 65, minTimeS: 0, incrementS: 60, billedS: 120, price: '2.000000' },
  { billsec: 5, minTimeS: 10, incrementS: 1, billedS: 10, price: '0.166667' },
  { billsec: 25, minTimeS: 10, incrementS: 1, billedS: 25, price: '0.416667' },
  { billsec: 5, minTimeS: 10, incrementS: 30, billedS: 30, price: '0.500000' },
  { billsec: 20, minTimeS: 60, incrementS: 1, billedS: 60, price: '1.000000' },
  { billsec: 20, minTimeS: 60, incrementS: 7, billedS: 63, price: '1.050000' },
];

for (const { billsec, minTimeS, incrementS, billedS, price } of TABLE) {
  t.test(`${billsec} s with minimal time ${minTimeS} and increment ${incrementS} are billed as ${billedS} s`, (t) => {
    const rate = simpleRate({ ratePerMinute: parseMoney('1'), incrementS, minTimeS });
    const charged = charge(rate, billsec);
    t.equal(charged.billedS, billedS);
    t.equal(formatMoney(charged.price), price);
    t.end();
  });
}

t.test('1.50 at 0.1 a minute last 900 seconds', (t) => {
  t.equal(longestCall(simpleRate({ ratePerMinute: parseMoney('0.1') }), parseMoney('1.50')), 900);
  t.end();
});
