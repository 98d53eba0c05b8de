// An independent auditor: prices a call by walking through it second by second, as slowly and plainly as possible.
// It shares no code with rating/: amounts are read from text here, and every rule is written a second time.

export interface PlainStep {
  type: 'minute' | 'event';
  fromS: number;
  durationS?: number;
  rate: string;
  perS: number;
  roundByS: number;
}

/** A rate as plain text and numbers: the fields of rateFromJson. */
export interface PlainRate {
  connectionFee: string;
  steps: PlainStep[];
  minTimeS: number;
  graceS: number;
  minTimeBeatsGrace?: boolean;
  maxCost?: { amount: string; beyond: 'free' | 'cut' };
  taxes?: { compound: boolean; percents: string[] };
  exchangeRate?: string;
  priceDecimals?: number;
  split?: { startMs: number; spans: { fromMs: number; steps: PlainStep[] }[] };
}

/** numerator / denominator, never shortened. */
type Ratio = [bigint, bigint];

function ratio(text: string): Ratio {
  const [whole = '0', decimals = ''] = text.replace('-', '').split('.');
  const value = BigInt(whole + decimals);
  return [text.startsWith('-') ? -value : value, 10n ** BigInt(decimals.length)];
}

const plus = ([a, b]: Ratio, [c, d]: Ratio): Ratio => [a * d + c * b, b * d];
const times = ([a, b]: Ratio, [c, d]: Ratio): Ratio => [a * c, b * d];
const isAbove = ([a, b]: Ratio, [c, d]: Ratio): boolean => a * d > c * b;

export interface Audit {
  billedS: number;
  /** Decimal text with as many decimals as the rate's prices have. */
  price: string;
}

export function audit(rate: PlainRate, seconds: number): Audit {
  const decimals = rate.priceDecimals ?? 6;
  let talked = seconds;
  if (talked === 0) return { billedS: 0, price: roundedText([0n, 1n], decimals) };
  const tested = rate.minTimeBeatsGrace === true && rate.minTimeS > talked ? rate.minTimeS : talked;
  if (tested <= rate.graceS) return { billedS: 0, price: roundedText([0n, 1n], decimals) };
  if (talked < rate.minTimeS) talked = rate.minTimeS;
  const { billedS, amounts } = walk(rate, talked);
  let sum = ratio(rate.connectionFee);
  for (const [step, count] of amounts) sum = plus(sum, times(oneOf(step), [BigInt(count), 1n]));
  if (rate.maxCost !== undefined && isAbove(sum, ratio(rate.maxCost.amount))) sum = ratio(rate.maxCost.amount);
  return { billedS, price: roundedText(exchanged(taxed(sum, rate), rate), decimals) };
}

/** How often each step's increment (or an event's fee) was begun. */
type Begun = Map<PlainStep, number>;

function oneOf(step: PlainStep): Ratio {
  return step.type === 'event' ? ratio(step.rate) : times(ratio(step.rate), [BigInt(step.roundByS), BigInt(step.perS)]);
}

function walk(rate: PlainRate, talked: number): { billedS: number; amounts: Begun } {
  const amounts: Begun = new Map();
  const begin = (step: PlainStep): unknown => amounts.set(step, (amounts.get(step) ?? 0) + 1);
  let billedS = 0;
  let hasMinutes = false;
  let present: PlainStep | undefined;
  let steps: PlainStep[] = [];
  let paidS = 0;
  for (let second = 0; second < talked; second++) {
    const now = stepsAt(rate, second);
    if (now !== steps) present = undefined;
    steps = now;
    let own: PlainStep | undefined;
    for (const step of steps) {
      if (step.type === 'event' && step.fromS === second) begin(step);
      // The last minute step that has begun; it goes on for ever if none follows.
      if (step.type === 'minute' && step.fromS <= second && (own === undefined || step.fromS > own.fromS)) own = step;
    }
    if (own === undefined) continue;
    hasMinutes = true;
    if (own !== present) paidS = 0;
    present = own;
    if (paidS === 0) {
      begin(own);
      billedS += own.roundByS;
      paidS = own.roundByS;
    }
    paidS -= 1;
  }
  return { billedS: hasMinutes ? billedS : talked, amounts };
}

function stepsAt(rate: PlainRate, second: number): PlainStep[] {
  if (rate.split === undefined) return rate.steps;
  const ms = rate.split.startMs + second * 1000;
  let steps: PlainStep[] = [];
  rate.split.spans.forEach((span, index) => {
    if (index === 0 || span.fromMs <= ms) steps = span.steps;
  });
  return steps;
}

function taxed(net: Ratio, rate: PlainRate): Ratio {
  if (rate.taxes === undefined) return net;
  const shares = rate.taxes.percents.map((percent) => times(ratio(percent), [1n, 100n]));
  if (rate.taxes.compound) return shares.reduce((sum, share) => plus(sum, times(sum, share)), net);
  return shares.reduce((sum, share) => plus(sum, times(net, share)), net);
}

function exchanged(amount: Ratio, rate: PlainRate): Ratio {
  const [num, den] = ratio(rate.exchangeRate ?? '1');
  return times(amount, [den, num]);
}

/** Long division by hand: digits one after the other, then half up on the magnitude. */
function roundedText([num, den]: Ratio, decimals: number): string {
  const negative = num < 0n !== den < 0n && num !== 0n;
  const top = (num < 0n ? -num : num) * 10n ** BigInt(decimals);
  const bottom = den < 0n ? -den : den;
  let whole = top / bottom;
  if ((top - whole * bottom) * 2n >= bottom) whole += 1n;
  const digits = whole.toString().padStart(decimals + 1, '0');
  const cut = digits.length - decimals;
  const text = decimals === 0 ? digits : `${digits.slice(0, cut)}.${digits.slice(cut)}`;
  return negative && whole !== 0n ? `-${text}` : text;
}
