/** The sections of a tenant file: which keys there are, what they mean, and the columns they become. */
import { EXTERNAL_TARGET } from '../../routing/did.ts';
import * as kind from './field.ts';
import type { Parse } from './field.ts';

export type SectionName = 'currencies' | 'destinations' | 'pools' | 'tariffs' | 'lcrs' | 'locations' | 'providers' | 'users' | 'devices' | 'dids' | 'scores' | 'emailTemplates';

export interface FieldSpec {
  readonly column: string;
  readonly parse?: Parse;
  /** The value is the name of a row of this section. */
  readonly ref?: SectionName;
  readonly required?: true;
  /** Given to a new row only: a balance lives on, whatever the file says later. */
  readonly createOnly?: true;
  /** A list of such values. */
  readonly list?: true;
  /** Type of the column where Postgres cannot infer it. */
  readonly cast?: string;
}

/** A map of further fields, such as `sourceList`. */
export type FieldSpecs = Readonly<Record<string, FieldSpec | { readonly group: Readonly<Record<string, FieldSpec>> }>>;

/** Nested lists that are rows of other tables. */
export type ChildName = 'rules' | 'members' | 'destinations' | 'numbers' | 'rates' | 'file' | 'csv' | 'thresholds' | 'devices';

export interface SectionSpec {
  readonly table: string;
  /** The key that names a row, and its column. */
  readonly key: string;
  readonly fields: FieldSpecs;
  readonly children: Readonly<Record<string, ChildName>>;
}

const required = { required: true } as const;
const list = { list: true } as const;

function listOf(side: 'source' | 'destination'): { readonly group: Readonly<Record<string, FieldSpec>> } {
  return {
    group: {
      mode: { column: `${side}_list_mode`, parse: kind.oneOf('no', 'blacklist', 'whitelist'), ...required },
      pool: { column: `${side}_pool_id`, ref: 'pools' },
    },
  };
}

const CODECS: FieldSpec = { column: 'codecs', parse: kind.codec, cast: 'text[]', ...list };
const SERVERS: FieldSpec = { column: 'server_ids', parse: kind.whole(0, 1_000_000), cast: 'integer[]', ...list };
const DTMF: FieldSpec = { column: 'dtmf_mode', parse: kind.oneOf('rfc4733', 'info', 'inband', 'auto') };

const currencies: SectionSpec = {
  table: 'currencies', key: 'code', children: {},
  fields: {
    code: { column: 'code', parse: kind.formed(/^[A-Z]{3}$/, 'a currency code such as EUR'), ...required },
    name: { column: 'name', parse: kind.freeText },
    exchangeRate: { column: 'exchange_rate', parse: kind.formed(/^\d{1,9}(?:\.\d{1,15})?$/, 'an exchange rate such as 0.7351'), ...required },
  },
};

const destinations: SectionSpec = {
  table: 'destinations', key: 'prefix', children: {},
  fields: {
    prefix: { column: 'prefix', parse: kind.prefix, ...required },
    name: { column: 'name', parse: kind.name, ...required },
    direction: { column: 'direction', parse: kind.formed(/^[A-Za-z0-9]{0,10}$/, 'a direction code such as LTU') },
    group: { column: 'group_id', parse: kind.name },
  },
};

const pools: SectionSpec = {
  table: 'number_pools', key: 'name', children: { numbers: 'numbers', file: 'file' },
  fields: { name: { column: 'name', parse: kind.name, ...required }, comment: { column: 'comment', parse: kind.freeText } },
};

const tariffs: SectionSpec = {
  table: 'tariffs', key: 'name', children: { rates: 'rates', file: 'file', csv: 'csv' },
  fields: {
    name: { column: 'name', parse: kind.name, ...required },
    purpose: { column: 'purpose', parse: kind.oneOf('provider', 'user_wholesale', 'user_retail', 'did'), ...required },
    currency: { column: 'currency', ref: 'currencies' },
    timeZone: { column: 'time_zone', parse: kind.timeZone },
    freeDays: { column: 'free_days', parse: kind.day, cast: 'date[]', ...list },
    windowRule: { column: 'window_rule', parse: kind.oneOf('start', 'split') },
    maxCost: { column: 'max_cost', parse: kind.money('notNegative') },
    maxCostBeyond: { column: 'max_cost_beyond', parse: kind.oneOf('free', 'cut') },
    comment: { column: 'comment', parse: kind.freeText },
  },
};

