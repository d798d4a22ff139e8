/** Choices of the generator: all of them follow from one seed. */
import type { Random } from '../sim/random.ts';

export class Choice {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.#random.below(1_000_000) < probability * 1_000_000;
  }

  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + this.#random.below(most - least + 1);
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new Error('nothing to choose from');
    return list[this.#random.below(list.length)]!;
  }

  /** One of the values; how often each comes is in proportion to its weight. */
  weighted<T>(list: readonly (readonly [weight: number, value: T])[]): T {
    const total = list.reduce((sum, [weight]) => sum + weight, 0);
    let left = this.#random.below(total);
    for (const [weight, value] of list) {
      left -= weight;
      if (left < 0) return value;
    }
    throw new Error('weights are whole numbers above zero');
  }

  /** The words, or none of them. */
  maybe(probability: number, words: () => string): string {
    return this.chance(probability) ? ` ${words()}` : '';
  }

  /** The list in some order. */
  shuffled<T>(list: readonly T[]): T[] {
    const rest = [...list];
    const out: T[] = [];
    while (rest.length > 0) out.push(...rest.splice(this.#random.below(rest.length), 1));
    return out;
  }
}
