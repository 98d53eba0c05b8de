/** Who is called in the demo: SIPp as the providers of tenant.yaml, and as Ben's phone. */

import { SipPhone } from '../sip-phone.ts';
import { call, startPeer, type Sipp } from '../sipp.ts';

export const CARRIER_IP = '127.0.0.11';
export const CARLA_IP = '127.0.0.21';
export const EMMA_IP = '127.0.0.22';
const DESK_IP = '127.0.0.23';
/** What whoever sits there says, as a tone. */
export const DESK_HZ = 1000;
const BARGAIN_IP = '127.0.0.12';
const LAST_RESORT_IP = '127.0.0.13';
const BEN_IP = '127.0.0.31';

export type FarEnds = {
  /** By their names in tenant.yaml. */
  providers: Record<string, Sipp>;
  bensPhone: Sipp;
  desk: SipPhone;
};

/** They ring for a second, so that the live table shows it, and echo what they hear. */
export async function startFarEnds(): Promise<FarEnds> {
  const rings = { scenario: 'peer-answer', values: { ringMs: 1000 }, rtpEcho: true };
  const [carrier, bargain, lastResort, bensPhone, desk] = await Promise.all([
    startPeer({ ...rings, ip: CARRIER_IP }),
    startPeer({ scenario: 'peer-refuse', values: { status: 503, reason: 'Service Unavailable', refuseAfterMs: 300 }, ip: BARGAIN_IP }),
    startPeer({ ...rings, ip: LAST_RESORT_IP }),
    startPeer({ ...rings, ip: BEN_IP }),
    SipPhone.open(DESK_IP, DESK_HZ),
  ]);
  return { providers: { carrier, bargain, 'last-resort': lastResort }, bensPhone, desk };
}

/** Lasts for ten minutes, the longest that a registration may. Rejects when Asterisk refuses it. */
export async function registerBen(target: { host: string; sipPort: number }, phone: Sipp): Promise<void> {
  const result = await call({
    target,
    scenario: 'register',
    ip: BEN_IP,
    auth: { username: 'ben', password: 'bens-password' },
    values: { contactPort: phone.port, expiresS: 600 },
  });
  if (result.exitCode !== 0) throw new Error(`Ben's phone cannot register: ${result.errors}`);
}