const lcrs: SectionSpec = {
  table: 'lcrs', key: 'name', children: { providers: 'members', destinations: 'destinations' },
  fields: {
    name: { column: 'name', parse: kind.name, ...required },
    order: { column: 'lcr_order', parse: kind.oneOf('price', 'priority', 'percent', 'quality') },
    pricePercentLimit: { column: 'price_percent_limit', parse: kind.decimal(0, 100_000) },
    noFailover: { column: 'no_failover', parse: kind.flag },
    failoverProvider: { column: 'failover_provider_id', ref: 'providers' },
    allowLossCalls: { column: 'allow_loss_calls', parse: kind.flag },
    minimalRateMarginPercent: { column: 'minimal_rate_margin_percent', parse: kind.decimal(0, 100_000) },
  },
};

const locations: SectionSpec = {
  table: 'locations', key: 'name', children: { rules: 'rules' },
  fields: { name: { column: 'name', parse: kind.name, ...required } },
};

const providers: SectionSpec = {
  table: 'providers', key: 'name', children: { rules: 'rules' },
  fields: {
    name: { column: 'name', parse: kind.name, ...required },
    host: { column: 'host', parse: kind.host, ...required },
    port: { column: 'port', parse: kind.whole(1, 65_535) },
    sourceIps: { column: 'source_ips', parse: kind.address, cast: 'inet[]', ...list },
    username: { column: 'username', parse: kind.formed(/^[A-Za-z0-9+._@-]{1,64}$/, 'a SIP user name') },
    password: { column: 'secret', parse: kind.secret },
    register: { column: 'register', parse: kind.flag },
    fromUser: { column: 'from_user', parse: kind.formed(/^[A-Za-z0-9+._-]{1,64}$/, 'a SIP user name') },
    fromDomain: { column: 'from_domain', parse: kind.host },
    tariff: { column: 'tariff_id', ref: 'tariffs', ...required },
    active: { column: 'active', parse: kind.flag },
    hidden: { column: 'hidden', parse: kind.flag },
    balance: { column: 'balance', parse: kind.money('any'), createOnly: true },
    callLimit: { column: 'call_limit', parse: kind.limit },
    cpsLimit: { column: 'cps_limit', parse: kind.limit },
    ringTimeoutS: { column: 'ring_timeout_s', parse: kind.whole(1, 604_800) },
    callTimeoutS: { column: 'call_timeout_s', parse: kind.seconds },
    graceS: { column: 'grace_s', parse: kind.seconds },
    silenceMs: { column: 'silence_ms', parse: kind.whole(100, 600_000) },
    interpretNoAnswerAsFailed: { column: 'interpret_no_answer_as_failed', parse: kind.flag },
    interpretBusyAsFailed: { column: 'interpret_busy_as_failed', parse: kind.flag },
    goOnCodes: { column: 'go_on_codes', parse: kind.endCode, cast: 'integer[]', ...list },
    stopCodes: { column: 'stop_codes', parse: kind.endCode, cast: 'integer[]', ...list },
    monthlyMinutes: { column: 'monthly_minutes', parse: kind.minutes },
    dailyMinutes: { column: 'daily_minutes', parse: kind.minutes },
    timeZone: { column: 'time_zone', parse: kind.timeZone },
    periodicCheck: { column: 'periodic_check', parse: kind.flag },
    periodicCheckS: { column: 'periodic_check_s', parse: kind.whole(1, 3600) },
    destinationList: listOf('destination'),
    callerIdNumber: { column: 'caller_id_number', parse: kind.callerNumber },
    callerIdName: { column: 'caller_id_name', parse: kind.callerName },
    callerIdPool: { column: 'caller_id_pool_id', ref: 'pools' },
    location: { column: 'location_id', ref: 'locations' },
    destinationTransformation: { column: 'destination_transformation', parse: kind.transformation },
    sourceTransformation: { column: 'source_transformation', parse: kind.transformation },
    servers: SERVERS, codecs: CODECS, dtmfMode: DTMF,
    nat: { column: 'nat', parse: kind.flag },
    comment: { column: 'comment', parse: kind.freeText },
  },
};

