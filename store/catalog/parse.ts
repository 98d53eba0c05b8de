/** One row as one value of the catalog. Throws BrokenRow. */
import { zoneOf } from '../../rating/zone.ts';
import type { Device, Did, ExternalTarget, Lcr, LcrProvider, Location, LocationRule, NumberChange, NumberList, NumberRule, Provider, User, WarningPrompt } from '../../routing/catalog.ts';
import { didProblem, EXTERNAL_TARGET } from '../../routing/did.ts';
import { buildDestinationLcrs } from '../../routing/lcr/destination.ts';
import type { DestinationRule } from '../../routing/lcr/destination.ts';
import { parseTransformation, TransformationError } from '../../routing/transform.ts';
import type { Transformation } from '../../routing/transform.ts';
import { compilePattern } from '../pattern.ts';
import { BrokenRow, decimal, flag, formed, money, moneyOrNull, msOrNull, oneOf, text, textOrNull, whole, wholeOrNull } from './field.ts';
import type { Row } from './field.ts';

const LIST_MODES = ['no', 'blacklist', 'whitelist'] as const;
const ENDPOINT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const LANGUAGE = /^(?:[a-z]{2,3}(?:[_-][A-Za-z]{2,4})?)?$/;
const PROMPT_FILE = /^(?!.*\.\.)[A-Za-z0-9_/-][A-Za-z0-9_./-]{0,199}$/;
const NUMBER_PART = /^[0-9A-Za-z+*#]{0,40}$/;

function numberList(row: Row, side: 'source' | 'destination'): NumberList {
  const mode = oneOf(row, `${side}_list_mode`, LIST_MODES);
  const poolId = wholeOrNull(row, `${side}_pool_id`);
  if (mode !== 'no' && poolId === null) throw new BrokenRow(`${side}_pool_id is missing, but ${side}_list_mode is ${mode}.`);
  return { mode, poolId: mode === 'no' ? null : poolId };
}

function warningPrompt(row: Row): WarningPrompt | null {
  if (!flag(row, 'warning_enabled') || !flag(row, 'play_before_every_call')) return null;
  const file = formed(row, 'warning_prompt', PROMPT_FILE, 'the name of a sound without its extension');
  return { below: money(row, 'warning_prompt_threshold'), file };
}

/** `thresholds`: rows of blacklist_lcrs, the highest first. */
export function parseUser(row: Row, thresholds: readonly Row[]): User {
  const postpaid = flag(row, 'postpaid');
  const credit = moneyOrNull(row, 'credit');
  if (credit === null && !postpaid) throw new BrokenRow('credit is without limit, but the user is prepaid.');
  if (credit !== null && credit < 0n) throw new BrokenRow('credit is below 0.');
  return {
    id: whole(row, 'id'),
    username: text(row, 'username'),
    type: oneOf(row, 'type', ['admin', 'partner', 'reseller', 'user', 'accountant']),
    ownerId: whole(row, 'owner_id'),
    blocked: flag(row, 'blocked'),
    postpaid,
    credit,
    dailyLimit: money(row, 'daily_limit'),
    currency: text(row, 'currency'),
    timeZone: timeZone(row),
    language: formed(row, 'language', LANGUAGE, 'a language of Asterisk'),
    tariffId: wholeOrNull(row, 'tariff_id'),
    lcrId: wholeOrNull(row, 'lcr_id'),
    outboundLimit: whole(row, 'outbound_limit'),
    inboundLimit: whole(row, 'inbound_limit'),
    combinedLimit: whole(row, 'combined_limit'),
    cpsLimit: whole(row, 'cps_limit'),
    allowLossCalls: flag(row, 'allow_loss_calls'),
    maySpy: flag(row, 'may_spy'),
    maxCallRate: money(row, 'max_call_rate'),
    sourceList: numberList(row, 'source'),
    destinationList: numberList(row, 'destination'),
    dynamicBlacklist: oneOf(row, 'dynamic_blacklist', ['off', 'own', 'global']),
    blacklistLcrs: thresholds.map((one) => ({ threshold: whole(one, 'threshold', 1), lcrId: whole(one, 'lcr_id') })),
    flash: flag(row, 'flash_calls_enabled') ? { price: money(row, 'flash_call_price'), ringMs: whole(row, 'flash_call_ring_ms') } : null,
    warningPrompt: warningPrompt(row),
  };
}

/** Asked of a cache: making a zone anew for each of 100,000 users would take seconds. */
function timeZone(row: Row): string {
  const zone = text(row, 'time_zone');
  try {
    return zoneOf(zone).name;
  } catch (error) {
    throw new BrokenRow(`time_zone ${JSON.stringify(zone)} is unknown here.`, { cause: error });
  }
}

function transformation(row: Row, column: string): Transformation | null {
  try {
    return parseTransformation(text(row, column), compilePattern);
  } catch (error) {
    if (!(error instanceof TransformationError)) throw error;
    throw new BrokenRow(`${column}: ${error.message}`, { cause: error });
  }
}

function transformations(row: Row): Pick<Device, 'destinationTransformation' | 'sourceTransformation'> {
  return { destinationTransformation: transformation(row, 'destination_transformation'), sourceTransformation: transformation(row, 'source_transformation') };
}

function validCallerIds(row: Row): Device['validCallerIds'] {
  const [poolId, replacementPoolId] = [wholeOrNull(row, 'valid_caller_ids_pool_id'), wholeOrNull(row, 'replacement_pool_id')];
  if (poolId === null && replacementPoolId === null) return null;
  if (poolId === null || replacementPoolId === null) throw new BrokenRow('of valid_caller_ids_pool_id and replacement_pool_id one is missing.');
  return { poolId, replacementPoolId };
}

/** `rules`: rows of device_rules. */
export function parseDevice(row: Row, rules: readonly Row[], clis: readonly string[]): Device {
  return {
    id: whole(row, 'id'),
    userId: whole(row, 'user_id'),
    endpoint: formed(row, 'endpoint', ENDPOINT, 'a name of letters, digits, dots, dashes and underscores'),
    extension: textOrNull(row, 'extension'),
    auth: oneOf(row, 'auth', ['password', 'ip']),
    trunk: flag(row, 'trunk'),
    ani: flag(row, 'trunk_ani'),
    clis,
    port: wholeOrNull(row, 'port'),
    techPrefix: formed(row, 'tech_prefix', NUMBER_PART, 'part of a number'),
    blocked: flag(row, 'blocked'),
    callLimit: whole(row, 'call_limit'),
    cpsLimit: whole(row, 'cps_limit'),
    banAtCalls: whole(row, 'ban_at_calls'),
    locationId: whole(row, 'location_id'),
    ...transformations(row),
    rules: rules.map((rule) => parseRule(rule)),
    callerIdNumber: text(row, 'caller_id_number'),
    callerIdName: text(row, 'caller_id_name'),
    callerIdPoolId: wholeOrNull(row, 'caller_id_pool_id'),
    validCallerIds: validCallerIds(row),
    ringTimeoutS: whole(row, 'ring_timeout_s', 1),
    callTimeoutS: whole(row, 'call_timeout_s'),
    graceS: whole(row, 'grace_s'),
    serverIds: row['server_ids'] as number[],
  };
}

/** `rules`: rows of provider_rules. */
export function parseProvider(row: Row, rules: readonly Row[]): Provider {
  const id = whole(row, 'id');
  return {
    id,
    name: text(row, 'name'),
    endpoint: `provider-${id}`,
    tariffId: whole(row, 'tariff_id'),
    active: flag(row, 'active'),
    locationId: whole(row, 'location_id'),
    callLimit: whole(row, 'call_limit'),
    cpsLimit: whole(row, 'cps_limit'),
    monthlyMinutes: whole(row, 'monthly_minutes'),
    dailyMinutes: whole(row, 'daily_minutes'),
    ringTimeoutS: whole(row, 'ring_timeout_s', 1),
    callTimeoutS: whole(row, 'call_timeout_s'),
    graceS: whole(row, 'grace_s'),
    silenceMs: wholeOrNull(row, 'silence_ms'),
    interpretNoAnswerAsFailed: flag(row, 'interpret_no_answer_as_failed'),
    interpretBusyAsFailed: flag(row, 'interpret_busy_as_failed'),
    goOnCodes: row['go_on_codes'] as number[],
    stopCodes: row['stop_codes'] as number[],
    destinationList: numberList(row, 'destination'),
    rules: rules.map((rule) => parseRule(rule)),
    ...transformations(row),
    callerIdNumber: text(row, 'caller_id_number'),
    callerIdName: text(row, 'caller_id_name'),
    callerIdPoolId: wholeOrNull(row, 'caller_id_pool_id'),
  };
}

/** `side`: prefix of the columns. */
function numberChange(row: Row, side: '' | 'source_' = ''): NumberChange {
  const change: NumberChange = {
    cut: formed(row, `${side}cut`, NUMBER_PART, 'part of a number'),
    add: formed(row, `${side}add`, NUMBER_PART, 'part of a number'),
    minLength: whole(row, `${side}min_length`, 1),
    maxLength: whole(row, `${side}max_length`, 1),
  };
  if (change.minLength > change.maxLength) throw new BrokenRow(`${side}min_length ${change.minLength} of rule ${whole(row, 'id')} is above ${side}max_length ${change.maxLength}.`);
  return change;
}

function parseRule(row: Row): NumberRule {
  return {
    id: whole(row, 'id'),
    name: text(row, 'name'),
    applies: oneOf(row, 'applies', ['destination', 'source']),
    ...numberChange(row),
    suffix: formed(row, 'suffix', NUMBER_PART, 'part of a number'),
  };
}

function parseLocationRule(row: Row): LocationRule {
  const applies = oneOf(row, 'applies', ['destination', 'source', 'combined']);
  return {
    id: whole(row, 'id'),
    name: text(row, 'name'),
    applies,
    ...numberChange(row),
    source: applies === 'combined' ? numberChange(row, 'source_') : null,
    tariffId: wholeOrNull(row, 'tariff_id'),
    lcrId: wholeOrNull(row, 'lcr_id'),
    didId: wholeOrNull(row, 'did_id'),
    deviceId: wholeOrNull(row, 'device_id'),
  };
}

/** `rules`: rows of location_rules. */
export function parseLocation(row: Row, rules: readonly Row[]): Location {
  return { id: whole(row, 'id'), name: text(row, 'name'), rules: rules.map((rule) => parseLocationRule(rule)) };
}

function parseDestinationRule(row: Row): DestinationRule {
  const lcrId = whole(row, 'to_lcr_id');
  const groupId = wholeOrNull(row, 'group_id');
  if (groupId !== null) return { by: 'group', groupId, lcrId };
  const pattern = text(row, 'name_pattern');
  return pattern === '' ? { by: 'prefix', prefix: formed(row, 'prefix', /^\d{1,15}$/, 'a prefix'), lcrId } : { by: 'name', pattern, lcrId };
}

/** `members`: rows of lcr_providers; `destinations`: of lcr_destinations. */
export function parseLcr(row: Row, { members, destinations }: { readonly members: readonly Row[]; readonly destinations: readonly Row[] }): Lcr {
  return {
    id: whole(row, 'id'),
    name: text(row, 'name'),
    order: oneOf(row, 'lcr_order', ['price', 'priority', 'percent', 'quality']),
    pricePercentLimit: row['price_percent_limit'] === null ? null : decimal(row, 'price_percent_limit'),
    noFailover: flag(row, 'no_failover'),
    failoverProviderId: wholeOrNull(row, 'failover_provider_id'),
    allowLossCalls: flag(row, 'allow_loss_calls'),
    minimalRateMarginPercent: decimal(row, 'minimal_rate_margin_percent'),
    byDestination: buildDestinationLcrs(destinations.map((one) => parseDestinationRule(one))),
    providers: members.map((member): LcrProvider => ({
      providerId: whole(member, 'provider_id'),
      priority: whole(member, 'priority', Number.MIN_SAFE_INTEGER),
      percent: decimal(member, 'percent'),
      active: flag(member, 'active'),
    })),
  };
}

function externalTarget(row: Row): ExternalTarget | null {
  const given = textOrNull(row, 'external');
  if (given === null) return null;
  const [, number, host] = EXTERNAL_TARGET.exec(given) ?? [];
  if (number === undefined || host === undefined) throw new BrokenRow('external is not SIP/number@host or SIP/number@host:port.');
  return { number, host };
}

function didDevices(row: Row, further: readonly Row[]): number[] {
  const first = wholeOrNull(row, 'device_id');
  return first === null ? [] : [first, ...further.map((one) => whole(one, 'device_id'))];
}

/** `further`: rows of did_devices in their order. */
export function parseDid(row: Row, further: readonly Row[]): Did {
  const did = text(row, 'did');
  const problem = didProblem(did);
  if (problem !== null) throw new BrokenRow(`did ${JSON.stringify(did)}: ${problem}.`);
  return {
    id: whole(row, 'id'),
    did,
    status: oneOf(row, 'status', ['free', 'reserved', 'active', 'closed', 'terminated']),
    userId: wholeOrNull(row, 'user_id'),
    deviceIds: didDevices(row, further),
    ring: oneOf(row, 'ring', ['in_turn', 'at_once']),
    external: externalTarget(row),
    providerId: whole(row, 'provider_id'),
    callLimit: whole(row, 'call_limit'),
    cpsLimit: whole(row, 'cps_limit'),
    maxDurationS: whole(row, 'max_duration_s'),
    graceS: whole(row, 'grace_s'),
    activeFromMs: msOrNull(row, 'active_from'),
    activeTillMs: msOrNull(row, 'active_till'),
    sourcePoolId: wholeOrNull(row, 'source_pool_id'),
    providerTariffId: wholeOrNull(row, 'provider_tariff_id'),
    incomingTariffId: wholeOrNull(row, 'incoming_tariff_id'),
    ownerTariffId: wholeOrNull(row, 'owner_tariff_id'),
  };
}
