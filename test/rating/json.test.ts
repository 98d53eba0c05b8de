import t from 'tap';
import { Fields } from '../../rating/json.ts';
import { rateFromJson } from '../../rating/rate.ts';

t.test('only an object with known fields is read', (t) => {
  for (const value of [null, 1, 'x', [], undefined]) t.throws(() => new Fields(value, 'rate', ['a']), { code: 'wrongType', field: 'rate' });
  t.throws(() => new Fields({ a: 1, b: 2 }, '', ['a']), { code: 'unknownField', field: 'b', message: /known are a/ });
  t.throws(() => new Fields({ ['x'.repeat(100)]: 1 }, 'rate', ['a']), { code: 'unknownField', field: `rate.${'x'.repeat(40)}…` }, 'a long name is cut');
  t.throws(() => new Fields({ ['y'.repeat(40)]: 1 }, '', ['a']), { code: 'unknownField', field: 'y'.repeat(40) });
  t.throws(() => new Fields(JSON.parse('{"__proto__":{"a":1}}'), '', ['a']), { code: 'unknownField' });
  t.end();
});

t.test('a value of the wrong kind is named by its path, a missing one too', (t) => {
  const fields = new Fields({ text: 1, number: '1', flag: 'true', money: 0.1, list: {}, object: [], word: 'c', comma: '1,5', nothing: null }, 'a', ['text', 'number', 'flag', 'money', 'list', 'object', 'word', 'comma', 'nothing', 'none']);
  t.throws(() => fields.text('text'), { code: 'wrongType', field: 'a.text' });
  t.throws(() => fields.number('number'), { code: 'wrongType', field: 'a.number' });
  t.throws(() => fields.flag('flag'), { code: 'wrongType', field: 'a.flag' });
  t.throws(() => fields.money('money'), { code: 'badMoney', field: 'a.money' }, 'a number has gone through a float');
  t.throws(() => fields.money('comma'), { code: 'badMoney', field: 'a.comma', message: /comma/ });
  t.throws(() => fields.list('list'), { code: 'wrongType', field: 'a.list' });
  t.throws(() => fields.object('object', []), { code: 'wrongType', field: 'a.object' });
  t.throws(() => fields.oneOf('word', ['a', 'b']), { code: 'wrongType', field: 'a.word', message: /"a", "b"/ });
  for (const field of ['none', 'nothing']) {
    t.throws(() => fields.text(field), { code: 'missing', field: `a.${field}` });
    t.throws(() => fields.oneOf(field, ['a']), { code: 'missing' });
    t.throws(() => fields.list(field), { code: 'missing' });
    t.equal(fields.text(field, 'x'), 'x');
    t.equal(fields.number(field, 7), 7);
    t.equal(fields.flag(field, true), true);
    t.equal(fields.money(field, 5n), 5n);
    t.equal(fields.object(field, []), null);
  }
  t.equal(fields.has('none'), false);
  t.equal(fields.has('nothing'), true);
  t.end();
});

t.test('what is there is read as it is, also when it could be left out', (t) => {
  const fields = new Fields({ text: '', number: 0, flag: false, money: '0', list: [], word: 'b', object: { inner: 1 } }, '', ['text', 'number', 'flag', 'money', 'list', 'word', 'object']);
  t.equal(fields.text('text', 'x'), '');
  t.equal(fields.number('number', 7), 0);
  t.equal(fields.flag('flag', true), false);
  t.equal(fields.money('money', 5n), 0n);
  t.strictSame(fields.list('list'), []);
  t.equal(fields.oneOf('word', ['a', 'b']), 'b');
  t.throws(() => fields.object('object', ['inner'])?.text('inner'), { code: 'wrongType', field: 'object.inner' });
  t.end();
});

t.test('a property of every object is no field', (t) => {
  t.throws(() => new Fields({}, '', ['toString']).text('toString'), { code: 'missing' });
  t.throws(() => rateFromJson({ constructor: 1 }), { code: 'unknownField', field: 'constructor' });
  t.end();
});