const users: SectionSpec = {
  table: 'users', key: 'username', children: { blacklistLcrs: 'thresholds' },
  fields: {
    username: { column: 'username', parse: kind.formed(/^[^\p{Cc}\s](?:[^\p{Cc}]{0,62}[^\p{Cc}\s])?$/u, 'a user name of 1 to 64 characters'), ...required },
    type: { column: 'type', parse: kind.oneOf('partner', 'reseller', 'user', 'accountant') },
    owner: { column: 'owner_id', ref: 'users' },
    firstName: { column: 'first_name', parse: kind.freeText },
    lastName: { column: 'last_name', parse: kind.freeText },
    email: { column: 'email', parse: kind.emails },
    blocked: { column: 'blocked', parse: kind.flag },
    hidden: { column: 'hidden', parse: kind.flag },
    postpaid: { column: 'postpaid', parse: kind.flag },
    balance: { column: 'balance', parse: kind.money('any'), createOnly: true },
    credit: { column: 'credit', parse: kind.credit },
    dailyLimit: { column: 'daily_limit', parse: kind.money('notNegative') },
    currency: { column: 'currency', ref: 'currencies' },
    timeZone: { column: 'time_zone', parse: kind.timeZone },
    language: { column: 'language', parse: kind.formed(/^[a-z]{2,3}(?:[_-][A-Za-z]{2,4})?$/, 'a language as Asterisk names it, such as en or pt_BR') },
    accountant: { column: 'accountant_id', ref: 'users' },
    tariff: { column: 'tariff_id', ref: 'tariffs' },
    lcr: { column: 'lcr_id', ref: 'lcrs' },
    outboundLimit: { column: 'outbound_limit', parse: kind.limit },
    inboundLimit: { column: 'inbound_limit', parse: kind.limit },
    combinedLimit: { column: 'combined_limit', parse: kind.limit },
    cpsLimit: { column: 'cps_limit', parse: kind.limit },
    allowLossCalls: { column: 'allow_loss_calls', parse: kind.flag },
    maySpy: { column: 'may_spy', parse: kind.flag },
    maxCallRate: { column: 'max_call_rate', parse: kind.money('notNegative') },
    flashCalls: {
      group: {
        enabled: { column: 'flash_calls_enabled', parse: kind.flag },
        price: { column: 'flash_call_price', parse: kind.money('notNegative') },
        ringMs: { column: 'flash_call_ring_ms', parse: kind.whole(0, 600_000) },
      },
    },
    sourceList: listOf('source'),
    destinationList: listOf('destination'),
    dynamicBlacklist: { column: 'dynamic_blacklist', parse: kind.oneOf('off', 'own', 'global') },
    warning: {
      group: {
        enabled: { column: 'warning_enabled', parse: kind.flag },
        threshold: { column: 'warning_threshold', parse: kind.money('any') },
        mode: { column: 'warning_mode', parse: kind.oneOf('once', 'daily') },
        hour: { column: 'warning_hour', parse: kind.whole(0, 23) },
        email: { column: 'warning_email', parse: kind.emails },
        webhook: { column: 'warning_webhook', parse: kind.webAddress },
        prompt: { column: 'warning_prompt', parse: kind.soundFile },
        playBeforeEveryCall: { column: 'play_before_every_call', parse: kind.flag },
        promptThreshold: { column: 'warning_prompt_threshold', parse: kind.money('any') },
      },
    },
    comment: { column: 'comment', parse: kind.freeText },
  },
};

