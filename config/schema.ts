/**
 * Every setting: type, limits, unit in its name, default. The one literal of defaults is this file;
 * `sample.yaml` shows them all and a test holds the two together; docs/CONFIG.md explains them.
 */
import { z } from 'zod';

const ms = (least: number, most: number): z.ZodNumber => z.number().int().min(least).max(most);
const seconds = ms;
/** 0 means none, as in the product's documents. */
const limit = z.number().int().min(0).max(10_000_000);
const loopbackUrl = (...schemes: readonly string[]): z.ZodString =>
  z.string().refine((text) => schemes.some((scheme) => text.startsWith(`${scheme}://`)) && URL.canParse(text), `must be a URL that begins with ${schemes.join(':// or ')}://`);

/** For what ARI cannot do: docs/decisions/0015-spying.md. */
const ami = z.strictObject({
  /** `tcp://` or `tls://`, host and port; empty: no AMI, and nobody can spy. */
  url: z.string().refine((text) => text === '' || (/^(?:tcp|tls):\/\/[^/@]+:\d{1,5}$/.test(text) && URL.canParse(text)), 'must be tcp:// or tls:// with a host and a port, such as tcp://127.0.0.1:5038, or empty').default(''),
  username: z.string().min(1).max(80).default('tollgate'),
  secret: z.string().max(80).default(''),
});

const asterisk = z.strictObject({
  /** Number of this Asterisk in CDRs, counters and permissions of devices. */
  id: z.number().int().min(1).max(32_767),
  url: loopbackUrl('http', 'https').default('http://127.0.0.1:8088'),
  username: z.string().min(1).default('tollgate'),
  password: z.string().min(1, 'is empty: set the ARI password of this Asterisk'),
  /** `auto`: by Asterisk's version. */
  transport: z.enum(['auto', 'websocket', 'ari-client']).default('auto'),
  /** Its event log (dialplan/cel_custom.conf) as this machine sees it; empty: ends that nobody told are estimated. */
  witness: z.string().max(4096).default(''),
  ami: ami.prefault({}),
});

const calls = z.strictObject({
  /** Longest call of all; seconds. */
  globalCallTimeoutS: seconds(1, 86_400).default(7200),
  /** A provider that sends nothing back for so long is left for the next. */
  providerSilenceMs: ms(100, 60_000).default(3000),
  /** Asterisk must have started a leg it was asked for within this time. */
  legStartTimeoutMs: ms(100, 60_000).default(5000),
  /** Without an engine Asterisk ends a call so long after the end of what is paid: longer than a restart takes. */
  deadManS: seconds(5, 3600).default(60),
  /** Whose money ends so soon hears a prompt, once; 0: none. */
  promptBeforeEndS: seconds(0, 3600).default(60),
  /** What he hears, in Asterisk's words: `sound:` and a file without its extension. */
  promptMedia: z.string().regex(/^sound:[\w./-]{1,200}$/, 'must be sound: and the name of a file without its extension, e.g. sound:beep').default('sound:beep'),
  /** The prompt before a call of whose balance is low is cut off after so long. */
  announcementMaxS: seconds(1, 300).default(30),
  /** Real seconds to whole billed seconds. */
  billsecRounding: z.enum(['up', 'down', 'nearest']).default('up'),
  /** Decimals to which a price is rounded, once. */
  priceDecimals: z.number().int().min(0).max(10).default(6),
  /** Letters in a dialled number: refuse, cut, or keep them. DIDs may hold letters always. */
  letters: z.enum(['refuse', 'clean', 'keep']).default('refuse'),
  maxNumberLength: z.number().int().min(3).max(79).default(40),
  /** Calls at once and calls a second on one Asterisk; 0: no limit. */
  serverCallLimit: limit.default(0),
  serverCpsLimit: limit.default(0),
  flashAlarmPerHour: limit.default(0),
});

/** docs/decisions/0011-overload.md. */
const overload = z.strictObject({
  /** Calls a second that one Asterisk is let have; 0: no ceiling. */
  callsPerSecond: limit.default(0),
  /** Orders to Asterisk may wait so much longer than the quickest of late; beyond, calls are shed. 0: never by delay. */
  delayMs: ms(0, 10_000).default(20),
  /** Asterisk refuses most of what is too much by itself. */
  inAsterisk: z.boolean().default(true),
  /** CDRs of shed calls, at most; the others are only counted. */
  rowsPerSecond: limit.default(50),
});

const dids = z.strictObject({
  /** A closed DID is free again after so many days. */
  closedDays: z.number().int().min(1).max(3650).default(90),
  /** DID that takes what providers bring for numbers that are no DID; empty: such calls are refused. */
  unassigned: z.string().regex(/^[0-9][0-9A-Za-z]{0,39}$|^$/, 'must be a DID, or empty').default(''),
});

