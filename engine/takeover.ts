/**
 * After a (re)connection: the calls that this process leads, those that another process led, and the channels that Asterisk
 * has are compared. Ends and answers that nobody told are asked of the witness. See docs/decisions/0008-recovery.md.
 */
import { getVariable, hangup } from './asterisk/commands.ts';
import { AriError } from './asterisk/contract.ts';
import type { AsteriskEvent, AsteriskLink, Channel } from './asterisk/contract.ts';
import { askTime, listChannels, startedAt } from './asterisk/queries.ts';
import { NOT_WITNESSED } from './asterisk/witness.ts';
import type { readWitness, Witnessed, WitnessedChannels } from './asterisk/witness.ts';
import { isDialled } from './agi/agi-calls.ts';
import type { AgiCalls } from './agi/agi-calls.ts';
import { unfinished } from './agi/unfinished.ts';
import type { OpenCall } from './call/admission.ts';
import type { DialledCall } from './call/dialled.ts';
import { payersOf } from './call/money.ts';
import { DIED_CAUSE } from './call/outcome.ts';
import { resume } from './call/resume.ts';
import type { Facts, LegFacts } from './call/resume.ts';
import type { Call, CallSettings, Gone, Moment } from './call/state.ts';
import { legIdOf } from './call/state.ts';
import type { AsteriskClock } from './clock.ts';
import { pause } from './clock.ts';
import type { Finisher } from './finisher.ts';
import { decodeCall, decodePast } from './memo.ts';
import type { CallStore, Log } from './ports.ts';
import type { Registry } from './registry.ts';

export type ReadWitness = typeof readWitness;

export interface TakeoverParts {
  readonly serverId: number;
  readonly app: string;
  readonly settings: CallSettings;
  /** Path of the event log; '': there is none. */
  readonly witness: string;
  readonly readWitness: ReadWitness;
  readonly link: AsteriskLink;
  readonly clock: AsteriskClock;
  readonly store: CallStore;
  readonly registry: Registry;
  /** Calls that their dialplan leads. */
  readonly agi: AgiCalls;
  readonly finisher: Finisher;
  readonly log: Log;
  /** When this process lost the connection before; null: it had none. */
  readonly lostAt: Moment | null;
  /** When calls and channels were compared last; null: never yet. */
  readonly comparedAt: Moment | null;
  /** Channels of prompts belong to no call. */
  readonly isPrompt: (channelId: string) => boolean;
  /** Resolves when a caller can be decided about, or has waited long enough. */
  readonly ready: () => Promise<void>;
  /** A caller whom nobody has taken yet. */
  readonly arrive: (channel: Channel, args: readonly string[], at: Moment) => void;
}

/** What came while the calls were being taken over, of channels that no call knew. */
export interface Early {
  readonly event: Exclude<AsteriskEvent, { type: 'playbackFinished' }>;
  readonly at: Moment;
}

/** Asterisk writes its log within the second. */
const WITNESS_DELAY_MS = 1200;
const UNWANTED = 16;
/** A caller who has no answer yet: what he was to be told is known no more. 503, not the 603 that ends all his tries. */
const TRY_ELSEWHERE = 34;
/** A connection that breaks as Asterisk dies is seen broken at about that moment. */
const SAME_MOMENT_MS = 1000;

interface Seen {
  readonly channels: ReadonlyMap<string, Channel>;
  readonly early: readonly Early[];
  readonly witnessed: WitnessedChannels;
  /** Asterisk is another process since then: whatever was up before ended by then at the latest. null: it is the same. */
  readonly diedAt: Moment | null;
}

/** What an earlier comparison saw. Whatever is younger than that may only just be coming, or going. */
export interface Before {
  readonly own: ReadonlySet<string>;
  readonly alone: ReadonlySet<string>;
}

