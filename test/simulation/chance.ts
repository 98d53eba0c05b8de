/** All chance of a simulation comes from here, so that a seed repeats it. */
import { seededRandom } from '../routing/property.ts';

export class Chance {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** 0 (included) to 1 (not). */
  readonly next = (): number => this.#random();

  between(least: number, most: number): number {
    return least + this.#random() * (most - least);
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  /** True once in so many times; 0: never. */
  oneIn(times: number): boolean {
    return times > 0 && this.#random() * times < 1;
  }

  pick<Value>(values: readonly Value[]): Value {
    return values[this.below(values.length)] as Value;
  }

  /** Short mostly, long at times. */
  around(mean: number): number {
    return -Math.log(1 - this.#random()) * mean;
  }

  /** Another row of numbers, which no other draw disturbs. */
  fork(): Chance {
    return new Chance(this.below(2 ** 31));
  }
}