const devices: SectionSpec = {
  table: 'devices', key: 'endpoint', children: { rules: 'rules', clis: 'numbers' },
  fields: {
    endpoint: { column: 'endpoint', parse: kind.formed(/^(?!provider-)[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'a SIP user name (letters, digits, dots, dashes; not provider-…)'), ...required },
    user: { column: 'user_id', ref: 'users', ...required },
    extension: { column: 'extension', parse: kind.formed(/^[0-9*#+]{1,32}$/, 'an extension') },
    auth: { column: 'auth', parse: kind.oneOf('password', 'ip') },
    password: { column: 'secret', parse: kind.secret },
    ip: { column: 'ip', parse: kind.address },
    port: { column: 'port', parse: kind.whole(1, 65_535) },
    trunk: { column: 'trunk', parse: kind.flag },
    ani: { column: 'trunk_ani', parse: kind.flag },
    techPrefix: { column: 'tech_prefix', parse: kind.numberPart },
    blocked: { column: 'blocked', parse: kind.flag },
    hidden: { column: 'hidden', parse: kind.flag },
    callLimit: { column: 'call_limit', parse: kind.limit },
    cpsLimit: { column: 'cps_limit', parse: kind.limit },
    banAtCalls: { column: 'ban_at_calls', parse: kind.banAtCalls },
    location: { column: 'location_id', ref: 'locations' },
    destinationTransformation: { column: 'destination_transformation', parse: kind.transformation },
    sourceTransformation: { column: 'source_transformation', parse: kind.transformation },
    callerIdNumber: { column: 'caller_id_number', parse: kind.callerNumber },
    callerIdName: { column: 'caller_id_name', parse: kind.callerName },
    callerIdPool: { column: 'caller_id_pool_id', ref: 'pools' },
    validCallerIds: { group: { pool: { column: 'valid_caller_ids_pool_id', ref: 'pools' }, replacement: { column: 'replacement_pool_id', ref: 'pools' } } },
    ringTimeoutS: { column: 'ring_timeout_s', parse: kind.whole(1, 604_800) },
    callTimeoutS: { column: 'call_timeout_s', parse: kind.seconds },
    graceS: { column: 'grace_s', parse: kind.seconds },
    servers: SERVERS, codecs: CODECS, dtmfMode: DTMF,
    nat: { column: 'nat', parse: kind.flag },
    comment: { column: 'comment', parse: kind.freeText },
  },
};

const dids: SectionSpec = {
  table: 'dids', key: 'did', children: { device: 'devices', devices: 'devices' },
  fields: {
    did: { column: 'did', parse: kind.did, ...required },
    status: { column: 'status', parse: kind.oneOf('free', 'reserved', 'active', 'closed', 'terminated') },
    user: { column: 'user_id', ref: 'users' },
    ring: { column: 'ring', parse: kind.oneOf('in_turn', 'at_once') },
    external: { column: 'external', parse: kind.formed(EXTERNAL_TARGET, 'a target such as SIP/37060000000@sip.example.com:5060') },
    provider: { column: 'provider_id', ref: 'providers', ...required },
    callLimit: { column: 'call_limit', parse: kind.limit },
    cpsLimit: { column: 'cps_limit', parse: kind.limit },
    maxDurationS: { column: 'max_duration_s', parse: kind.seconds },
    graceS: { column: 'grace_s', parse: kind.seconds },
    activeFrom: { column: 'active_from', parse: kind.momentIn('UTC') },
    activeTill: { column: 'active_till', parse: kind.momentIn('UTC') },
    sourcePool: { column: 'source_pool_id', ref: 'pools' },
    providerTariff: { column: 'provider_tariff_id', ref: 'tariffs' },
    incomingTariff: { column: 'incoming_tariff_id', ref: 'tariffs' },
    ownerTariff: { column: 'owner_tariff_id', ref: 'tariffs' },
    comment: { column: 'comment', parse: kind.freeText },
  },
};

/** Of the dynamic blacklist, set by the operator. */
const scores: SectionSpec = {
  table: 'blacklist_scores', key: 'item', children: {},
  fields: {
    item: { column: 'item', parse: kind.scoredItem, ...required },
    score: { column: 'score', parse: kind.whole(0, 1_000_000), ...required },
  },
};

const emailTemplates: SectionSpec = {
  table: 'email_templates', key: 'name', children: {},
  fields: {
    name: { column: 'name', parse: kind.oneOf('warning_balance_email', 'warning_balance_email_local'), ...required },
    subject: { column: 'subject', parse: kind.templateLine },
    text: { column: 'text', parse: kind.templateText(20_000) },
    html: { column: 'html', parse: kind.templateText(100_000) },
  },
};

/** In the order in which rows are written: what is referred to comes first. */
export const SECTIONS: Readonly<Record<SectionName, SectionSpec>> = { currencies, destinations, pools, tariffs, lcrs, locations, providers, users, devices, dids, scores, emailTemplates };
export const SECTION_NAMES = Object.keys(SECTIONS) as SectionName[];

/** Cut/add rules of a device. */
export const DEVICE_RULE_FIELDS: Readonly<Record<string, FieldSpec>> = {
  name: { column: 'name', parse: kind.name, ...required },
  applies: { column: 'applies', parse: kind.oneOf('destination', 'source') },
  cut: { column: 'cut', parse: kind.numberPart },
  add: { column: 'add', parse: kind.numberPart },
  minLength: { column: 'min_length', parse: kind.whole(1, 99) },
  maxLength: { column: 'max_length', parse: kind.whole(1, 99) },
  enabled: { column: 'enabled', parse: kind.flag },
};
export const PROVIDER_RULE_FIELDS: Readonly<Record<string, FieldSpec>> = { ...DEVICE_RULE_FIELDS, suffix: { column: 'suffix', parse: kind.numberPart } };
export const LOCATION_RULE_FIELDS: Readonly<Record<string, FieldSpec>> = {
  ...DEVICE_RULE_FIELDS,
  applies: { column: 'applies', parse: kind.oneOf('destination', 'source', 'combined') },
  sourceCut: { column: 'source_cut', parse: kind.numberPart },
  sourceAdd: { column: 'source_add', parse: kind.numberPart },
  sourceMinLength: { column: 'source_min_length', parse: kind.whole(1, 99) },
  sourceMaxLength: { column: 'source_max_length', parse: kind.whole(1, 99) },
  tariff: { column: 'tariff_id', ref: 'tariffs' },
  lcr: { column: 'lcr_id', ref: 'lcrs' },
  did: { column: 'did_id', ref: 'dids' },
  device: { column: 'device_id', ref: 'devices' },
};

/** Providers of an LCR. */
export const MEMBER_FIELDS: Readonly<Record<string, FieldSpec>> = {
  provider: { column: 'provider_id', ref: 'providers', ...required },
  priority: { column: 'priority', parse: kind.whole(-1_000_000, 1_000_000) },
  percent: { column: 'percent', parse: kind.decimal(0, 100) },
  active: { column: 'active', parse: kind.flag },
};

/** Destinations that an LCR leaves to another: one of the first three says which. */
export const DESTINATION_FIELDS: Readonly<Record<string, FieldSpec>> = {
  prefix: { column: 'prefix', parse: kind.prefix },
  name: { column: 'name_pattern', parse: kind.name },
  group: { column: 'group_name', parse: kind.name },
  lcr: { column: 'to_lcr_id', ref: 'lcrs', ...required },
};

/** Thresholds of the dynamic blacklist. */
export const THRESHOLD_FIELDS: Readonly<Record<string, FieldSpec>> = {
  threshold: { column: 'threshold', parse: kind.whole(1, 1_000_000), ...required },
  lcr: { column: 'lcr_id', ref: 'lcrs', ...required },
};

/** Separators of the file named in `file`. */
export const CSV_FIELDS: Readonly<Record<string, FieldSpec>> = {
  separator: { column: 'separator', parse: kind.oneOf(',', ';', '|', 'tab') },
  decimal: { column: 'decimal', parse: kind.oneOf('.', ',') },
};
