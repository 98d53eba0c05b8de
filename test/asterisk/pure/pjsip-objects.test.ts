import { test } from 'tap';
import { pjsipObjects, type WantedObject } from '../../../engine/asterisk/pjsip-objects.ts';
import type { SipAccount } from '../../../routing/catalog.ts';

const account: SipAccount = {
  kind: 'device', id: 5, endpoint: 'phone', secret: 'shh', username: null, ips: [], host: null, port: null, register: false, fromUser: null,
  fromDomain: null, codecs: ['ulaw', 'alaw'], dtmfMode: 'rfc4733', nat: false, checkEveryS: 0, callerIdNumber: '', callerIdName: '', serverIds: [],
};
const provider: SipAccount = { ...account, kind: 'provider', id: 7, endpoint: 'provider-7', secret: null, host: 'sip.example.org', port: 5080, ips: ['192.0.2.1'] };

function objects(of: SipAccount): readonly WantedObject[] {
  const made = pjsipObjects(of);
  if ('refused' in made) throw new Error(made.refused);
  return made.objects;
}

function fields(of: SipAccount, type: WantedObject['type']): Readonly<Record<string, string>> {
  return objects(of).find((object) => object.type === type)?.fields ?? {};
}

function refusal(of: SipAccount): string | undefined {
  const made = pjsipObjects(of);
  return 'refused' in made ? made.refused : undefined;
}

test('a device with a password', async (t) => {
  t.same(objects(account).map(({ type, id }) => [type, id]), [['auth', 'phone'], ['aor', 'phone'], ['endpoint', 'phone']]);
  t.match(fields(account, 'auth'), { username: 'phone', password: 'shh' });
  t.match(fields(account, 'endpoint'), { identify_by: 'auth_username,username', auth: 'phone', accountcode: 'device:5', context: 'tollgate', allow: 'ulaw,alaw', direct_media: 'no', allow_transfer: 'no', trust_id_outbound: 'no' });
  t.equal(Object.keys(fields(account, 'endpoint')).indexOf('disallow') < Object.keys(fields(account, 'endpoint')).indexOf('allow'), true);
});

test('a device known by its address cannot be taken by its name, and nobody registers at it', async (t) => {
  const office: SipAccount = { ...account, secret: null, ips: ['192.0.2.9', '2001:db8::/64'], host: '192.0.2.9', port: null };
  t.same(objects(office).map(({ type, id }) => [type, id]), [['aor', 'phone'], ['endpoint', 'phone'], ['identify', 'phone#1'], ['identify', 'phone#2']]);
  t.match(fields(office, 'endpoint'), { identify_by: 'ip', auth: '' });
  t.match(fields(office, 'aor'), { max_contacts: '0', contact: 'sip:192.0.2.9:5060' });
  t.equal(fields({ ...office, host: '2001:db8::1' }, 'aor')['contact'], 'sip:[2001:db8::1]:5060');
});

test('a provider', async (t) => {
  t.same(objects(provider).map(({ type }) => type), ['aor', 'endpoint', 'identify']);
  t.match(fields(provider, 'endpoint'), { identify_by: 'ip', outbound_auth: '', send_pai: 'yes', trust_id_outbound: 'yes', trust_id_inbound: 'yes', send_connected_line: 'no', accountcode: 'provider:7' });
  t.match(fields(provider, 'aor'), { contact: 'sip:sip.example.org:5080', qualify_frequency: '0', qualify_timeout: undefined });
  t.match(fields({ ...provider, checkEveryS: 30 }, 'aor'), { qualify_frequency: '30', qualify_timeout: '3.000000' });
  t.match(fields({ ...provider, checkEveryS: 1 }, 'aor'), { qualify_timeout: '1.000000' });
  const registered: SipAccount = { ...provider, register: true, username: 'a b', secret: 'shh', fromDomain: 'example.org' };
  t.equal(refusal(registered), 'username has characters that stand in no SIP address');
  t.match(fields({ ...registered, username: 'acme' }, 'registration'), { server_uri: 'sip:sip.example.org:5080', client_uri: 'sip:acme@example.org', outbound_auth: 'provider-7' });
  t.match(fields({ ...registered, username: 'acme' }, 'endpoint'), { outbound_auth: 'provider-7', auth: '' });
});

test('what could be another\'s endpoint, or is none, is refused with its reason', async (t) => {
  for (const endpoint of ['provider-7', 'Provider-x', 'anonymous', 'ANONYMOUS', '', 'a b', 'a@b', 'a/b', 'ä', 'x'.repeat(80)]) t.type(refusal({ ...account, endpoint }), 'string', endpoint);
  t.match(refusal({ ...account, secret: null }), /neither a password nor an address/);
  t.match(refusal({ ...account, secret: '' }), /password is empty/);
  t.match(refusal({ ...account, secret: null, ips: ['300.1.1.1'] }), /no address/);
  t.match(refusal({ ...account, secret: null, ips: ['10.0.0.0/33'] }), /no address/);
  t.match(refusal({ ...account, secret: null, ips: ['10.0.0.1'], host: 'x;lr' }), /host/);
  t.match(refusal({ ...provider, host: null }), /no host/);
  t.match(refusal({ ...provider, endpoint: 'carrier' }), /must be provider-7/);
  t.match(refusal({ ...provider, port: 70_000 }), /port/);
  t.match(refusal({ ...provider, register: true }), /user name/);
  t.match(refusal({ ...provider, fromUser: 'a>\r\nb' }), /fromUser/);
});
