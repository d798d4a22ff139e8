/**
 * Associative arrays, whose order of keys scripts see: bash walks a hash table of 1024 buckets
 * (FNV-1 of the key's bytes), within a bucket the latest key first.
 */
import { encode } from '../process/bytes.ts';

const BUCKETS = 1024;

export class AssocArray {
  private readonly map: Map<string, string>;

  constructor(map: Map<string, string> = new Map()) {
    this.map = map;
  }

  get size(): number {
    return this.map.size;
  }

  get(key: string): string | undefined {
    return this.map.get(key);
  }

  set(key: string, value: string): void {
    this.map.set(key, value);
  }

  delete(key: string): void {
    this.map.delete(key);
  }

  clear(): void {
    this.map.clear();
  }

  clone(): AssocArray {
    return new AssocArray(new Map(this.map));
  }

  keys(): string[] {
    const buckets = new Map<number, string[]>();
    for (const key of this.map.keys()) {
      const bucket = hash(key) & (BUCKETS - 1);
      const chain = buckets.get(bucket);
      if (chain === undefined) buckets.set(bucket, [key]);
      else chain.unshift(key);
    }
    return [...buckets.keys()].sort((a, b) => a - b).flatMap((bucket) => buckets.get(bucket)!);
  }

  values(): string[] {
    return this.keys().map((key) => this.map.get(key)!);
  }
}

function hash(key: string): number {
  let value = 2166136261;
  for (const byte of encode(key)) {
    value = Math.imul(value, 16777619);
    value ^= byte > 127 ? byte - 256 : byte;
  }
  return value >>> 0;
}
