import * as fc from 'fast-check';
import { test } from 'tap';
import { AmiParser, encodeAction } from '../../../engine/asterisk/ami-protocol.ts';
import { parseSpyEvent, spyAction } from '../../../engine/asterisk/chan-spy.ts';
import { contactDialString, deviceDialString } from '../../../engine/asterisk/dial-string.ts';
import '../../seed.ts';

const GREETING = 'Asterisk Call Manager/11.0.0\r\n';

test('whatever a value holds, it stays one line of one action', async () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (value) => {
    const text = encodeAction('Originate', 'id-1', { CallerID: value });
    return text.split('\r\n').length === 5 && text.endsWith('\r\n\r\n') && !text.slice(0, -4).includes('\r\n\r\n') && text.replaceAll('\r\n', '').match(/[\r\n\0]/) === null;
  }));
});

test('keys, names and ids that are none are not sent', async (t) => {
  for (const [name, id, key] of [['Login\r\nX', '1', 'A'], ['Login', '1\r\nAction: Logoff', 'A'], ['Login', '1', 'A\r\nB'], ['Login', '1', 'A: B'], ['', '1', 'A'], ['Login', '', 'A']] as const) {
    t.throws(() => encodeAction(name, id, { [key]: 'x' }), /does not match/);
  }
});

test('messages are the same however they are cut into pieces', async (t) => {
  const text = `${GREETING}Response: Success\r\nActionID: 7\r\n\r\nEvent: Hangup\r\nUniqueid: spy-1\r\nUniqueid: other\r\nno colon\r\n: x\r\nCause-txt: a: b\r\n\r\n`;
  const whole = [{ Response: 'Success', ActionID: '7' }, { Event: 'Hangup', Uniqueid: 'spy-1', 'Cause-txt': 'a: b' }];
  for (let cut = 1; cut < text.length; cut += 1) {
    const parser = new AmiParser();
    const messages = [text.slice(0, cut), text.slice(cut)].flatMap((part) => parser.feed(part));
    t.same(messages.map((message) => Object.fromEntries(message)), whole);
  }
});

test('what is no AMI, or has no end, is not read for ever', async (t) => {
  t.throws(() => new AmiParser().feed('HTTP/1.1 400 Bad Request\r\n'), /does not greet like AMI/);
  t.throws(() => new AmiParser().feed('x'.repeat(500)), /does not greet like AMI/);
  const parser = new AmiParser();
  parser.feed(GREETING);
  t.throws(() => {
    for (let part = 0; part < 10; part += 1) parser.feed('Key: value\r\n'.repeat(5000));
  }, /has no end/);
});

test('a spy is of exactly one channel, and its options cannot be chosen from outside', async (t) => {
  const start = { id: '7c0e', dialString: deviceDialString('desk'), spied: '1795509403.14', ringTimeoutS: 30, callerNumber: '370" <x>\r\n1' };
  t.same(spyAction(start), { Channel: 'PJSIP/desk', ChannelId: 'spy-7c0e', Application: 'ChanSpy', Data: '1795509403.14,uqdSEx(*)', CallerID: '"Spy" <370x1>', Timeout: '30000', Async: 'true' });
  for (const spied of ['PJSIP/ada-1,w', '1,2', '', 'a b', '1795509403.14\r\n']) t.throws(() => spyAction({ ...start, spied }), /channel id/);
  t.throws(() => spyAction({ ...start, id: 'a\r\nb' }), /spy/);
});

test('an address that somebody registered is dialled as one address, or not at all', async (t) => {
  t.equal(contactDialString('desk', 'sip:desk@192.0.2.7:5060;transport=udp;ob'), 'PJSIP/desk/sip:desk@192.0.2.7:5060;transport=udp;ob');
  for (const contact of ['', 'desk', 'sip:', 'tel:1', 'sip:a&PJSIP/other', 'sip:a,b', 'sip:a/b', 'sip:a\r\nApplication: System', 'sip:a b', `sip:${'a'.repeat(300)}`]) t.throws(() => contactDialString('desk', contact), /contact/);
});

const parsed = (fields: Record<string, string>): unknown => parseSpyEvent(new Map(Object.entries(fields)));

test('what Asterisk tells of spies', async (t) => {
  t.same(parsed({ Event: 'ChanSpyStart', SpyerUniqueid: 'spy-a', SpyeeUniqueid: '1.2' }), { type: 'started', id: 'a' });
  t.same(parsed({ Event: 'Status', Uniqueid: 'spy-a', ChannelStateDesc: 'Up' }), { type: 'started', id: 'a' });
  t.equal(parsed({ Event: 'Status', Uniqueid: 'spy-a', ChannelStateDesc: 'Ringing' }), null);
  t.same(parsed({ Event: 'DTMFEnd', Uniqueid: 'spy-a', Direction: 'Received', Digit: '5' }), { type: 'key', id: 'a', key: '5' });
  t.equal(parsed({ Event: 'DTMFEnd', Uniqueid: 'spy-a', Direction: 'Sent', Digit: '5' }), null);
  t.same(parsed({ Event: 'Hangup', Uniqueid: 'spy-a' }), { type: 'ended', id: 'a' });
  t.same(parsed({ Event: 'Hangup', Uniqueid: '1.2' }), { type: 'ended', id: '' });
  t.same(parsed({ Event: 'OriginateResponse', ActionID: 'a', Response: 'Failure', Uniqueid: '<null>' }), { type: 'ended', id: 'a' });
  t.equal(parsed({ Event: 'OriginateResponse', ActionID: 'a', Response: 'Success' }), null);
  t.equal(parsed({ Event: 'Newchannel' }), null);
});