/** `before` null: at the beginning of a connection, when nothing is under way. */
export async function takeOver(parts: TakeoverParts, early: readonly Early[], before: Before | null): Promise<Before> {
  const { link, registry, agi, clock, log, finisher, comparedAt } = parts;
  clock.stamp(await askTime(link));
  const ids = registry.channelIds();
  const own = ids.filter((id) => before === null || before.own.has(id));
  // Asked for when the list is there: a call may end while it is read.
  let ending: ReadonlySet<string> | null = null;
  const open = await parts.store.openCalls(parts.serverId, (callId) => registry.leads(callId) || agi.leads(callId) || (ending ??= finisher.ending()).has(callId));
  const calls = toLead(parts, open);
  // Asked for before the channels: whose caller is not among those is gone.
  const dialled = agi.standing();
  const channels = new Map((await listChannels(link)).map((channel) => [channel.id, channel]));
  const channelOf = (one: DialledCall): Channel | undefined => channels.get(one.call.originator.channelId);
  for (const one of dialled) if (channelOf(one)?.state === 'Up') agi.seenUp(one);
  const untold = dialled.filter((one) => channelOf(one) === undefined);
  const asked = [...own, ...untold.map(({ call }) => call.originator.channelId), ...calls.flatMap(({ open: one, call }) => [callerOf(one.callId), ...legsNow(call, one).map(({ legId }) => legId)])];
  const diedAt = before === null ? await deathOf(parts) : null;
  const seen: Seen = { channels, early, diedAt, witnessed: await askWitness(parts, asked, channels, oldest([...calls, ...untold], comparedAt ?? clock.now())) };
  for (const id of own) reconcileOwn(parts, seen, id);
  for (const one of untold) closeDialled(parts, seen, one);
  for (const { open: one, call } of calls) {
    if (call === null) await abandon(parts, one);
    else registry.resume(call, resume(call, factsOf(parts, call, one, seen), clock.now()), { channelIds: [call.originator.channelId, ...legsOf(call.id, channels)], live: one.fields });
  }
  if (calls.length > 0) log.info({ calls: calls.length }, 'Calls that another process led are taken over');
  return { own: new Set(ids), alone: await orphans(parts, channels, before) };
}

/** Those that nobody leads yet. A call that its dialplan leads is only to be known. */
function toLead(parts: TakeoverParts, open: readonly OpenCall[]): { readonly open: OpenCall; readonly call: Call | null }[] {
  const calls: { readonly open: OpenCall; readonly call: Call | null }[] = [];
  for (const one of open) {
    const call = remembered(parts, one);
    if (call !== null && isDialled(one)) parts.agi.adopt(call, one);
    else calls.push({ open: one, call });
  }
  parts.agi.adopted();
  return calls;
}

function closeDialled(parts: TakeoverParts, seen: Seen, one: DialledCall): void {
  const { originator, arrived } = one.call;
  const gone = goneOf(parts, seen, originator.channelId, arrived);
  // Up until a moment ago.
  if (gone !== null) parts.agi.close(one, unfinished(one, seen.witnessed, gone, parts.clock), gone);
}

/** The last moment at which the Asterisk that had the calls can have lived; null: it still lives, as far as is known. */
async function deathOf({ link, clock, lostAt }: TakeoverParts): Promise<Moment | null> {
  const startMs = await startedAt(link);
  if (startMs === null) return null;
  if (lostAt === null) return clock.moment(startMs);
  return startMs >= lostAt.wallMs - SAME_MOMENT_MS ? lostAt : null;
}

function callerOf(callId: string): string {
  return callId.replace(/^\d+-/, '');
}

function legsOf(callId: string, channels: ReadonlyMap<string, Channel>): string[] {
  return [...channels.keys()].filter((id) => id.startsWith(`${callId}-`));
}

/** Moments of the memo stand on the clock of a process that is gone. */
function remembered({ clock, settings, log }: TakeoverParts, open: OpenCall): Call | null {
  try {
    const call = open.memo === null ? null : decodeCall(open.memo);
    return call === null ? null : { ...call, settings: { ...call.settings, deadManS: settings.deadManS }, arrived: clock.moment(call.arrived.wallMs) };
  } catch (error) {
    log.error({ err: error, callId: open.callId }, 'What is remembered of a call cannot be read');
    return null;
  }
}

/** What happened to own calls unseen happened after the last comparison, to the others since they arrived. */
function oldest(calls: readonly { readonly call: Call | null }[], comparedAt: Moment): number {
  return calls.reduce((least, { call }) => Math.min(least, call?.arrived.wallMs ?? least), comparedAt.wallMs);
}

/** The log tells when it was answered, if it was, and when it ended, if it did. */
function isTold({ answeredMs, endedMs }: Witnessed, channel: Channel | undefined): boolean {
  return channel === undefined ? endedMs !== null : answeredMs !== null || channel.state !== 'Up';
}

