/** Who may spy on whose calls, with which device. */
import { test } from 'tap';
import { NOBODY } from '../../routing/plan.ts';
import type { Parties } from '../../routing/plan.ts';
import { decideSpy } from '../../routing/spying.ts';
import type { SpySide } from '../../routing/spying.ts';
import { catalogOf, device, user } from './catalog-builder.ts';

/** Partner 1 owns reseller 2, who owns user 3; user 4 is the admin's; each has a device. */
const catalog = catalogOf({
  users: [
    user(0, { username: 'admin', type: 'admin' }), user(1, { username: 'partner', type: 'partner', maySpy: true }), user(2, { username: 'reseller', type: 'reseller', ownerId: 1, maySpy: true }),
    user(3, { username: 'ada', ownerId: 2, maySpy: true }), user(4, { username: 'bea', maySpy: true }), user(6, { username: 'not allowed' }), user(7, { username: 'gone', blocked: true, maySpy: true }),
    user(9, { username: 'books', type: 'accountant', maySpy: true }), user(10, { username: 'no ears', type: 'accountant' }),
  ],
  devices: [1, 2, 3, 4].map((owner) => device(owner, owner, { endpoint: `d${owner}` })).concat(device(20, 4, { endpoint: 'shut', blocked: true })),
});

const call = (parts: Partial<Parties>): Parties => ({ ...NOBODY, direction: 'outbound', src: '1', dst: '2', localizedDst: '2', ...parts });
const adas = call({ userId: 3 });
const toAda = call({ direction: 'inbound', dstUserId: 3 });
const between = call({ direction: 'local', userId: 4, dstUserId: 3 });

const GRANTED: readonly (readonly [string, string, Parties, SpySide])[] = [
  ['', 'd4', adas, 'caller'], ['admin', 'd3', adas, 'caller'], ['', 'd4', toAda, 'callee'], ['', 'd4', between, 'caller'], ['', 'd4', call({}), 'caller'],
  ['books', 'd1', between, 'caller'],
  ['partner', 'd1', adas, 'caller'], ['partner', 'd3', toAda, 'callee'], ['reseller', 'd2', adas, 'caller'], ['reseller', 'd3', between, 'callee'],
  ['ada', 'd3', adas, 'caller'], ['ada', 'd3', between, 'callee'], ['bea', 'd4', between, 'caller'],
];

test('granted: the admin, accountants, and whoever is an owner of a side; a whisper goes to the own side', async (t) => {
  for (const [as, endpoint, parties, side] of GRANTED) t.match(decideSpy(catalog, { as, device: endpoint, side: null, parties }), { may: true, side, device: { endpoint } }, `${as} with ${endpoint}`);
  t.match(decideSpy(catalog, { as: 'ada', device: 'd3', side: 'callee', parties: adas }), { may: true, side: 'callee' }, 'the side can be chosen');
});

const REFUSED: readonly (readonly [string, string, Parties, RegExp])[] = [
  ['nobody', 'd1', adas, /There is no user nobody/],
  ['gone', 'd4', between, /user gone is blocked/],
  ['not allowed', 'd4', between, /may not spy on calls/], ['no ears', 'd4', between, /may not spy on calls/],
  ['', 'd99', adas, /There is no device d99/], ['', 'shut', adas, /device shut is blocked/],
  ['ada', 'd2', adas, /d2 is not one of ada/], ['reseller', 'd1', adas, /d1 is not one of reseller/], ['bea', 'd3', between, /d3 is not one of bea/],
  ['bea', 'd4', adas, /none of bea/], ['ada', 'd3', call({ userId: 4 }), /none of ada/], ['reseller', 'd2', call({ userId: 1 }), /none of reseller/], ['partner', 'd1', call({}), /none of partner/],
];

test('refused, with the reason', async (t) => {
  for (const [as, endpoint, parties, reason] of REFUSED) t.match(decideSpy(catalog, { as, device: endpoint, side: null, parties }), { may: false, reason });
});
