import * as fc from 'fast-check';
import { test } from 'tap';
import { addToBridge, createBridge, createLeg, dial, hangup, play, setVariable } from '../../../engine/asterisk/commands.ts';
import { AriError } from '../../../engine/asterisk/contract.ts';
import { contactDialStrings, deviceDialString, hostDialString, numberDialString } from '../../../engine/asterisk/dial-string.ts';
import { pathSegment, safeText } from '../../../engine/asterisk/encode.ts';
import '../../seed.ts';

test('a dial string holds one endpoint and one number, or is not built', async (t) => {
  t.equal(numberDialString('+4930555#*1', 'provider-7'), 'PJSIP/+4930555#*1@provider-7');
  t.equal(deviceDialString('phone.1'), 'PJSIP/phone.1');
  for (const bad of ['', '1&2', '1@x', '1/2', '1;2', '1 2', '1\r\n2', '1%2', '"1"', '😀', '1'.repeat(80), '1,2', 'sip:1', '1\n']) {
    t.throws(() => numberDialString(bad, 'trunk'), { name: 'InvalidText', field: 'number' });
    t.throws(() => numberDialString('1', bad), { name: 'InvalidText', field: 'endpoint' });
    t.throws(() => deviceDialString(bad), { name: 'InvalidText' });
  }
});

test('a number at a host is dialled with the settings of an endpoint', async (t) => {
  t.equal(hostDialString('7788', 'sip.example.com:5070', 'out'), 'PJSIP/out/sip:7788@sip.example.com:5070');
  t.equal(hostDialString('7788', '192.0.2.1', 'out'), 'PJSIP/out/sip:7788@192.0.2.1');
  for (const bad of ['', 'a b', 'a/b', 'a&b', 'a@b', 'a;x=y', 'a:b', 'a:123456', '-a', 'a\r\nb', '[::1]']) t.throws(() => hostDialString('1', bad, 'out'), { name: 'InvalidText', field: 'host' }, bad);
  t.throws(() => hostDialString('1@x', 'a', 'out'), { name: 'InvalidText', field: 'number' });
});

test('whatever the number, the dial string is refused or has two parts', async (t) => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (number) => {
    try {
      return /^PJSIP\/[0-9A-Za-z+*#._-]+@trunk$/.test(numberDialString(number, 'trunk'));
    } catch (error) {
      return (error as Error).name === 'InvalidText';
    }
  }));
  t.pass('held for all');
});

test('contacts of a device: its own, once each', async (t) => {
  t.same(contactDialStrings('dev9', 'PJSIP/dev9/sip:a@1.2.3.4&PJSIP/dev9/sip:a@1.2.3.4&PJSIP/dev9/sips:b@x&PJSIP/other/sip:c&Local/x@y&'), ['PJSIP/dev9/sip:a@1.2.3.4', 'PJSIP/dev9/sips:b@x']);
  t.same(contactDialStrings('dev9', ''), []);
});

test('requests are what Asterisk expects', async (t) => {
  t.same(createBridge('b/1'), { method: 'POST', path: '/bridges/b%2F1', query: { type: 'mixing' } });
  t.same(hangup('c', 17), { method: 'DELETE', path: '/channels/c', query: { reason_code: 17 } });
  t.same(dial('c', 2.2), { method: 'POST', path: '/channels/c/dial', query: { timeout: 3 } });
  t.same(dial('c', 0, 'x'), { method: 'POST', path: '/channels/c/dial', query: { timeout: 1, caller: 'x' } });
  t.same(play('c', 'p', ['sound:a', 'digits:12']).query, { media: 'sound:a,digits:12' });
  t.same(setVariable('c', 'CALLERID(num)', '1\r\n2').query, { variable: 'CALLERID(num)', value: '12' });
  const leg = createLeg({ dialString: deviceDialString('d'), channelId: 'l', app: 'tollgate', appArgs: ['leg', 'x'], originator: 'c', formats: ['alaw'], variables: { 'PJSIP_HEADER(add,Diversion)': '<sip:1@h>;reason=x\r\nEvil: 1' } });
  t.same(leg.query, { endpoint: 'PJSIP/d', app: 'tollgate', channelId: 'l', appArgs: 'leg,x', originator: 'c', formats: 'alaw' });
  t.same(leg.body, { variables: { 'PJSIP_HEADER(add,Diversion)': '<sip:1@h>;reason=xEvil: 1' } });
});

test('text that would leave its field is refused', async (t) => {
  t.throws(() => addToBridge('b', ['a,c']), { name: 'InvalidText' });
  t.throws(() => createBridge('..'), { name: 'InvalidText' });
  t.throws(() => createBridge(''), { name: 'InvalidText' });
  t.throws(() => hangup('c', 128), RangeError);
  t.throws(() => setVariable('c', 'A=1\r\nB', 'x'), { name: 'InvalidText' });
  t.throws(() => play('c', 'p', ['sound:a,sound:b']), { name: 'InvalidText' });
  t.throws(() => createLeg({ dialString: deviceDialString('d'), channelId: 'l', app: 'tollgate', appArgs: ['a,b'] }), { name: 'InvalidText' });
});

test('a path segment comes back as it was, and free text has no control characters', async (t) => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => {
    try {
      const segment = pathSegment('x', text);
      return decodeURIComponent(segment) === text && !/[/?#]/.test(segment);
    } catch (error) {
      return (error as Error).name === 'InvalidText';
    }
  }));
  // oxlint-disable-next-line no-control-regex -- the very thing that must not be there
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !/[\u0000-\u001f\u007f]/.test(safeText(text)) && JSON.parse(JSON.stringify(safeText(text))) === safeText(text)));
  t.equal(safeText('a\ud800b\udc00c😀'), 'abc😀');
  t.equal(safeText('x'.repeat(5000)).length, 4096);
});

test('an error tells no more than where and why', async (t) => {
  const error = new AriError(400, 'no', { method: 'PUT', path: '/x', body: { password: 'shh' } });
  t.notMatch(JSON.stringify([Object.entries(error), error.message, error.stack]), /shh/);
  t.equal(error.request.path, '/x');
});