/** What is missing must have ended, and what is up was answered; what happened a moment ago may not stand in the log yet. */
async function askWitness(parts: TakeoverParts, ids: readonly string[], channels: ReadonlyMap<string, Channel>, sinceMs: number): Promise<WitnessedChannels> {
  if (parts.witness === '' || ids.length === 0) return new Map();
  try {
    const found = await parts.readWitness(parts.witness, new Set(ids), sinceMs);
    if (ids.every((id) => isTold(found.get(id) ?? NOT_WITNESSED, channels.get(id)))) return found;
    await pause(WITNESS_DELAY_MS);
    return await parts.readWitness(parts.witness, new Set(ids), sinceMs);
  } catch (error) {
    parts.log.warn({ err: error, witness: parts.witness }, 'The witness cannot be read: ends that nobody told are estimated');
    return new Map();
  }
}

/** null: it is up. */
function goneOf({ clock }: TakeoverParts, { channels, early, witnessed, diedAt }: Seen, id: string, since: Moment | null): Gone | null {
  for (const { event, at } of early) {
    if (event.type === 'destroyed' && event.channelId === id) return { moment: at, cause: event.cause, techCause: event.techCause, source: 'event' };
  }
  if (channels.has(id)) return null;
  const { endedMs = null, cause = UNWANTED } = witnessed.get(id) ?? {};
  if (endedMs !== null) return { moment: clock.moment(endedMs), cause, techCause: null, source: 'witness' };
  // Of a call that began after Asterisk's start the end was missed by the witness.
  if (diedAt !== null && (since === null || since.wallMs < diedAt.wallMs)) return { moment: diedAt, cause: DIED_CAUSE, techCause: null, source: 'estimate' };
  return { moment: clock.now(), cause: UNWANTED, techCause: null, source: 'estimate' };
}

function factsOf(parts: TakeoverParts, call: Call, open: OpenCall, seen: Seen): Facts {
  const past = decodePast(open);
  const leg = legsNow(call, open).map(({ legId, deviceId }) => legFacts(parts, open, { legId, deviceId, since: call.arrived }, seen)).reduce(further);
  return {
    granted: payersOf(call).map((payer) => open.held.get(payer.userId) ?? 0n),
    prompted: open.fields['prompted'] !== undefined,
    past,
    way: open.way,
    callerGone: goneOf(parts, seen, call.originator.channelId, call.arrived),
    leg,
    others: legsOf(call.id, seen.channels).filter((id) => id !== leg.legId),
  };
}

interface LegName {
  readonly legId: string;
  readonly deviceId: number | null;
}

interface LegSince extends LegName {
  /** When its call arrived. */
  readonly since: Moment;
}

/** The legs of the present attempt: one, or one for each device that rings at once. */
function legsNow(call: Call | null, open: OpenCall): LegName[] {
  const legId = legIdOf(call ?? { id: open.callId }, (call === null ? [] : decodePast(open)).length + 1);
  const targets = call?.plan.ways[open.way]?.fork;
  return targets === undefined ? [{ legId, deviceId: null }] : targets.map(({ deviceId }, target) => ({ legId: `${legId}-${target + 1}`, deviceId }));
}

function rungAnew(leg: LegFacts): LegFacts {
  return leg.answered === null ? { ...leg, rang: null, gone: null, state: leg.state === 'none' ? 'none' : 'up' } : leg;
}

/** Of devices that rang at once the one that got further; of those that answered the first. Those that only ring are not led on, but rung anew. */
function further(one: LegFacts, other: LegFacts): LegFacts {
  const [a, b] = [rungAnew(one), rungAnew(other)];
  if (a.answered !== null && b.answered !== null) return a.answered.wallMs <= b.answered.wallMs ? a : b;
  if (a.answered === null && b.answered !== null) return b;
  return a.answered === null && a.state === 'none' ? b : a;
}

