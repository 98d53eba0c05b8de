/** A call that a user and his reseller pay, with three ways out, of many users: as the engine asks the store for it. */
import type { AdmitRequest, Cdr } from '../../engine/call/admission.ts';
import { attemptCdr } from '../../engine/call/cdr.ts';
import { payerClaims } from '../../engine/call/money.ts';
import type { Attempt, Call } from '../../engine/call/state.ts';
import { encodeCall } from '../../engine/memo.ts';
import { call, provider, rate } from '../../test/call/call-builder.ts';

export const USERS = 500;
export const RESELLERS = 50;
export const FIRST_USER = 1000;

export function callOf(number: number): Call {
  const one = call({ rates: { user: rate('0.6'), reseller: rate('0.5') }, ways: [provider(1), provider(2), provider(3)] });
  const user = FIRST_USER + (number % USERS);
  const reseller = FIRST_USER + USERS + (number % RESELLERS);
  const counters = [`calls:device:${user}`, `calls:user:${user}:out`, `calls:user:${user}`, `calls:reseller:${reseller}`, 'calls:server:1'].map((key) => ({ key, limit: 0, cause: 220 }));
  const payers = one.plan.payers.map((payer, index) => ({ ...payer, userId: index === 0 ? user : reseller }));
  return { ...one, id: `1-1795521600.${number}`, plan: { ...one.plan, counters, payers, perSecond: [{ key: `cps:user:${user}`, limit: 0, cause: 304 }] } };
}

export const LIVE = { state: 'dialling', since: '1795521600000', server: '1', channel: '1795521600.7', direction: 'outbound', from: '37050000000', to: '37060000000', userId: '1001', user: 'northwind', deviceId: '44', didId: '', did: '', resellerId: '1501' };

export function admission(one: Call): AdmitRequest {
  return { callId: one.id, nowMs: one.arrived.wallMs, counters: one.plan.counters, perSecond: one.plan.perSecond, payers: payerClaims(one), ways: one.plan.ways.map((way) => way.claims), live: LIVE, memo: encodeCall(one) };
}

export function rowOf(one: Call): Cdr {
  const attempt: Attempt = { number: 1, way: 0, legId: `${one.id}-1`, started: one.arrived, dialled: one.arrived, rang: one.arrived, ready: true, connecting: true, sipCallId: 'a84b4c76e66710@far.example', codec: 'alaw', fork: null, deviceId: null };
  const end = { wallMs: one.arrived.wallMs + 60_000, monoMs: one.arrived.monoMs + 60_000 };
  return attemptCdr(one, attempt, { outcome: { disposition: 'ANSWERED', cause: 16, sipCode: 200 }, end, source: 'event', terminatedBy: 'originator', answered: one.arrived, paidS: 60 }).cdr;
}
