/** How far a search has come, in a file, so that one that was interrupted goes on where it was. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export interface FuzzCounts {
  same: number;
  differing: number;
  /** Labs on which the kernel contradicted itself. */
  unstable: number;
  /** Labs in which frames pass without end. */
  storms: number;
}

interface Saved extends FuzzCounts {
  /** All labs before this one are done: an index from 0. */
  next: number;
  /** Those behind it that are done as well. */
  ahead: number[];
  /** Files of the labs that differ. */
  files: string[];
}

export class FuzzState implements FuzzCounts {
  readonly #path: string;
  #next = 0;
  #ahead = new Set<number>();
  same = 0;
  differing = 0;
  unstable = 0;
  storms = 0;
  readonly files: string[] = [];

  private constructor(path: string) {
    this.#path = path;
  }

  /** The state in the file; a new one when there is no such file or it cannot be read as one. */
  static load(path: string): FuzzState {
    const state = new FuzzState(path);
    try {
      const saved = JSON.parse(readFileSync(path, 'utf8')) as Saved;
      if (!Number.isInteger(saved.next) || !Array.isArray(saved.ahead)) return state;
      state.#next = saved.next;
      state.#ahead = new Set(saved.ahead);
      state.same = saved.same;
      state.differing = saved.differing;
      state.unstable = saved.unstable;
      state.storms = saved.storms;
      state.files.push(...saved.files);
    } catch {
      return state;
    }
    return state;
  }

  /** Labs that are done. */
  get done(): number {
    return this.#next + this.#ahead.size;
  }

  isDone(index: number): boolean {
    return index < this.#next || this.#ahead.has(index);
  }

  /** A lab is done: remember it, also on disk. */
  finish(index: number, kind: keyof FuzzCounts, file?: string): void {
    this[kind]++;
    if (file !== undefined) this.files.push(file);
    this.#ahead.add(index);
    while (this.#ahead.delete(this.#next)) this.#next++;
    const { same, differing, unstable, storms, files } = this;
    const saved: Saved = { next: this.#next, ahead: [...this.#ahead], same, differing, unstable, storms, files };
    mkdirSync(dirname(this.#path), { recursive: true });
    writeFileSync(`${this.#path}.new`, JSON.stringify(saved));
    renameSync(`${this.#path}.new`, this.#path);
  }

  /** Forget all: the search is over. */
  clear(): void {
    rmSync(this.#path, { force: true });
  }
}
