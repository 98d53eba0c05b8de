// The one named error of this room: what is wrong, in which field, in a sentence an operator can act on.

export type RateErrorCode =
  | 'missing'
  | 'unknownField'
  | 'wrongType'
  | 'badMoney'
  | 'badDecimal'
  | 'negative'
  | 'mixedSigns'
  | 'zeroIncrement'
  | 'tooLarge'
  | 'notWhole'
  | 'stepsOverlap'
  | 'stepsGap'
  | 'stepsMissing'
  | 'badZone'
  | 'badDate'
  | 'badTime'
  | 'badDays'
  | 'badPrefix'
  | 'duplicateRow'
  | 'windowsOverlap'
  | 'noGroup';

/** A price that cannot be right. `field` is a path such as `steps[1].fromS`; the message already names it. */
export class RateError extends Error {
  override readonly name = 'RateError';
  readonly code: RateErrorCode;
  readonly field: string;

  constructor(code: RateErrorCode, field: string, sentence: string) {
    super(field === '' ? sentence : `${field}: ${sentence}`);
    this.code = code;
    this.field = field;
  }
}