function legFacts(parts: TakeoverParts, { fields }: OpenCall, { legId, deviceId, since }: LegSince, seen: Seen): LegFacts {
  const { clock } = parts;
  const channel = seen.channels.get(legId);
  const witnessed = seen.witnessed.get(legId) ?? NOT_WITNESSED;
  const moment = (ms: number | null): Moment | null => (ms === null ? null : clock.moment(ms));
  const told = (field: string): number | null => (Number(fields[field]) > 0 ? Number(fields[field]) : null);
  const answered = moment(witnessed.answeredMs ?? (deviceId === null ? told('answered') : null)) ?? (channel?.state === 'Up' ? clock.now() : null);
  const rang = moment(told('rang')) ?? (channel?.state === 'Ringing' ? clock.now() : null);
  const known = channel !== undefined || answered !== null || rang !== null || witnessed !== NOT_WITNESSED;
  const gone = known ? goneOf(parts, seen, legId, since) : null;
  return {
    legId, deviceId,
    started: moment(witnessed.startedMs), rang, answered, gone,
    state: !known ? 'none' : gone === null ? 'up' : 'gone',
    codec: channel?.codec ?? '', sipCallId: channel?.sipCallId ?? '',
  };
}

/** A channel of a call that this process leads: its answer or its end may have been told while nobody listened. */
function reconcileOwn(parts: TakeoverParts, seen: Seen, id: string): void {
  const { registry, clock } = parts;
  const channel = seen.channels.get(id);
  const answeredMs = seen.witnessed.get(id)?.answeredMs ?? null;
  const answered = answeredMs !== null ? clock.moment(answeredMs) : channel?.state === 'Up' ? clock.now() : null;
  if (answered !== null) registry.answered(id, answered, channel?.codec ?? '');
  const gone = goneOf(parts, seen, id, null);
  if (gone !== null) registry.lost(id, gone);
}

/** Nobody can lead a call of which nothing is known but what it holds. */
async function abandon(parts: TakeoverParts, { callId }: OpenCall): Promise<void> {
  parts.log.error({ callId }, 'Of this call only what it holds is known: it is ended, and has no CDR');
  await parts.store.release(callId);
}

/** Channels in the application that no call has: legs of calls that are over, and callers whom nobody has taken. */
async function orphans(parts: TakeoverParts, channels: ReadonlyMap<string, Channel>, before: Before | null): Promise<ReadonlySet<string>> {
  const { registry, serverId, app, log } = parts;
  const all = [...channels.values()].filter((channel) => channel.application === app && !registry.knows(channel.id) && !parts.isPrompt(channel.id));
  const alone = all.filter(({ id }) => before === null || before.alone.has(id));
  const isLeg = ({ id }: Channel): boolean => id.startsWith(`${serverId}-`) && /-\d+$/.test(id);
  const finished = await parts.store.finishedCalls(alone.filter((channel) => !isLeg(channel)).map(({ id }) => `${serverId}-${id}`));
  const isStray = (channel: Channel): boolean => isLeg(channel) || channel.state === 'Up' || finished.has(`${serverId}-${channel.id}`);
  // It may have come, or gone, meanwhile.
  const isUnknown = ({ id }: Channel): boolean => !registry.knows(id);
  for (const channel of alone.filter(isStray).filter(isUnknown)) {
    log.warn({ channel: channel.name }, 'A channel that belongs to no call is hung up');
    await parts.link.request(hangup(channel.id, channel.state === 'Up' ? UNWANTED : TRY_ELSEWHERE)).catch((error: unknown) => log.debug({ err: error }, 'It is gone already'));
  }
  const callers = alone.filter((channel) => !isStray(channel));
  // A process that has just started may not have read its catalog yet.
  if (callers.length > 0) await parts.ready();
  for (const channel of callers) {
    const args = await stasisArguments(parts.link, channel.id);
    if (args !== null && isUnknown(channel)) parts.arrive(channel, args, parts.clock.now());
  }
  return new Set(all.map(({ id }) => id));
}

/** What the dialplan hands to Stasis(): see dialplan/extensions.conf. null: the channel is gone. */
async function stasisArguments(link: AsteriskLink, channelId: string): Promise<string[] | null> {
  const names = ['CHANNEL(pjsip,remote_addr)', 'CHANNEL(audionativeformat)'];
  const answers = await Promise.all(names.map(async (name) => link.request(getVariable(channelId, name)).catch((error: unknown) => (error instanceof AriError && error.status === 404 ? null : { value: '' }))));
  if (answers.includes(null)) return null;
  return answers.map((answer) => {
    const { value } = answer as { value?: unknown };
    return typeof value === 'string' ? value : '';
  });
}
