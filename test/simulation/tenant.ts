/**
 * What the operator has entered: users with little money and many calls, resellers and a partner above them, one with a
 * credit limit, DIDs whose owner pays, limits at each level, three providers. As plain words, for the catalog and for the
 * auditor, who reads them by himself.
 */
import { parseMoney } from '../../rating/money.ts';
import { buildTariff } from '../../rating/tariff.ts';
import type { Catalog } from '../../routing/catalog.ts';
import { catalogOf, device, did, lcr, provider, user } from '../routing/catalog-builder.ts';
import type { Chance } from './chance.ts';
import { caller } from './people.ts';
import type { Caller } from './people.ts';

export interface Terms {
  readonly perMinute: string;
  readonly fee: string;
  readonly incrementS: number;
  readonly minTimeS: number;
  readonly graceS: number;
}

const terms = (perMinute: string, parts: Partial<Terms> = {}): Terms => ({ perMinute, fee: '0', incrementS: 1, minTimeS: 0, graceS: 0, ...parts });

export const TARIFFS: Readonly<Record<number, Terms>> = {
  1: terms('0.6'),
  2: terms('0.9', { fee: '0.013', incrementS: 6 }),
  3: terms('0.75', { incrementS: 30, minTimeS: 10 }),
  4: terms('0.47', { fee: '0.005' }),
  5: terms('0.4'),
  21: terms('0.31', { fee: '0.02', incrementS: 2 }),
  22: terms('0.11'),
  23: terms('0.02'),
  111: terms('0.2'),
  112: terms('0.233333'),
  113: terms('0.3'),
};

export interface Account {
  readonly id: number;
  readonly ownerId: number;
  readonly type: 'user' | 'reseller' | 'partner';
  readonly tariff: number;
  readonly opening: string;
  /** null: without limit. */
  readonly credit: string | null;
  /** He is kept above about so much by payments. */
  readonly target: number;
}

export const ACCOUNTS: readonly Account[] = [
  { id: 7, ownerId: 0, type: 'partner', tariff: 5, opening: '6', credit: '0', target: 4 },
  { id: 6, ownerId: 7, type: 'reseller', tariff: 4, opening: '4', credit: '0', target: 3 },
  { id: 16, ownerId: 0, type: 'reseller', tariff: 5, opening: '3', credit: '1.5', target: 2 },
  { id: 5, ownerId: 6, type: 'user', tariff: 1, opening: '1', credit: '0', target: 0.7 },
  { id: 9, ownerId: 6, type: 'user', tariff: 2, opening: '0', credit: '1.25', target: 0 },
  { id: 10, ownerId: 0, type: 'user', tariff: 3, opening: '0.5', credit: '0', target: 1 },
  { id: 11, ownerId: 16, type: 'user', tariff: 1, opening: '0.8', credit: '0', target: 1 },
  { id: 12, ownerId: 16, type: 'user', tariff: 2, opening: '0', credit: null, target: 0 },
  { id: 8, ownerId: 0, type: 'user', tariff: 1, opening: '0.4', credit: '0', target: 0.5 },
];

export const PROVIDERS = [11, 12, 13] as const;

/** 0.007 for a call that rings for less than 700 ms. */
export const FLASH = { userId: 11, price: '0.007', ringMs: 700 } as const;

export interface Phone {
  readonly id: number;
  readonly userId: number;
  readonly endpoint: string;
  readonly graceS: number;
  /** How often it calls, beside the others. */
  readonly weight: number;
}

export const PHONES: readonly Phone[] = [
  { id: 45, userId: 5, endpoint: 'phone-5', graceS: 0, weight: 6 },
  { id: 49, userId: 9, endpoint: 'phone-9', graceS: 0, weight: 3 },
  { id: 50, userId: 10, endpoint: 'phone-10', graceS: 3, weight: 4 },
  { id: 51, userId: 11, endpoint: 'phone-11', graceS: 0, weight: 4 },
  { id: 52, userId: 12, endpoint: 'phone-12', graceS: 0, weight: 2 },
];

/** Both DIDs are user 8's; the second rings two of his devices at once. */
export const DIDS = [{ id: 81, did: '37052000081' }, { id: 82, did: '37052000082' }] as const;
export const DID = { ownerId: 8, ownerTariff: 21, incomingTariff: 22, providerTariff: 23, providerId: 11 } as const;
export const DID_DEVICES: readonly (readonly [number, string])[] = [[58, 'desk-58'], [59, 'desk-59']];

function tariffs(): ReturnType<typeof buildTariff>[] {
  return Object.entries(TARIFFS).filter(([id]) => Number(id) < 100).map(([id, { perMinute, fee, incrementS, minTimeS }]) =>
    buildTariff({ tariffId: Number(id), paysBack: id.startsWith('2') && id !== '2' }, [{ prefix: id.startsWith('2') && id !== '2' ? '' : '370', rate: parseMoney(perMinute), connectionFee: parseMoney(fee), incrementS, minTimeS, destinationId: 7 }]));
}

export function catalog(): Catalog {
  const limits: Readonly<Record<number, object>> = { 5: { outboundLimit: 25 }, 10: { outboundLimit: 6, cpsLimit: 3 }, 6: { combinedLimit: 40 }, 7: { combinedLimit: 60 }, 11: { combinedLimit: 15, flash: { price: parseMoney(FLASH.price), ringMs: FLASH.ringMs } } };
  return catalogOf({
    tariffs: tariffs(),
    users: ACCOUNTS.map(({ id, ownerId, type, tariff, credit }) => user(id, { ownerId, type, tariffId: tariff, postpaid: credit !== '0', credit: credit === null ? null : parseMoney(credit), allowLossCalls: true, ...limits[id] })),
    devices: [
      ...PHONES.map(({ id, userId, endpoint, graceS }) => device(id, userId, { endpoint, graceS, callLimit: id === 51 ? 12 : 0, ringTimeoutS: 30 })),
      ...DID_DEVICES.map(([id, endpoint]) => device(id, DID.ownerId, { endpoint, callLimit: 4, ringTimeoutS: 20 })),
    ],
    providers: [provider(11, TARIFFS[111]?.perMinute ?? '', { callLimit: 30, silenceMs: 2500 }), provider(12, TARIFFS[112]?.perMinute ?? '', { callLimit: 20, cpsLimit: 8 }), provider(13, TARIFFS[113]?.perMinute ?? '', { interpretBusyAsFailed: true })],
    lcrs: [lcr(1, [...PROVIDERS])],
    dids: DIDS.map(({ id, did: number }, index) => did(id, number, { userId: DID.ownerId, deviceIds: index === 0 ? [58] : [58, 59], ring: index === 0 ? 'in_turn' : 'at_once', callLimit: 5, providerTariffId: DID.providerTariff, incomingTariffId: DID.incomingTariff, ownerTariffId: DID.ownerTariff, providerId: DID.providerId })),
  });
}

const HAT = PHONES.flatMap((phone) => Array.from({ length: phone.weight }, () => phone));

/** The next one who calls, and whom. */
export function nextCaller(chance: Chance): Caller {
  const toDid = chance.oneIn(5);
  if (toDid && chance.oneIn(2)) return caller(chance, { endpoint: 'provider-11', number: '4930123', dialled: chance.pick(DIDS).did }, false);
  const phone = chance.pick(HAT);
  const dialled = toDid ? chance.pick(DIDS).did : `37060${String(chance.below(1_000_000)).padStart(6, '0')}`;
  return caller(chance, { endpoint: phone.endpoint, number: `3705000000${phone.id}`, dialled }, phone.userId === FLASH.userId && chance.oneIn(3));
}