const weight = z.number().int().min(0).max(1000);

/** The formula stands in docs/ROUTING.md. */
const quality = z.strictObject({
  /** Providers are judged by their attempts of so long. */
  windowMinutes: z.number().int().min(5).max(360).default(60),
  /** With fewer attempts within it a provider counts as perfect. */
  leastAttempts: z.number().int().min(1).max(100_000).default(20),
  /** A mean talk of so long is full marks. */
  fullAcdS: seconds(1, 86_400).default(180),
  /** A mean delay after dialling of so long is none. */
  worstPddMs: ms(100, 600_000).default(10_000),
  asrWeight: weight.default(40),
  acdWeight: weight.default(20),
  pddWeight: weight.default(10),
  priceWeight: weight.default(30),
});

const points = z.number().min(0).max(1_000_000);

/** docs/ROUTING.md tells what raises a score. */
const blacklist = z.strictObject({
  enabled: z.boolean().default(false),
  /** A score halves in so long; 0: it stays. */
  halfLifeHours: z.number().int().min(0).max(87_600).default(24),
  /** Where everybody begins. */
  defaultSourceScore: z.number().int().min(0).max(1_000_000).default(0),
  defaultDestinationScore: z.number().int().min(0).max(1_000_000).default(0),
  defaultIpScore: z.number().int().min(0).max(1_000_000).default(0),
  /** What the points of a call count for each of its three items; 0: it is never raised. */
  sourceWeight: z.number().min(0).max(1000).default(1),
  destinationWeight: z.number().min(0).max(1000).default(1),
  ipWeight: z.number().min(0).max(1000).default(1),
  /** Answered calls shorter than this; 0: the rule is off. */
  shortCallS: seconds(0, 86_400).default(0),
  shortCallPoints: points.default(1),
  /** Calls that are not answered; 0: the rule is off. */
  zeroCallPoints: points.default(0),
  /** How far a number may lie from the one before; 0: the rule is off. */
  sequentialStep: z.number().int().min(0).max(1000).default(0),
  sequentialPoints: points.default(1),
  /** Distinct numbers of one source within the window; 0: the rule is off. */
  manyNumbers: z.number().int().min(0).max(10_000).default(0),
  manyNumbersPoints: points.default(1),
  /** What a source dialled is remembered for so long. */
  windowMinutes: z.number().int().min(1).max(1440).default(60),
  /** Scores that Redis keeps, and those that each daemon knows: the highest. */
  storedItems: z.number().int().min(100).max(10_000_000).default(100_000),
  memoryItems: z.number().int().min(100).max(100_000).default(2000),
});

const reservation = z.strictObject({
  /** `slice`: hold money for the next seconds and extend; `frozen`: hold for `frozenTimeMinutes`, which is then also the longest call. */
  mode: z.enum(['slice', 'frozen']).default('slice'),
  sliceS: seconds(2, 86_400).default(60),
  /** Extend this long before what is held is used up. */
  extendBeforeS: seconds(1, 3600).default(15),
  frozenTimeMinutes: z.number().int().min(1).max(1440).default(30),
});

const settle = z.strictObject({
  batch: z.number().int().min(1).max(10_000).default(2000),
  everyMs: ms(10, 60_000).default(500),
  /** With so many finished calls waiting for Postgres no new one is admitted (503). */
  mostBacklog: z.number().int().min(1).max(100_000_000).default(1_000_000),
});

const reconnect = z.strictObject({
  requestTimeoutMs: ms(100, 60_000).default(5000),
  minMs: ms(10, 60_000).default(200),
  maxMs: ms(10, 600_000).default(5000),
  /** A frozen or unreachable Asterisk is noticed within interval + timeout. */
  pingEveryMs: ms(100, 60_000).default(5000),
  pingTimeoutMs: ms(100, 60_000).default(5000),
});

/** docs/decisions/0012-redis-away.md. */
const redisAway = z.strictObject({
  /** New calls while Redis is away: 503, or taken by what the daemon knows itself. */
  policy: z.enum(['refuse', 'allow']).default('refuse'),
  /** What each user's calls are given at most meanwhile, beyond what was on hold; in his currency. */
  bound: z.number().min(0).max(1_000_000).default(5),
});

const spying = z.strictObject({
  /** The documents' "Chanspy is disabled globally", the other way round. */
  enabled: z.boolean().default(true),
  /** The operator's device rings so long. */
  ringTimeoutS: seconds(5, 120).default(30),
  /** Operators on the calls of one Asterisk. */
  mostAtOnce: z.number().int().min(1).max(1000).default(50),
});

