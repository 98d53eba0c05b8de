/**
 * The calls of the demo and what must come of them. Every figure below was worked out by hand from the rates of
 * tenant.yaml; none is computed by the program that is being shown.
 */

import { CARLA_IP, CARRIER_IP, EMMA_IP } from './far-ends.ts';
import type { CallerOptions } from '../sipp.ts';

/** Whose price it is, in the words of the CDR's columns: `user_price` and so on. */
export const LEVELS = ['provider', 'reseller', 'user', 'did', 'did_prov'] as const;
export type LevelName = (typeof LEVELS)[number];

export type ExpectedRow = {
  /** Provider or device it went to; '': nobody was called. */
  way: string;
  disposition: 'ANSWERED' | 'NO ANSWER' | 'BUSY' | 'FAILED';
  cause: number;
  /** Seconds of talk, from and to: on a busy machine a call lasts a little longer. No price below depends on it. */
  seconds: readonly [number, number];
  /** Prices other than 0. */
  prices: Partial<Record<LevelName, string>>;
};

export type DemoCall = {
  letter: string;
  /** Who calls whom, and what it shows. */
  story: string;
  sipp: Omit<CallerOptions, 'target'>;
  /** How the caller is answered. */
  sip: number;
  /** One CDR for each attempt. */
  rows: readonly ExpectedRow[];
};

const REFUSED = { way: '', disposition: 'FAILED', seconds: [0, 0], prices: {} } as const;

function byPassword(name: string): Pick<CallerOptions, 'from' | 'auth'> {
  return { from: name, auth: { username: name, password: `${name}s-password` } };
}

const CARLA = { from: '37052000003', ip: CARLA_IP } as const;

export const CALLS: readonly DemoCall[] = [
  {
    letter: 'a',
    story: 'Anna calls 861234567, which her location makes 37061234567',
    sipp: { ...byPassword('anna'), scenario: 'call', to: '861234567', values: { holdMs: 6000 } },
    sip: 200,
    rows: [
      {
        way: 'carrier', disposition: 'ANSWERED', cause: 16, seconds: [6, 15],
        // 15 s at 0.03 a minute; 30 s at 0.06; a connection at 0.02 and one minute at 0.12.
        prices: { provider: '0.0075', reseller: '0.03', user: '0.14' },
      },
    ],
  },
  {
    letter: 'b',
    story: 'Anna calls Germany: the cheapest provider answers 503, the next one takes it',
    sipp: { ...byPassword('anna'), scenario: 'call', to: '4930123456', values: { holdMs: 4000 } },
    sip: 200,
    rows: [
      { way: 'bargain', disposition: 'FAILED', cause: 34, seconds: [0, 0], prices: {} },
      {
        way: 'carrier', disposition: 'ANSWERED', cause: 16, seconds: [4, 15],
        // 15 s at 0.02; 30 s at 0.05; a connection at 0.02 and one minute at 0.10.
        prices: { provider: '0.005', reseller: '0.025', user: '0.12' },
      },
    ],
  },
  {
    letter: 'c',
    story: 'Anna calls a premium number, which is on her blacklist',
    sipp: { ...byPassword('anna'), scenario: 'refused', to: '370900123456', values: { status: 403 } },
    sip: 403,
    rows: [{ ...REFUSED, cause: 255 }],
  },
  {
    letter: 'd',
    story: "The carrier brings a call to 3708888812: a wildcard DID, and Ben's phone rings",
    sipp: { from: '4930777777', ip: CARRIER_IP, scenario: 'call', to: '3708888812', values: { holdMs: 3000 } },
    sip: 200,
    rows: [
      {
        way: 'ben', disposition: 'ANSWERED', cause: 16, seconds: [3, 15],
        // A DID is priced from the arrival: one minute at 0.01 for its owner, one at 0.006 for who brings the call.
        prices: { did: '0.01', did_prov: '0.006' },
      },
    ],
  },
  {
    letter: 'e',
    story: "Carla's PBX calls, known by its address; she may have one call at a time",
    sipp: { ...CARLA, scenario: 'call', to: '37052111111', values: { holdMs: 5000 } },
    sip: 200,
    rows: [
      {
        way: 'carrier', disposition: 'ANSWERED', cause: 16, seconds: [5, 15],
        // As the first call.
        prices: { provider: '0.0075', reseller: '0.03', user: '0.14' },
      },
    ],
  },
  {
    letter: 'f',
    story: 'Carla calls once more meanwhile: her limit is reached',
    sipp: { ...CARLA, scenario: 'refused', to: '37052222222', values: { status: 503 } },
    sip: 503,
    rows: [{ ...REFUSED, cause: 220 }],
  },
  {
    letter: 'g',
    story: 'Dora calls with 0.05 left, at one cent a second: cut after five',
    // The caller waits for the other side's BYE and fails without it.
    sipp: { ...byPassword('dora'), scenario: 'call-until-bye', to: '37067777777', values: { giveUpMs: 15_000 } },
    sip: 200,
    rows: [
      {
        way: 'carrier', disposition: 'ANSWERED', cause: 16, seconds: [5, 5],
        // 15 s at 0.03; 30 s at 0.06; 5 s at 0.60.
        prices: { provider: '0.0075', reseller: '0.03', user: '0.05' },
      },
    ],
  },
];

/** Calls with ears: what is heard in them is shown as well (ears.ts). */
export const WARNED: DemoCall = {
  letter: 'h',
  story: 'Emma has 1.00 left and is warned before her call',
  sipp: { from: '37052000005', ip: EMMA_IP, scenario: 'call', to: '37061234567', values: { holdMs: 3000 } },
  sip: 200,
  rows: [
    {
      way: 'carrier', disposition: 'ANSWERED', cause: 16, seconds: [3, 15],
      // As the first call: what she heard before costs nothing.
      prices: { provider: '0.0075', reseller: '0.03', user: '0.14' },
    },
  ],
};

export const SPIED: DemoCall = {
  letter: 'i',
  story: 'Another caller talks to Ben; a supervisor listens, and whispers to the caller',
  sipp: { from: '4930888888', ip: CARRIER_IP, scenario: 'call-until-bye', to: '3708888813', values: { giveUpMs: 50_000 }, timeoutS: 60 },
  sip: 200,
  rows: [
    {
      way: 'ben', disposition: 'ANSWERED', cause: 16, seconds: [1, 50],
      // As call d.
      prices: { did: '0.01', did_prov: '0.006' },
    },
  ],
};

/** What all calls together change: a user's balance falls by what he pays, a provider's grows by what he is owed. */
export const BALANCE_CHANGES: Readonly<Record<string, string>> = {
  // Calls a and b.
  anna: '-0.26',
  // Calls d and i.
  ben: '-0.02',
  // Call e.
  carla: '-0.14',
  // Call g: all she had.
  dora: '-0.05',
  // Call h.
  emma: '-0.14',
  supervisors: '0',
  // 0.03 + 0.025 + 0.03 + 0.03 + 0.03 of the calls a, b, e, g and h.
  northwind: '-0.145',
  // 0.0075 + 0.005 + 0.0075 + 0.0075 + 0.0075 for a, b, e, g and h, less 0.006 that the carrier pays for bringing d, and i.
  carrier: '0.023',
  bargain: '0',
  'last-resort': '0',
};
