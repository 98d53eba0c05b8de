/** Requests as the engine makes them, with defaults. */
import type { AdmitRequest, Cdr, CounterClaim, PayerClaim } from '../../engine/call/admission.ts';
import { parseMoney } from '../../rating/money.ts';

export const NOW = Date.UTC(2026, 10, 15, 12);

export function counter(key: string, limit = 0, cause = 220): CounterClaim {
  return { key, limit, cause };
}

export function payer(userId: number, want: string, least = '0.01'): PayerClaim {
  return { userId, want: parseMoney(want), least: parseMoney(least), tooLow: 211, simultaneous: 212, underOneSecond: 210 };
}

export function admission(callId: string, parts: Partial<AdmitRequest> = {}): AdmitRequest {
  return { callId, nowMs: NOW, counters: [], perSecond: [], payers: [], ways: [], live: {}, ...parts };
}

export function cdr(uniqueId: string, parts: Partial<Cdr> = {}): Cdr {
  return {
    uniqueId, attempt: 1, final: true, callDateMs: NOW, answerMs: NOW + 2000, endMs: NOW + 62_000, direction: 'outbound', serverId: 1,
    clid: '"Alice" <100>', src: '100', dst: '0037061234567', localizedDst: '37061234567', userId: 5, resellerId: null, partnerId: null, deviceId: 7,
    dstUserId: null, dstDeviceId: null, providerId: 3, didProviderId: null, didId: null, prefix: '3706', destinationId: null,
    disposition: 'ANSWERED', hangupCause: 16, sipCode: 200, durationMs: 62_000, billMs: 60_000, billsec: 60, pddMs: 700,
    terminatedBy: 'originator', endSource: 'event', flashCall: false, originatorCodec: 'alaw', terminatorCodec: 'ulaw',
    originatorCallId: 'a@b', terminatorCallId: 'c@d', originatorIp: '127.0.0.1', catalogVersion: 1, prices: {}, ...parts,
  };
}