const warnings = z.strictObject({
  /** Balances are looked at so often for those who want to be warned; 0: never. */
  sweepMinutes: z.number().int().min(0).max(1440).default(60),
});

const address = z.string().regex(/^[^\s@<>"]{1,64}@[A-Za-z0-9.-]{1,250}$/, 'must be one e-mail address');
const attempts = z.number().int().min(1).max(20);

const mail = z.strictObject({
  /** '': no mail is sent. */
  host: z.string().regex(/^(?:[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?)?$/, 'must be a host name or an address').default(''),
  port: z.number().int().min(1).max(65_535).default(587),
  /** TLS from the first byte, as on port 465; else STARTTLS where the server offers it. */
  secure: z.boolean().default(false),
  /** Without TLS nothing is sent. */
  requireTls: z.boolean().default(false),
  username: z.string().max(256).default(''),
  password: z.string().max(256).default(''),
  from: address.default('tollgate@localhost.localdomain'),
  /** Name of the sender, and `<%= company %>` in templates. */
  company: z.string().regex(/^\P{Cc}{0,100}$/u, 'must be one line of at most 100 characters').default(''),
  /** Longest time for one mail, from the connection to the server's answer. */
  timeoutMs: ms(100, 600_000).default(30_000),
  attempts: attempts.default(8),
  /** Before the second try; each further pause is twice as long. */
  retryS: seconds(1, 3600).default(60),
});

const network = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], 'must be an address or a network such as 10.0.0.0/8');

const webhook = z.strictObject({
  timeoutMs: ms(100, 120_000).default(10_000),
  attempts: attempts.default(8),
  retryS: seconds(1, 3600).default(60),
  /** Networks to which requests may go beside the world's, such as 10.0.0.0/8. */
  allow: z.array(network).max(100).default([]),
});

/** docs/decisions/0014-fastagi.md. */
const agi = z.strictObject({
  host: z.string().min(1).default('127.0.0.1'),
  /** 0: no FastAGI. */
  port: z.number().int().min(0).max(65_535).default(0),
  /** Asterisk servers on other machines: AGI knows no password. */
  allow: z.array(network).max(100).default([]),
  /** A block of words, or an answer, that takes longer ends its connection. */
  timeoutMs: ms(100, 60_000).default(5000),
  mostConnections: z.number().int().min(1).max(100_000).default(1000),
});

const events = z.strictObject({
  /** Entries of the stream that tells other programs what becomes of calls; 0: nothing is told. */
  keep: z.number().int().min(0).max(10_000_000).default(10_000),
});

const health = z.strictObject({
  host: z.string().min(1).default('127.0.0.1'),
  /** 0: do not listen. */
  port: z.number().int().min(0).max(65_535).default(8080),
  /** `/metrics` beside them. */
  metrics: z.boolean().default(true),
});

export const settingsSchema = z.strictObject({
  postgresUrl: loopbackUrl('postgres', 'postgresql').default('postgres://tollgate@127.0.0.1:5432/tollgate'),
  redisUrl: loopbackUrl('redis', 'rediss').default('redis://127.0.0.1:6379/0'),
  /** Name of the Stasis application in the dialplan. */
  app: z.string().regex(/^[A-Za-z0-9_-]{1,40}$/, 'letters, digits, _ and - only').default('tollgate'),
  asterisk: z.array(asterisk).min(1, 'name at least one Asterisk').max(100),
  calls: calls.prefault({}),
  overload: overload.prefault({}),
  quality: quality.prefault({}),
  blacklist: blacklist.prefault({}),
  reservation: reservation.prefault({}),
  dids: dids.prefault({}),
  settle: settle.prefault({}),
  redisAway: redisAway.prefault({}),
  reconnect: reconnect.prefault({}),
  spying: spying.prefault({}),
  warnings: warnings.prefault({}),
  mail: mail.prefault({}),
  webhook: webhook.prefault({}),
  agi: agi.prefault({}),
  events: events.prefault({}),
  health: health.prefault({}),
  logLevel: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  /** Counters, holds and calls are compared with Asterisk's channels so often. */
  reconcileEveryS: seconds(1, 3600).default(30),
  /** Each Asterisk is led by one daemon; when it is gone for so long, another takes over. */
  leaseMs: ms(500, 60_000).default(2500),
  /** SIGTERM: new calls are refused and running ones may end for so long, before they are handed over. */
  drainTimeoutS: seconds(0, 86_400).default(0),
});

export type Settings = z.infer<typeof settingsSchema>;
export type OverloadSettings = Settings['overload'];
export type BlacklistSettings = Settings['blacklist'];
export type AsteriskSettings = Settings['asterisk'][number];
